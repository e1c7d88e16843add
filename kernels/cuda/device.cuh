// What all kernels need: their place in the grid, dynamic shared memory, vector loads. Compiled at run time
// too, with nothing of the standard library but <cstdint>.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#ifdef __CUDACC__
/// `T* name`: the block's dynamic shared memory, 16-byte aligned.
#define SPECTRAL_DYNAMIC_SHARED(T, name)                                  \
    extern __shared__ __align__(16) unsigned char dynamic_shared_bytes[]; \
    T* const name = reinterpret_cast<T*>(dynamic_shared_bytes)
#else
#define SPECTRAL_DYNAMIC_SHARED(T, name) T* const name = static_cast<T*>(cuda_on_cpu::dynamic_shared())
#endif

namespace spectral::cuda {

inline constexpr int kWarp = 32;
inline constexpr int kBlock = 256;  ///< threads, where nothing asks for another number

/// This thread among all of a one-dimensional grid, and their number.
__device__ __forceinline__ std::int64_t global_thread() {
    return static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}
__device__ __forceinline__ std::int64_t global_threads() {
    return static_cast<std::int64_t>(gridDim.x) * blockDim.x;
}

/// kWidth values that one instruction loads or stores.
template <class T, int kWidth>
struct alignas(sizeof(T) * kWidth) Pack {
    T value[kWidth];
};

template <int kWidth, class T>
__device__ __forceinline__ Pack<T, kWidth> load(const T* from, std::int64_t i) {
    return *reinterpret_cast<const Pack<T, kWidth>*>(from + i);
}

template <int kWidth, class T>
__device__ __forceinline__ void store(T* to, std::int64_t i, const Pack<T, kWidth>& values) {
    *reinterpret_cast<Pack<T, kWidth>*>(to + i) = values;
}

}  // namespace spectral::cuda
