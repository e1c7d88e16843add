// How every kernel is launched. The same sources are compiled for a GPU by nvcc and for the host by the
// emulation that the tests use.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>

#include "kernels/cuda/device.cuh"
#include "kernels/cuda/error.hpp"

namespace spectral::cuda {

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

/// Lets `kernel` have up to `bytes` of dynamic shared memory. The limit is one for all threads of the
/// process, so it is always the same for a kernel, not what one launch needs.
template <class Kernel>
void allow_shared_memory(Kernel kernel, std::size_t bytes) {
    check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(bytes)),
          "shared memory");
}

/// Blocks that cover `items` with `per_block` each, at most `most`: the kernels stride over the rest.
inline unsigned blocks_for(std::int64_t items, std::int64_t per_block, std::int64_t most) {
    return static_cast<unsigned>(std::clamp<std::int64_t>((items + per_block - 1) / per_block, 1, most));
}

/// Whether four floats at each of these addresses can be loaded at once.
template <class... Pointers>
bool vector_aligned(const Pointers*... pointers) {
    return ((reinterpret_cast<std::uintptr_t>(pointers) % 16 == 0) && ...);
}

}  // namespace spectral::cuda
