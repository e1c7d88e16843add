// IEEE 754 half precision as files hold it: to the nearest value, ties to even; 65504 is the largest.
#pragma once

#include <cstdint>

namespace spectral {

#if defined(__clang__) && __clang_major__ < 15
using HalfFloat = __fp16;  // it has no _Float16 on x86-64 yet
#else
using HalfFloat = _Float16;
#endif

// The builtin is no function: values of __fp16 cannot be returned.
inline std::uint16_t to_half(float value) {
    return __builtin_bit_cast(std::uint16_t, static_cast<HalfFloat>(value));
}
inline float from_half(std::uint16_t bits) { return static_cast<float>(__builtin_bit_cast(HalfFloat, bits)); }

inline constexpr float kLargestHalf = 65504;

}  // namespace spectral
