// IEEE 754 half precision as files hold it: to the nearest value, ties to even; 65504 is the largest. By
// whole numbers, without a branch: loops over it become vectors also where the processor's own conversion
// must not be taken for granted, and where the compiler would call a function for every value.
#pragma once

#include <bit>
#include <cstdint>

namespace spectral {

inline constexpr std::uint16_t to_half(float value) {
    // Bits of floats: one, of which halves have the exponent 112 lower; the smallest normal half; what lies
    // beyond the largest.
    constexpr std::uint32_t kRebase = 112U << 23, kNormal = 113U << 23, kBeyond = 143U << 23,
                            kInfinity = 255U << 23;
    const auto bits = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t magnitude = bits & 0x7FFFFFFFU;
    const std::uint32_t normal = (magnitude - kRebase + 0xFFFU + (magnitude >> 13 & 1U)) >> 13;
    // The last place of a half is the smallest half: the sum is rounded to it.
    const std::uint32_t subnormal = std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) + 0.5F) -
                                    std::bit_cast<std::uint32_t>(0.5F);
    const std::uint32_t beyond = magnitude > kInfinity ? 0x7E00U | (magnitude >> 13 & 0x3FFU) : 0x7C00U;
    const std::uint32_t half = magnitude < kNormal ? subnormal : magnitude < kBeyond ? normal : beyond;
    return static_cast<std::uint16_t>(half | (bits >> 16 & 0x8000U));
}

inline constexpr float from_half(std::uint16_t half) {
    constexpr std::uint32_t kExponent = 31U << 23;
    const std::uint32_t shifted = (half & 0x7FFFU) << 13, exponent = shifted & kExponent;
    const std::uint32_t normal = shifted + (exponent == kExponent ? 224U << 23 : 112U << 23);
    const float subnormal = std::bit_cast<float>(shifted + (113U << 23)) - 0x1p-14F;
    const std::uint32_t magnitude = exponent == 0 ? std::bit_cast<std::uint32_t>(subnormal) : normal;
    return std::bit_cast<float>(magnitude | (half & 0x8000U) << 16);
}

inline constexpr float kLargestHalf = 65504;

}  // namespace spectral
