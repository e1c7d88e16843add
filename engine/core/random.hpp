// Counter-based random numbers, Philox 4x32-10 (Salmon et al. 2011): any value of any stream without the ones
// before it, the same on every machine.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace spectral {

/// The Philox 4x32-10 block function.
std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key);

/// A stream is named by (seed, stream); its state is how many 32-bit words were drawn.
class Random {
public:
    explicit Random(std::uint64_t seed, std::uint64_t stream = 0) : seed_(seed), stream_(stream) {}

    std::uint32_t next();
    /// Uniform in [0, bound), without bias. bound > 0.
    std::uint32_t below(std::uint32_t bound);
    /// Uniform in [0, 1).
    double uniform();
    double uniform(double low, double high) { return low + (high - low) * uniform(); }
    /// Standard normal (Box–Muller).
    double normal();
    /// Fisher–Yates.
    void shuffle(std::span<std::uint32_t> values);

    std::uint64_t position() const { return position_; }

private:
    std::uint64_t seed_;
    std::uint64_t stream_;
    std::uint64_t position_ = 0;
    std::array<std::uint32_t, 4> block_{};
};

}  // namespace spectral
