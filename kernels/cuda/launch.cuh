// How every kernel is launched, and what all of them need: grids, dynamic shared memory, vector loads. The
// same sources are compiled for a GPU by nvcc and for the host by the emulation that the tests use.
#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

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

/// Queues a kernel. A failed launch is found by the operation's check, in backend.hpp.
template <class... Parameters, class... Arguments>
void launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, std::size_t shared_bytes,
            cudaStream_t stream, Arguments&&... arguments) {
#ifdef __CUDACC__
    kernel<<<grid, block, shared_bytes, stream>>>(
        static_cast<Parameters>(std::forward<Arguments>(arguments))...);
#else
    cuda_on_cpu::launch(kernel, grid, block, shared_bytes, stream,
                        static_cast<Parameters>(std::forward<Arguments>(arguments))...);
#endif
}

/// Blocks that cover `items` with `per_block` each, at most `most`: the kernels stride over the rest.
inline unsigned blocks_for(std::int64_t items, std::int64_t per_block, std::int64_t most) {
    return static_cast<unsigned>(std::clamp<std::int64_t>((items + per_block - 1) / per_block, 1, most));
}

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

/// Whether four floats at each of these addresses can be loaded at once.
template <class... Pointers>
bool vector_aligned(const Pointers*... pointers) {
    return ((reinterpret_cast<std::uintptr_t>(pointers) % 16 == 0) && ...);
}

}  // namespace spectral::cuda
