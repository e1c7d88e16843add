// Order-preserving compaction: a block of threads takes kBlockSize values, first to count what passes, then,
// from the counts' running sums, to write it. The same result on every grid.
#pragma once

#include "kernels/cuda/backend.hpp"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/reduce.cuh"
#include "kernels/ops/blocks.hpp"

namespace spectral::cuda {

inline constexpr int kScanBlock = 1024;

/// Running sums of the threads before this one; `total` gets the sum of all. All threads of the block call
/// it.
template <int kThreads, class T>
__device__ __forceinline__ T block_exclusive_sum(T value, T& total, T* partial) {
    constexpr int kWarps = kThreads / kWarp;
    const int lane = static_cast<int>(threadIdx.x) % kWarp, warp = static_cast<int>(threadIdx.x) / kWarp;
    T sum = value;
#pragma unroll
    for (int distance = 1; distance < kWarp; distance *= 2) {
        const T before = __shfl_up_sync(kAllLanes, sum, distance);
        if (lane >= distance) sum += before;
    }
    if (lane == kWarp - 1) partial[warp] = sum;
    __syncthreads();
    T before = 0;
    total = 0;
    for (int w = 0; w < kWarps; ++w) {
        if (w == warp) before = total;
        total += partial[w];
    }
    __syncthreads();
    return before + sum - value;
}

/// counts[i] ← Σ of those before, *total ← Σ of all: one block. Further blocks do the same without a total
/// for further counts, `stride` apart.
static __global__ void exclusive_sums_kernel(std::int64_t size, std::int64_t* counts, std::int64_t stride,
                                             std::int64_t* total) {
    constexpr int kEach = 8;  // a round waits for memory once, however many a thread takes
    __shared__ std::int64_t partial[kScanBlock / kWarp];
    counts += blockIdx.x * stride;
    std::int64_t done = 0;
    for (std::int64_t first = 0; first < size; first += kScanBlock * kEach) {
        const std::int64_t own = first + static_cast<std::int64_t>(threadIdx.x) * kEach;
        std::int64_t count[kEach], sum = 0, all = 0;
#pragma unroll
        for (int i = 0; i < kEach; ++i) {
            count[i] = own + i < size ? counts[own + i] : 0;
            sum += count[i];
        }
        std::int64_t before = done + block_exclusive_sum<kScanBlock>(sum, all, partial);
#pragma unroll
        for (int i = 0; i < kEach; ++i) {
            if (own + i < size) counts[own + i] = before;
            before += count[i];
        }
        done += all;
    }
    if (threadIdx.x == 0 && blockIdx.x == 0 && total != nullptr) *total = done;
}

inline void exclusive_sums(CudaBackend& backend, std::int64_t size, std::int64_t* counts, std::int64_t* total,
                           unsigned arrays = 1, std::int64_t stride = 0) {
    launch(exclusive_sums_kernel, arrays, kScanBlock, 0, backend.stream(), size, counts, stride, total);
}

/// counts[c] = how many i of chunk c pass `body.test(i)`.
template <class Body>
__global__ void count_passing_kernel(std::int64_t size, Body body, std::int64_t* counts) {
    __shared__ int partial[kBlock / kWarp];
    for (std::int64_t chunk = blockIdx.x; chunk * kBlockSize < size; chunk += gridDim.x) {
        const std::int64_t end = min(size, (chunk + 1) * kBlockSize);
        int passing = 0;
        for (std::int64_t i = chunk * kBlockSize + threadIdx.x; i < end; i += kBlock)
            passing += body.test(i) ? 1 : 0;
        passing = block_sum<kBlock>(passing, partial);
        if (threadIdx.x == 0) counts[chunk] = passing;
    }
}

/// `body.emit(i, passes, rank)` for every i, `rank` being how many before it pass.
template <class Body>
__global__ void emit_kernel(std::int64_t size, Body body, const std::int64_t* offsets) {
    __shared__ int partial[kBlock / kWarp];
    for (std::int64_t chunk = blockIdx.x; chunk * kBlockSize < size; chunk += gridDim.x) {
        const std::int64_t end = min(size, (chunk + 1) * kBlockSize);
        std::int64_t done = offsets[chunk];
        for (std::int64_t first = chunk * kBlockSize; first < end; first += kBlock) {
            const std::int64_t i = first + threadIdx.x;
            const bool passes = i < end && body.test(i);
            int sum = 0;
            const int before = block_exclusive_sum<kBlock>(passes ? 1 : 0, sum, partial);
            if (i < end) body.emit(i, passes, done + before);
            done += sum;
        }
    }
}

inline unsigned chunk_blocks(const CudaBackend& backend, std::int64_t size) {
    return blocks_for(size, kBlockSize, backend.most_blocks());
}

/// `counts`: block_count(size) values of working memory. *total ← how many pass.
template <class Body>
void compact(CudaBackend& backend, std::int64_t size, const Body& body, std::int64_t* counts,
             std::int64_t* total) {
    launch(count_passing_kernel<Body>, chunk_blocks(backend, size), kBlock, 0, backend.stream(), size, body,
           counts);
    exclusive_sums(backend, block_count(size), counts, total);
    launch(emit_kernel<Body>, chunk_blocks(backend, size), kBlock, 0, backend.stream(), size, body, counts);
}

}  // namespace spectral::cuda
