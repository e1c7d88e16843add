// IEEE 754 half precision as files hold it: to the nearest value, ties to even; 65504 is the largest.
#pragma once

#include <bit>
#include <cstdint>

namespace spectral {

inline std::uint16_t to_half(float value) {
    return std::bit_cast<std::uint16_t>(static_cast<_Float16>(value));
}
inline float from_half(std::uint16_t bits) { return static_cast<float>(std::bit_cast<_Float16>(bits)); }

inline constexpr float kLargestHalf = 65504;

}  // namespace spectral
