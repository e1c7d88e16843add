#include "kernels/cuda/error.hpp"

#include <string>

namespace spectral::cuda {

namespace {

const char* cufft_text(cufftResult code) {
    switch (code) {
        case CUFFT_INVALID_SIZE:
            return "a size it cannot transform";
        case CUFFT_INVALID_VALUE:
            return "a value it does not accept";
        case CUFFT_EXEC_FAILED:
            return "the transform failed on the device";
        case CUFFT_SETUP_FAILED:
            return "the library could not start";
        case CUFFT_NOT_SUPPORTED:
            return "not supported on this device";
        default:
            return "internal error";
    }
}

}  // namespace

OutOfMemory out_of_memory(const char* what) {
    return {std::string("cuda ") + what, "the device has no memory left for it",
            "close other programs that use the device, or make the batch smaller"};
}

bool is_device_lost(cudaError_t code) {
    switch (code) {
        case cudaErrorIllegalAddress:
        case cudaErrorMisalignedAddress:
        case cudaErrorIllegalInstruction:
        case cudaErrorLaunchFailure:
        case cudaErrorHardwareStackError:
        case cudaErrorECCUncorrectable:
        case cudaErrorDevicesUnavailable:
        case cudaErrorUnknown:
            return true;
        default:
            return false;
    }
}

void check(cudaError_t code, const char* what) {
    if (code == cudaSuccess) return;
    // Errors of one call stay behind in the runtime's "last error", where the next check would find them.
    static_cast<void>(cudaGetLastError());
    if (code == cudaErrorMemoryAllocation) throw out_of_memory(what);
    const std::string why = std::string(cudaGetErrorString(code)) + " (" + cudaGetErrorName(code) + ")";
    throw Error(
        std::string("cuda ") + what, why,
        is_device_lost(code) ? "the device cannot be used again before the program is started anew" : "");
}

void check(cufftResult code, const char* what) {
    if (code == CUFFT_SUCCESS) return;
    if (code == CUFFT_ALLOC_FAILED) throw out_of_memory(what);
    throw Error(std::string("cuFFT ") + what,
                std::string(cufft_text(code)) + " (" + std::to_string(code) + ")");
}

void check(cublasStatus_t code, const char* what) {
    if (code == CUBLAS_STATUS_SUCCESS) return;
    if (code == CUBLAS_STATUS_ALLOC_FAILED) throw out_of_memory(what);
    throw Error(std::string("cuBLAS ") + what, std::string(cublasGetStatusString(code)));
}

}  // namespace spectral::cuda
