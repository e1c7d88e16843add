// Operations on the rows of a matrix: bias and its gradient, rows and columns gathered by index.
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/operations.hpp"
#include "kernels/ops/dense.hpp"
#include "kernels/ops/gather.hpp"

namespace spectral::cuda {

namespace {

__global__ void bias_add_kernel(std::int64_t values, std::int64_t size, const float* __restrict__ bias,
                                float* __restrict__ y) {
    for (std::int64_t i = global_thread(); i < values; i += global_threads()) y[i] += bias[i % size];
}

constexpr int kColumns = 32, kRowGroups = 16;

/// A block sums 32 columns: every group of threads each 16th row, then the groups in their order.
__global__ void column_sum_kernel(std::int64_t batch, std::int64_t size, const float* __restrict__ x,
                                  float* __restrict__ y) {
    __shared__ float partial[kRowGroups][kColumns];
    const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * kColumns;
    for (std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * kColumns; first < size;
         first += stride) {
        const std::int64_t column = first + threadIdx.x;
        float sum = 0;
        if (column < size)
            for (std::int64_t b = threadIdx.y; b < batch; b += kRowGroups) sum += x[b * size + column];
        partial[threadIdx.y][threadIdx.x] = sum;
        __syncthreads();
        if (threadIdx.y == 0 && column < size) {
            for (int group = 1; group < kRowGroups; ++group) sum += partial[group][threadIdx.x];
            y[column] = sum;
        }
        __syncthreads();
    }
}

/// A warp copies a row, kWidth floats per lane and turn.
template <int kWidth>
__global__ void gather_rows_kernel(GatherRows op) {
    const std::int64_t warps = global_threads() / kWarp;
    const int lane = static_cast<int>(threadIdx.x) % kWarp;
    for (std::int64_t b = global_thread() / kWarp; b < op.batch; b += warps) {
        const float* from =
            op.x + (op.rows != nullptr ? static_cast<std::int64_t>(op.rows[b]) : b) * op.x_stride;
        float* to = op.y + b * op.y_stride;
        for (std::int64_t i = lane * kWidth; i + kWidth <= op.columns; i += kWarp * kWidth)
            store(to, i, load<kWidth>(from, i));
        for (std::int64_t i = op.columns / kWidth * kWidth + lane; i < op.columns; i += kWarp)
            to[i] = from[i];
    }
}

__global__ void gather_columns_kernel(GatherColumns op) {
    const std::int64_t values = op.batch * op.count;
    for (std::int64_t i = global_thread(); i < values; i += global_threads()) {
        const std::int64_t b = i / op.count;
        op.y[i] = op.x[b * op.x_stride + op.columns[i - b * op.count]];
    }
}

void run_bias_add(CudaBackend& backend, const BiasAdd& op) {
    const std::int64_t values = op.batch * op.size;
    if (values == 0) return;
    launch(bias_add_kernel, blocks_for(values, kBlock, backend.most_blocks()), kBlock, 0, backend.stream(),
           values, op.size, op.bias, op.y);
}

void run_column_sum(CudaBackend& backend, const ColumnSum& op) {
    if (op.size == 0) return;
    launch(column_sum_kernel, blocks_for(op.size, kColumns, backend.most_blocks()),
           dim3(kColumns, kRowGroups), 0, backend.stream(), op.batch, op.size, op.x, op.y);
}

void run_gather_rows(CudaBackend& backend, const GatherRows& op) {
    if (op.batch == 0 || op.columns == 0) return;
    const unsigned blocks = blocks_for(op.batch, kBlock / kWarp, backend.most_blocks());
    const bool aligned = vector_aligned(op.x, op.y) && op.x_stride % 4 == 0 && op.y_stride % 4 == 0;
    launch(aligned ? gather_rows_kernel<4> : gather_rows_kernel<1>, blocks, kBlock, 0, backend.stream(), op);
}

void run_gather_columns(CudaBackend& backend, const GatherColumns& op) {
    const std::int64_t values = op.batch * op.count;
    if (values == 0) return;
    launch(gather_columns_kernel, blocks_for(values, kBlock, backend.most_blocks()), kBlock, 0,
           backend.stream(), op);
}

}  // namespace

void add_bias(OpTable& table) {
    add<BiasAdd, run_bias_add>(table, Level::fused, "one thread per value");
    add<ColumnSum, run_column_sum>(table, Level::tiled,
                                   "32 columns per block, groups of rows summed apart and then in order");
}

void add_gather(OpTable& table) {
    add<GatherRows, run_gather_rows>(table, Level::tiled, "a warp per row, 16 bytes per lane");
    add<GatherColumns, run_gather_columns>(table, Level::fused, "one thread per value");
}

}  // namespace spectral::cuda
