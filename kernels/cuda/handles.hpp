// CUDA objects that are destroyed with their owner.
#pragma once

#include <memory>
#include <type_traits>

#include "kernels/cuda/error.hpp"

namespace spectral::cuda {

/// Errors of a destroy call are dropped: they repeat what an earlier call already reported.
template <class Handle, auto kDestroy>
struct Destroy {
    using pointer = Handle;
    void operator()(Handle handle) const noexcept { static_cast<void>(kDestroy(handle)); }
};

template <class Handle, auto kDestroy>
using Owned = std::unique_ptr<std::remove_pointer_t<Handle>, Destroy<Handle, kDestroy>>;

using Stream = Owned<cudaStream_t, cudaStreamDestroy>;
using Event = Owned<cudaEvent_t, cudaEventDestroy>;
using Graph = Owned<cudaGraph_t, cudaGraphDestroy>;
using GraphExec = Owned<cudaGraphExec_t, cudaGraphExecDestroy>;
using Library = Owned<cudaLibrary_t, cudaLibraryUnload>;
using MemoryPool = Owned<cudaMemPool_t, cudaMemPoolDestroy>;
using DeviceMemory = Owned<void*, static_cast<cudaError_t (*)(void*)>(cudaFree)>;
using PinnedMemory = Owned<void*, static_cast<cudaError_t (*)(void*)>(cudaFreeHost)>;
using Blas = Owned<cublasHandle_t, cublasDestroy_v2>;

/// cuFFT's handle is a number, so unique_ptr does not fit.
class FftHandle {
public:
    FftHandle() { check(cufftCreate(&handle_), "plan"); }
    FftHandle(const FftHandle&) = delete;
    FftHandle& operator=(const FftHandle&) = delete;
    ~FftHandle() { static_cast<void>(cufftDestroy(handle_)); }

    cufftHandle get() const { return handle_; }

private:
    cufftHandle handle_ = 0;
};

}  // namespace spectral::cuda
