// Return codes of the CUDA libraries as the program's exceptions.
#pragma once

#include <cublas_v2.h>
#include <cuda_runtime.h>
#include <cufft.h>

#include "kernels/error.hpp"

namespace spectral::cuda {

/// Throws Error: `what` failed, and what CUDA says of it; OutOfMemory where that is the reason.
void check(cudaError_t code, const char* what);
void check(cufftResult code, const char* what);
void check(cublasStatus_t code, const char* what);

/// That the device has none left for `what`.
OutOfMemory out_of_memory(const char* what);

/// After this the device answers nothing more in this process.
bool is_device_lost(cudaError_t code);

}  // namespace spectral::cuda
