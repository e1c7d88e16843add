// Dropout with masks that are never stored: the same seed and stream give the same one again.
#pragma once

#include "kernels/types.hpp"

namespace spectral {

/// y[i] = x[i]·2^32/(2^32 − threshold), or 0 where word i of Philox's stream (seed, stream) is below
/// `threshold` = dropout_threshold(rate). With dy for x it is its own gradient. x and y may be the same.
struct Dropout {
    static constexpr std::string_view name = "dropout";
    std::int64_t size = 0;
    std::uint32_t threshold = 0;
    std::uint64_t seed = 0, stream = 0;
    const float* x = nullptr;
    float* y = nullptr;

    float scale() const { return static_cast<float>(0x1p32 / (0x1p32 - static_cast<double>(threshold))); }
    Cost cost() const;
};

/// 0 ≤ rate < 1.
inline std::uint32_t dropout_threshold(double rate) { return static_cast<std::uint32_t>(rate * 0x1p32); }

}  // namespace spectral
