// PureFFT in one pass over each sample: the gain is computed once, nothing of the batch's size is stored.
#include "kernels/cuda/operations.hpp"
#include "kernels/cuda/purefft_parts.cuh"
#include "kernels/cuda/reduce.cuh"
#include "kernels/purefft_step.hpp"

namespace spectral::cuda {

namespace {

/// A warp per sample and class.
__global__ void forward_kernel(PureFftForward op, PureFftScratch scratch) {
    const std::int64_t n = op.sizes.frequencies, classes = op.sizes.classes;
    const int lane = static_cast<int>(threadIdx.x) % kWarp;
    for (std::int64_t i = global_thread() / kWarp; i < op.sizes.batch * classes;
         i += global_threads() / kWarp) {
        const float* x = purefft_row(op.input, i / classes);
        const float* pattern = op.parameters.class_ + i % classes * n;
        float sum = 0;
        for (std::int64_t f = lane; f < n; f += kWarp) sum = fmaf(x[f] * scratch.gain[f], pattern[f], sum);
        sum = warp_sum(sum);
        if (lane == 0) op.logits[i] = sum;
    }
}

/// A block per part of the batch, a thread per frequency: ∂C[k,f] = Σ_b δ[b,k] y[b,f] and
/// ∂g[f] = Σ_b x[b,f] Σ_k δ[b,k] C[k,f].
__global__ void backward_kernel(PureFftBackward op, PureFftScratch scratch) {
    const std::int64_t n = op.sizes.frequencies, classes = op.sizes.classes;
    const std::int64_t begin = op.sizes.batch * blockIdx.x / gridDim.x;
    const std::int64_t end = op.sizes.batch * (blockIdx.x + 1) / gridDim.x;
    float* d_class = scratch.part(blockIdx.x);
    float* d_gain = d_class + classes * scratch.stride;
    for (std::int64_t f = threadIdx.x; f < scratch.stride; f += blockDim.x) {
        if (f >= n) {
            for (std::int64_t k = 0; k <= classes; ++k) d_class[k * scratch.stride + f] = 0;
            continue;
        }
        const float gain = scratch.gain[f];
        float sum_gain = 0;
        for (std::int64_t k = 0; k < classes; ++k) {
            float sum = 0, sum_x = 0;
            for (std::int64_t b = begin; b < end; ++b) {
                const float delta = op.d_logits[b * classes + k], x = purefft_row(op.input, b)[f];
                sum = fmaf(delta, x * gain, sum);
                sum_x = fmaf(delta, x, sum_x);
            }
            d_class[k * scratch.stride + f] = sum;
            sum_gain = fmaf(sum_x, op.parameters.class_[k * n + f], sum_gain);
        }
        d_gain[f] = sum_gain;
    }
}

void run_forward(CudaBackend& backend, const PureFftForward& op) {
    if (op.sizes.batch * op.sizes.classes == 0) return;
    const PureFftScratch scratch = purefft_scratch(backend, op.sizes, op.scratch);
    PureFftParameters parameters = op.parameters;
    parameters.class_ = nullptr;  // the class patterns stay as they are
    purefft_chain_forward(backend, op.sizes, parameters, PureFftForm::apart, scratch);
    const unsigned blocks =
        blocks_for(op.sizes.batch * op.sizes.classes, kBlock / kWarp, backend.most_blocks());
    launch(forward_kernel, blocks, kBlock, 0, backend.stream(), op, scratch);
}

void run_backward(CudaBackend& backend, const PureFftBackward& op) {
    const PureFftScratch scratch = purefft_scratch(backend, op.sizes, op.scratch);
    PureFftParameters parameters = op.parameters;
    parameters.class_ = nullptr;
    purefft_chain_forward(backend, op.sizes, parameters, PureFftForm::apart, scratch);
    launch(backward_kernel, static_cast<unsigned>(scratch.parts), kBlock, 0, backend.stream(), op, scratch);
    purefft_finish_backward(backend, op.sizes, op.parameters, scratch, scratch.parts, PureFftForm::apart,
                            op.gradients, nullptr);
}

}  // namespace

void add_purefft_fused(OpTable& table) {
    constexpr auto kChange = "one pass over each sample, no temporaries of the batch's size";
    add<PureFftForward, run_forward>(table, Level::fused, kChange);
    add<PureFftBackward, run_backward>(table, Level::fused, kChange);
    table.add<PureFftStep>(Level::fused, run_purefft_step<Level::fused>, kChange);
}

}  // namespace spectral::cuda
