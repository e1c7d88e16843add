// Complex arithmetic on device values.
#pragma once

#include "kernels/cuda/launch.cuh"
#include "kernels/ops/select.hpp"
#include "kernels/types.hpp"

namespace spectral::cuda {

inline const float2* parts_of(const Complex* x) { return reinterpret_cast<const float2*>(x); }
inline float2* parts_of(Complex* x) { return reinterpret_cast<float2*>(x); }

__device__ __forceinline__ float2 multiply(float2 a, float2 b) {
    return make_float2(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x);
}
__device__ __forceinline__ float2 conjugate(float2 a) { return make_float2(a.x, -a.y); }

/// energy_key() of kernels/ops/select.hpp, bit for bit.
__device__ __forceinline__ std::uint32_t device_energy_key(float2 x) {
    const float energy = fmaf(x.x, x.x, x.y * x.y);
    return isnan(energy) ? kNanKey : __float_as_uint(energy);
}

}  // namespace spectral::cuda
