// Rotary position encoding: neighbouring values of a head are one complex number each, turned by an angle
// that grows with the position.
#pragma once

#include <numbers>

#include "engine/core/tensor.hpp"

namespace spectral {

inline constexpr double kRotaryBase = 10000, kGoldenRotaryBase = std::numbers::phi;

/// turn[t,j] = e^{i·(first + t)·base^{−2j/size}}, complex64: positions × size/2. Throws Error where size is
/// odd or base not positive.
Tensor rotary_turns(Device device, std::int64_t positions, std::int64_t size, double base = kRotaryBase,
                    std::int64_t first = 0);

/// The same for rows that hold the queries, then the keys, then the values of all heads: positions ×
/// 3·heads·size/2, values multiplied by 1.
Tensor packed_rotary_turns(Device device, std::int64_t positions, std::int64_t heads, std::int64_t size,
                           double base = kRotaryBase);

/// y[…,t,2j] + i·y[…,t,2j+1] = (x[…,t,2j] + i·x[…,t,2j+1])·turn[t,j]; x: … × positions × size. With `back` by
/// the opposite angles: the gradient. x and y may be the same. Throws Error where they do not fit.
void rotate(Device device, const Tensor& x, const Tensor& turns, const Tensor& y, bool back = false);

}  // namespace spectral
