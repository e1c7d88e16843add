// Complex values reduced to one: a block per kBlockSize values, then their results in a fixed order.
#include "kernels/cuda/complex.cuh"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/operations.hpp"
#include "kernels/cuda/reduce.cuh"
#include "kernels/ops/reduce.hpp"

namespace spectral::cuda {

namespace {

/// `body(i)` for the values of a chunk, shared among the threads of a block.
template <class Body>
__device__ void over_chunk(std::int64_t chunk, std::int64_t size, const Body& body) {
    const std::int64_t end = min(size, (chunk + 1) * kBlockSize);
    for (std::int64_t i = chunk * kBlockSize + threadIdx.x; i < end; i += kBlock) body(i);
}

__global__ void energy_kernel(std::int64_t size, const float2* __restrict__ x, const std::uint8_t* weight,
                              double* partial) {
    __shared__ double shared[kBlock / kWarp];
    for (std::int64_t chunk = blockIdx.x; chunk * kBlockSize < size; chunk += gridDim.x) {
        double sum = 0;
        over_chunk(chunk, size, [&](std::int64_t i) {
            const double re = x[i].x, im = x[i].y;
            if (weight == nullptr)
                sum += re * re + im * im;
            else if (weight[i] > 0)
                sum += weight[i] * (re * re + im * im);
        });
        sum = block_sum<kBlock>(sum, shared);
        if (threadIdx.x == 0) partial[chunk] = sum;
    }
}

__global__ void sum_kernel(std::int64_t size, const float2* __restrict__ x, double2* partial) {
    __shared__ double shared[kBlock / kWarp];
    for (std::int64_t chunk = blockIdx.x; chunk * kBlockSize < size; chunk += gridDim.x) {
        double re = 0, im = 0;
        over_chunk(chunk, size, [&](std::int64_t i) {
            re += x[i].x;
            im += x[i].y;
        });
        re = block_sum<kBlock>(re, shared);
        im = block_sum<kBlock>(im, shared);
        if (threadIdx.x == 0) partial[chunk] = make_double2(re, im);
    }
}

__global__ void total_kernel(std::int64_t parts, const double* partial, double* y) {
    __shared__ double shared[kBlock / kWarp];
    double sum = 0;
    for (std::int64_t i = threadIdx.x; i < parts; i += kBlock) sum += partial[i];
    sum = block_sum<kBlock>(sum, shared);
    if (threadIdx.x == 0) *y = sum;
}

__global__ void complex_total_kernel(std::int64_t parts, const double2* partial, double2* y) {
    __shared__ double shared[kBlock / kWarp];
    double re = 0, im = 0;
    for (std::int64_t i = threadIdx.x; i < parts; i += kBlock) {
        re += partial[i].x;
        im += partial[i].y;
    }
    re = block_sum<kBlock>(re, shared);
    im = block_sum<kBlock>(im, shared);
    if (threadIdx.x == 0) *y = make_double2(re, im);
}

/// Largest of all threads, for thread 0.
__device__ std::uint64_t block_max(std::uint64_t value, std::uint64_t* shared) {
    value = warp_max(value);
    if (threadIdx.x % kWarp == 0) shared[threadIdx.x / kWarp] = value;
    __syncthreads();
    if (threadIdx.x == 0)
        for (int w = 1; w < kBlock / kWarp; ++w) value = max(value, shared[w]);
    __syncthreads();
    return value;
}

/// Key above, index counted downwards below: the largest of these is the largest key at its lowest index.
__global__ void peak_kernel(std::int64_t size, const float2* __restrict__ x, std::uint64_t* partial) {
    __shared__ std::uint64_t shared[kBlock / kWarp];
    for (std::int64_t chunk = blockIdx.x; chunk * kBlockSize < size; chunk += gridDim.x) {
        std::uint64_t best = 0;
        over_chunk(chunk, size, [&](std::int64_t i) {
            const std::uint64_t key = device_energy_key(x[i]);
            best = max(best, key << 32 | (0xFFFFFFFFU - static_cast<std::uint32_t>(i)));
        });
        best = block_max(best, shared);
        if (threadIdx.x == 0) partial[chunk] = best;
    }
}

__global__ void highest_peak_kernel(std::int64_t parts, const std::uint64_t* partial, Peak* y) {
    __shared__ std::uint64_t shared[kBlock / kWarp];
    std::uint64_t best = 0;
    for (std::int64_t i = threadIdx.x; i < parts; i += kBlock) best = max(best, partial[i]);
    best = block_max(best, shared);
    if (threadIdx.x != 0) return;
    *y = Peak();
    if (parts > 0)
        *y = {sqrtf(__uint_as_float(static_cast<std::uint32_t>(best >> 32))),
              static_cast<std::int64_t>(0xFFFFFFFFU - static_cast<std::uint32_t>(best))};
}

unsigned blocks(const CudaBackend& backend, std::int64_t size) {
    return blocks_for(size, kBlockSize, backend.most_blocks());
}

void run_energy(CudaBackend& backend, const ComplexEnergy& op) {
    launch(energy_kernel, blocks(backend, op.size), kBlock, 0, backend.stream(), op.size, parts_of(op.x),
           op.weight, op.scratch);
    launch(total_kernel, 1, kBlock, 0, backend.stream(), block_count(op.size), op.scratch, op.y);
}

void run_sum(CudaBackend& backend, const ComplexSum& op) {
    auto* partial = reinterpret_cast<double2*>(op.scratch);
    launch(sum_kernel, blocks(backend, op.size), kBlock, 0, backend.stream(), op.size, parts_of(op.x),
           partial);
    launch(complex_total_kernel, 1, kBlock, 0, backend.stream(), block_count(op.size), partial,
           reinterpret_cast<double2*>(op.y));
}

void run_peak(CudaBackend& backend, const PeakMagnitude& op) {
    launch(peak_kernel, blocks(backend, op.size), kBlock, 0, backend.stream(), op.size, parts_of(op.x),
           op.scratch);
    launch(highest_peak_kernel, 1, kBlock, 0, backend.stream(), block_count(op.size), op.scratch, op.y);
}

}  // namespace

void add_reduce(OpTable& table) {
    constexpr auto kChange = "a block per 4096 values, then their results in a fixed order";
    add<ComplexEnergy, run_energy>(table, Level::tiled, kChange);
    add<ComplexSum, run_sum>(table, Level::tiled, kChange);
    add<PeakMagnitude, run_peak>(table, Level::tiled, kChange);
}

}  // namespace spectral::cuda
