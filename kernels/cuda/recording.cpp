#include "kernels/cuda/recording.hpp"

#include <string>

namespace spectral::cuda {

namespace {

std::shared_mutex& recording_mutex() {
    static std::shared_mutex mutex;
    return mutex;
}

}  // namespace

void refuse_while_recording(cudaStream_t stream, const char* what) {
    cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
    check(cudaStreamIsCapturing(stream, &status), what);
    if (status != cudaStreamCaptureStatusNone)
        throw Error(std::string("cuda ") + what, "it cannot be part of a recorded step");
}

std::unique_lock<std::shared_mutex> keep_from_recording() { return std::unique_lock(recording_mutex()); }

std::shared_lock<std::shared_mutex> lock_for_recording() { return std::shared_lock(recording_mutex()); }

}  // namespace spectral::cuda
