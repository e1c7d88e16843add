// Sums over a warp and a block, always in the same order: results do not change from run to run.
#pragma once

#include "kernels/cuda/device.cuh"

namespace spectral::cuda {

inline constexpr unsigned kAllLanes = 0xFFFFFFFFU;

/// Every lane gets the sum.
template <class T>
__device__ __forceinline__ T warp_sum(T value) {
#pragma unroll
    for (int distance = kWarp / 2; distance > 0; distance /= 2)
        value += __shfl_xor_sync(kAllLanes, value, distance);
    return value;
}

template <class T>
__device__ __forceinline__ T warp_max(T value) {
#pragma unroll
    for (int distance = kWarp / 2; distance > 0; distance /= 2) {
        const T other = __shfl_xor_sync(kAllLanes, value, distance);
        value = other > value ? other : value;
    }
    return value;
}

/// values[i] of all lanes is summed; lane l is left with sums 2l and 2l + 1 of them. An exchange of halves at
/// every distance takes 62 shuffles where 64 sums would take 320.
__device__ __forceinline__ void warp_sum_scatter(float (&values)[2 * kWarp]) {
    const int lane = static_cast<int>(threadIdx.x) % kWarp;
#pragma unroll
    for (int distance = kWarp / 2, count = kWarp; distance > 0; distance /= 2, count /= 2) {
        const bool upper = (lane & distance) != 0;
#pragma unroll
        for (int i = 0; i < kWarp; ++i) {
            if (i >= count) break;
            const float sent = upper ? values[i] : values[i + count];
            const float kept = upper ? values[i + count] : values[i];
            values[i] = kept + __shfl_xor_sync(kAllLanes, sent, distance);
        }
    }
}

/// Every thread of a block of kThreads gets the sum. All of them call it; `partial` has kThreads / kWarp
/// places and may be used again after the next barrier.
template <int kThreads, class T>
__device__ __forceinline__ T block_sum(T value, T* partial) {
    constexpr int kWarps = kThreads / kWarp;
    value = warp_sum(value);
    if (threadIdx.x % kWarp == 0) partial[threadIdx.x / kWarp] = value;
    __syncthreads();
    T sum = partial[0];
#pragma unroll
    for (int w = 1; w < kWarps; ++w) sum += partial[w];
    __syncthreads();
    return sum;
}

}  // namespace spectral::cuda
