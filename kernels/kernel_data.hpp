// Plain data that operations hand to their kernels as it is. It is compiled at run time too, so it needs
// nothing but <cstdint>.
#pragma once

#include <cstdint>

namespace spectral {

/// Rows of a feature matrix start on a cache line: they are padded with zeros to this many floats.
inline constexpr std::int64_t kRowAlignment = 16;

constexpr std::int64_t padded_columns(std::int64_t columns) {
    return (columns + kRowAlignment - 1) / kRowAlignment * kRowAlignment;
}

/// Sums over a batch; the loss is a sum, not a mean.
struct LossSums {
    double loss = 0;
    std::int64_t correct = 0;
};

/// Entry b of a batch is row `rows[b]` of `x` (row b when `rows` is null). Rows are `stride` floats apart,
/// stride is a multiple of kRowAlignment, x is 64-byte aligned and the padding holds zeros.
struct PureFftInput {
    const float* x = nullptr;
    std::int64_t stride = 0;
    const std::uint32_t* rows = nullptr;

    const float* row(std::int64_t b) const { return x + (rows ? rows[b] : b) * stride; }
};

}  // namespace spectral
