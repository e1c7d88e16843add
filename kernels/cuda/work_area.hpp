// Memory of the device that plans of a library share.
#pragma once

#include <cstddef>
#include <utility>

#include "kernels/cuda/error.hpp"

namespace spectral::cuda {

/// Grows to what is asked of it, and is freed in the order of the stream: what was queued may still use it.
class WorkArea {
public:
    WorkArea(cudaMemPool_t pool, cudaStream_t stream) : pool_(pool), stream_(stream) {}
    WorkArea(const WorkArea&) = delete;
    WorkArea& operator=(const WorkArea&) = delete;
    ~WorkArea() {
        if (memory_ != nullptr) static_cast<void>(cudaFreeAsync(memory_, stream_));
    }

    /// At least `bytes`; whether it lies somewhere else now. Throws OutOfMemory and stays as it was; Error
    /// where the smaller one cannot be given back, and lies somewhere else.
    bool grow(std::size_t bytes) {
        if (bytes <= bytes_) return false;
        void* larger = nullptr;
        check(cudaMallocFromPoolAsync(&larger, bytes, pool_, stream_), "work area");
        void* const smaller = std::exchange(memory_, larger);
        bytes_ = bytes;
        if (smaller != nullptr) check(cudaFreeAsync(smaller, stream_), "work area");
        return true;
    }
    void clear() {
        bytes_ = 0;
        if (memory_ != nullptr) check(cudaFreeAsync(std::exchange(memory_, nullptr), stream_), "work area");
    }

    void* get() const { return memory_; }
    std::size_t bytes() const { return bytes_; }

private:
    cudaMemPool_t pool_;
    cudaStream_t stream_;
    void* memory_ = nullptr;
    std::size_t bytes_ = 0;
};

}  // namespace spectral::cuda
