// A sparse matrix times a batch that lies side by side: a warp for a row and 32 of the batch.
#include <algorithm>

#include "kernels/cuda/complex.cuh"
#include "kernels/cuda/operations.hpp"
#include "kernels/cuda/reduce.cuh"
#include "kernels/ops/sparse_matmul.hpp"

namespace spectral::cuda {

namespace {

/// to[c][b] = from[b][c].
__global__ void turn_batch_kernel(std::int64_t batch, std::int64_t columns, const float2* __restrict__ from,
                                  float2* __restrict__ to) {
    for (std::int64_t i = global_thread(); i < batch * columns; i += global_threads())
        to[i] = from[i % batch * columns + i / batch];
}

__device__ __forceinline__ float2 entry_value(float2 value, std::uint32_t place) {
    const float scale = (place & kTwice) != 0 ? 2.0F : 1.0F;
    return make_float2(scale * value.x, (place & kConjugateValue) != 0 ? -scale * value.y : scale * value.y);
}

__device__ __forceinline__ float2 entry_input(float2 x, std::uint32_t place) {
    return (place & kConjugateInput) != 0 ? conjugate(x) : x;
}

/// A warp for each row; the chunks of the batch along y.
__global__ void sparse_matmul_kernel(std::int64_t batch, SparseRows matrix, const float2* __restrict__ v,
                                     const float2* __restrict__ x, float2* __restrict__ y) {
    const std::int64_t lane = threadIdx.x % kWarp;
    const std::int64_t step = global_threads() / kWarp;
    for (std::int64_t row = global_thread() / kWarp; row < matrix.rows; row += step) {
        for (std::int64_t b = blockIdx.y * static_cast<std::int64_t>(kWarp) + lane; b < batch;
             b += gridDim.y * static_cast<std::int64_t>(kWarp)) {
            float2 sum = make_float2(0, 0);
            for (std::int64_t e = matrix.row_start[row]; e < matrix.row_start[row + 1]; ++e) {
                const std::uint32_t place = matrix.place[e];
                const float2 value = entry_value(v[matrix.value != nullptr ? matrix.value[e] : e], place);
                const float2 term = multiply(value, entry_input(x[(place & kColumnMask) * batch + b], place));
                sum = make_float2(sum.x + term.x, sum.y + term.y);
            }
            y[b * matrix.rows + row] = sum;
        }
    }
}

/// A warp for each row, its lanes over the batch.
__global__ void sparse_matmul_gradient_kernel(std::int64_t batch, SparseRows matrix,
                                              const float2* __restrict__ x, const float2* __restrict__ dy,
                                              float2* __restrict__ dv) {
    const std::int64_t lane = threadIdx.x % kWarp;
    const std::int64_t step = global_threads() / kWarp;
    for (std::int64_t row = global_thread() / kWarp; row < matrix.rows; row += step) {
        for (std::int64_t e = matrix.row_start[row]; e < matrix.row_start[row + 1]; ++e) {
            const std::uint32_t place = matrix.place[e];
            float2 sum = make_float2(0, 0);
            for (std::int64_t b = lane; b < batch; b += kWarp) {
                const float2 input = entry_input(x[(place & kColumnMask) * batch + b], place);
                const float2 term = multiply(dy[row * batch + b], conjugate(input));
                sum = make_float2(sum.x + term.x, sum.y + term.y);
            }
            sum = make_float2(warp_sum(sum.x), warp_sum(sum.y));
            if (lane == 0) dv[e] = entry_value(sum, place);
        }
    }
}

void turn_batch(CudaBackend& backend, std::int64_t batch, std::int64_t columns, const Complex* from,
                Complex* to) {
    if (batch * columns == 0) return;
    launch(turn_batch_kernel, blocks_for(batch * columns, kBlock, backend.most_blocks()), kBlock, 0,
           backend.stream(), batch, columns, parts_of(from), parts_of(to));
}

unsigned row_blocks(const CudaBackend& backend, const SparseRows& matrix) {
    return blocks_for(matrix.rows * kWarp, kBlock, backend.most_blocks());
}

void run_product(CudaBackend& backend, const SparseMatMul& op) {
    if (op.batch * op.matrix.rows == 0) return;
    turn_batch(backend, op.batch, op.matrix.columns, op.x, op.scratch);
    constexpr std::int64_t kMostChunks = 1024;
    launch(sparse_matmul_kernel,
           dim3(row_blocks(backend, op.matrix), blocks_for(op.batch, kWarp, kMostChunks)), kBlock, 0,
           backend.stream(), op.batch, op.matrix, parts_of(op.v),
           parts_of(static_cast<const Complex*>(op.scratch)), parts_of(op.y));
}

void run_gradient(CudaBackend& backend, const SparseMatMulWeightGradient& op) {
    if (op.matrix.entries == 0) return;
    Complex* dy = op.scratch + padded_batch(op.batch) * op.matrix.columns;
    turn_batch(backend, op.batch, op.matrix.columns, op.x, op.scratch);
    turn_batch(backend, op.batch, op.matrix.rows, op.dy, dy);
    launch(sparse_matmul_gradient_kernel, row_blocks(backend, op.matrix), kBlock, 0, backend.stream(),
           op.batch, op.matrix, parts_of(static_cast<const Complex*>(op.scratch)),
           parts_of(static_cast<const Complex*>(dy)), parts_of(op.dv));
}

}  // namespace

void add_sparse_matmul(OpTable& table) {
    add<SparseMatMul, run_product>(table, Level::tiled,
                                   "the batch side by side, a warp for a row and 32 of it");
    add<SparseMatMulWeightGradient, run_gradient>(table, Level::tiled,
                                                  "the batch side by side, a warp for the entries of a row");
}

}  // namespace spectral::cuda
