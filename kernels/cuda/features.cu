// Logarithm, moments and standardisation of feature matrices.
#include "kernels/cuda/elementwise.cuh"
#include "kernels/cuda/operations.hpp"
#include "kernels/ops/features.hpp"

namespace spectral::cuda {

namespace {

struct LogOnePlus {
    const float* x;
    float* y;

    template <int kWidth>
    __device__ void apply(std::int64_t i) const {
        auto values = load<kWidth>(x, i);
#pragma unroll
        for (int j = 0; j < kWidth; ++j) values.value[j] = log1pf(values.value[j]);
        store(y, i, values);
    }
};

constexpr int kColumns = 32, kRowGroups = 16;

/// The groups' sums of a column, added in their order; every thread gets its column's.
__device__ double column_total(double sum, double (&partial)[kRowGroups][kColumns]) {
    partial[threadIdx.y][threadIdx.x] = sum;
    __syncthreads();
    double total = 0;
    for (int group = 0; group < kRowGroups; ++group) total += partial[group][threadIdx.x];
    __syncthreads();
    return total;
}

/// A block takes 32 columns: first their means, then the squared distances from them.
__global__ void column_moments_kernel(ColumnMoments op) {
    __shared__ double partial[kRowGroups][kColumns];
    const double count = op.batch > 0 ? static_cast<double>(op.batch) : 1.0;
    const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * kColumns;
    for (std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * kColumns; first < op.columns;
         first += stride) {
        const std::int64_t column = first + threadIdx.x;
        const bool inside = column < op.columns;
        const auto value = [&](std::int64_t b) {
            const std::int64_t row = op.rows != nullptr ? static_cast<std::int64_t>(op.rows[b]) : b;
            return static_cast<double>(op.x[row * op.x_stride + column]);
        };
        double sum = 0;
        if (inside)
            for (std::int64_t b = threadIdx.y; b < op.batch; b += kRowGroups) sum += value(b);
        const double mean = column_total(sum, partial) / count;
        double square = 0;
        if (inside) {
            for (std::int64_t b = threadIdx.y; b < op.batch; b += kRowGroups) {
                const double distance = value(b) - mean;
                square += distance * distance;
            }
        }
        square = column_total(square, partial);
        if (inside && threadIdx.y == 0) {
            op.mean[column] = static_cast<float>(mean);
            op.deviation[column] = static_cast<float>(sqrt(square / count));
        }
    }
}

__global__ void standardise_kernel(Standardise op) {
    const std::int64_t values = op.batch * op.columns;
    for (std::int64_t i = global_thread(); i < values; i += global_threads()) {
        const std::int64_t f = i % op.columns;
        float& x = op.x[i / op.columns * op.x_stride + f];
        x = op.deviation[f] > 0 ? (x - op.mean[f]) / op.deviation[f] : 0.0F;
    }
}

void run_log1p(CudaBackend& backend, const Log1p& op) {
    run_elementwise(backend, op.size, vector_aligned(op.x, op.y), LogOnePlus{op.x, op.y});
}

void run_column_moments(CudaBackend& backend, const ColumnMoments& op) {
    if (op.columns == 0) return;
    launch(column_moments_kernel, blocks_for(op.columns, kColumns, backend.most_blocks()),
           dim3(kColumns, kRowGroups), 0, backend.stream(), op);
}

void run_standardise(CudaBackend& backend, const Standardise& op) {
    const std::int64_t values = op.batch * op.columns;
    if (values == 0) return;
    launch(standardise_kernel, blocks_for(values, kBlock, backend.most_blocks()), kBlock, 0, backend.stream(),
           op);
}

}  // namespace

void add_features(OpTable& table) {
    add<Log1p, run_log1p>(table, Level::tiled, "one thread per four elements, 16 bytes at a time");
    add<ColumnMoments, run_column_moments>(table, Level::tiled,
                                           "32 columns per block, two passes in double precision");
    add<Standardise, run_standardise>(table, Level::fused, "one thread per value");
}

}  // namespace spectral::cuda
