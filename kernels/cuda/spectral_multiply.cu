// A batch of spectra times one spectrum of weights, dense or sparse, and the weights' gradients.
#include "kernels/cuda/complex.cuh"
#include "kernels/cuda/operations.hpp"
#include "kernels/ops/spectral_multiply.hpp"

namespace spectral::cuda {

namespace {

/// Frequencies along x, so that a warp reads neighbours; the batch along y.
constexpr unsigned kMostRows = 4096;

template <bool kConjugate>
__global__ void multiply_kernel(std::int64_t batch, std::int64_t size, const float2* x,
                                const float2* __restrict__ w, float2* y) {
    for (std::int64_t i = global_thread(); i < size; i += global_threads()) {
        const float2 weight = kConjugate ? conjugate(w[i]) : w[i];
        for (std::int64_t b = blockIdx.y; b < batch; b += gridDim.y)
            y[b * size + i] = multiply(x[b * size + i], weight);
    }
}

/// `index` null: every frequency is a weight's.
__global__ void weight_gradient_kernel(std::int64_t batch, std::int64_t size, std::int64_t count,
                                       const std::uint32_t* __restrict__ index, const float2* __restrict__ x,
                                       const float2* __restrict__ dy, float2* __restrict__ dw) {
    for (std::int64_t j = global_thread(); j < count; j += global_threads()) {
        const std::int64_t i = index != nullptr ? static_cast<std::int64_t>(index[j]) : j;
        float2 sum = make_float2(0, 0);
        for (std::int64_t b = 0; b < batch; ++b) {
            const float2 term = multiply(conjugate(x[b * size + i]), dy[b * size + i]);
            sum = make_float2(sum.x + term.x, sum.y + term.y);
        }
        dw[j] = sum;
    }
}

template <bool kConjugate>
__global__ void sparse_multiply_kernel(std::int64_t batch, std::int64_t size, std::int64_t count,
                                       const std::uint32_t* __restrict__ index, const float2* __restrict__ x,
                                       const float2* __restrict__ w, float2* __restrict__ y) {
    for (std::int64_t j = global_thread(); j < count; j += global_threads()) {
        const std::int64_t i = index[j];
        const float2 weight = kConjugate ? conjugate(w[j]) : w[j];
        for (std::int64_t b = blockIdx.y; b < batch; b += gridDim.y)
            y[b * size + i] = multiply(x[b * size + i], weight);
    }
}

dim3 grid_for(const CudaBackend& backend, std::int64_t columns, std::int64_t batch) {
    return dim3(blocks_for(columns, kBlock, backend.most_blocks()), blocks_for(batch, 1, kMostRows));
}

void run_multiply(CudaBackend& backend, const SpectralMultiply& op) {
    if (op.batch * op.size == 0) return;
    launch(op.conjugate ? multiply_kernel<true> : multiply_kernel<false>,
           grid_for(backend, op.size, op.batch), kBlock, 0, backend.stream(), op.batch, op.size,
           parts_of(op.x), parts_of(op.w), parts_of(op.y));
}

void run_weight_gradient(CudaBackend& backend, const SpectralWeightGradient& op) {
    if (op.size == 0) return;
    launch(weight_gradient_kernel, blocks_for(op.size, kBlock, backend.most_blocks()), kBlock, 0,
           backend.stream(), op.batch, op.size, op.size, nullptr, parts_of(op.x), parts_of(op.dy),
           parts_of(op.dw));
}

void run_sparse_multiply(CudaBackend& backend, const SparseSpectralMultiply& op) {
    backend.fill_zero(op.y, static_cast<std::size_t>(op.batch * op.size) * sizeof(Complex));
    if (op.batch * op.count == 0) return;
    launch(op.conjugate ? sparse_multiply_kernel<true> : sparse_multiply_kernel<false>,
           grid_for(backend, op.count, op.batch), kBlock, 0, backend.stream(), op.batch, op.size, op.count,
           op.index, parts_of(op.x), parts_of(op.w), parts_of(op.y));
}

void run_sparse_weight_gradient(CudaBackend& backend, const SparseSpectralWeightGradient& op) {
    if (op.count == 0) return;
    launch(weight_gradient_kernel, blocks_for(op.count, kBlock, backend.most_blocks()), kBlock, 0,
           backend.stream(), op.batch, op.size, op.count, op.index, parts_of(op.x), parts_of(op.dy),
           parts_of(op.dw));
}

}  // namespace

void add_spectral_multiply(OpTable& table) {
    add<SpectralMultiply, run_multiply>(table, Level::fused, "a thread keeps its weight for several spectra");
    add<SpectralWeightGradient, run_weight_gradient>(table, Level::fused,
                                                     "a thread per weight, the batch in order");
    add<SparseSpectralMultiply, run_sparse_multiply>(table, Level::fused,
                                                     "zeros, then a thread per kept weight and spectrum");
    add<SparseSpectralWeightGradient, run_sparse_weight_gradient>(
        table, Level::fused, "a thread per kept weight, the batch in order");
}

}  // namespace spectral::cuda
