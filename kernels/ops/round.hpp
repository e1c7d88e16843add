// Numbers rounded to what a coding of few bits can hold, and left as floats: training sees what will be stored.
#pragma once

#include <bit>
#include <cstdint>

#include "kernels/types.hpp"

namespace spectral {

/// Every `block` values share a step, the largest magnitude among them divided by `levels` and rounded to
/// the eleven significant bits of a half;  y = step · k with the whole number k nearest to x/step, halves
/// away from zero, −levels ≤ k ≤ levels. `levels` 0: the value itself in eleven bits. x and y may be the
/// same.
struct RoundInBlocks {
    static constexpr std::string_view name = "round_in_blocks";
    std::int64_t size = 0, block = 64;
    int levels = 127;
    const float* x = nullptr;
    float* y = nullptr;
    Cost cost() const;
};

/// To eleven significant bits, ties to even; the exponent is a float's.
constexpr std::uint32_t round_to_half_bits(std::uint32_t bits) {
    constexpr std::uint32_t kDropped = 13;
    return (bits + ((1U << (kDropped - 1)) - 1) + (bits >> kDropped & 1U)) >> kDropped << kDropped;
}

}  // namespace spectral
