// Another sampling rate by a windowed sinc:
//   y[m] = Σ_n x[n] h(m·r/s − n) / Σ_n h(m·r/s − n),   h(t) = sinc(c t) · cos²(π c t / 2Z) for |t| < Z/c,
// from rate r to rate s, with c = min(1, s/r), Z = 16 zero crossings to either side, sinc(t) = sin(πt)/πt,
// and x zero outside of the recording. (J. O. Smith, Digital Audio Resampling, with a Hann window.)
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace spectral {

class Resampler {
public:
    /// Samples a second, both positive.
    Resampler(std::int64_t from, std::int64_t to);

    std::int64_t from() const { return from_; }
    /// Samples that a recording of `length` becomes: those whose moment lies within it.
    std::int64_t length_of(std::int64_t length) const;
    /// The first y.size() samples; zero behind the recording's end.
    void run(std::span<const float> x, std::span<float> y);

private:
    const std::vector<float>& weights(std::int64_t phase);

    std::int64_t from_, to_;  ///< in lowest terms: outputs repeat their weights after to_ of them
    double cutoff_;
    std::int64_t reach_;                       ///< inputs to either side
    std::vector<std::vector<float>> weights_;  ///< by phase, made when first needed
};

}  // namespace spectral
