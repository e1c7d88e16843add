#include "kernels/cuda/operations.hpp"
#include "kernels/cuda/purefft_parts.cuh"
#include "kernels/cuda/reduce.cuh"

namespace spectral::cuda {

namespace {

/// scores[ℓ,p] = Σ_f left[p,f] · right[ℓ,f]: a block per pair.
__global__ void scores_kernel(PureFftSizes sizes, const float* __restrict__ left, std::int64_t left_stride,
                              const float* __restrict__ right, std::int64_t right_stride, float* scores,
                              std::int64_t weights_stride) {
    __shared__ float shared[kBlock / kWarp];
    for (std::int64_t pair = blockIdx.x; pair < sizes.layers * sizes.patterns; pair += gridDim.x) {
        const std::int64_t l = pair / sizes.patterns, p = pair % sizes.patterns;
        float sum = 0;
        for (std::int64_t f = threadIdx.x; f < sizes.frequencies; f += kBlock)
            sum = fmaf(left[p * left_stride + f], right[l * right_stride + f], sum);
        sum = block_sum<kBlock>(sum, shared);
        if (threadIdx.x == 0) scores[l * weights_stride + p] = sum;
    }
}

/// A warp per layer.
__global__ void softmax_weights_kernel(PureFftSizes sizes, PureFftScratch scratch) {
    const int lane = static_cast<int>(threadIdx.x);
    for (std::int64_t l = blockIdx.x; l < sizes.layers; l += gridDim.x) {
        const float* scores = scratch.scores + l * scratch.weights_stride;
        float* weights = scratch.weights + l * scratch.weights_stride;
        float largest = -INFINITY;
        for (std::int64_t p = lane; p < sizes.patterns; p += kWarp) largest = fmaxf(largest, scores[p]);
        largest = warp_max(largest);
        float sum = 0;
        for (std::int64_t p = lane; p < sizes.patterns; p += kWarp) sum += expf(scores[p] - largest);
        sum = warp_sum(sum);
        for (std::int64_t p = lane; p < sizes.patterns; p += kWarp)
            weights[p] = expf(scores[p] - largest) / sum;
    }
}

/// One thread per frequency, the padding included.
__global__ void gains_kernel(PureFftSizes sizes, const float* __restrict__ pool,
                             const float* __restrict__ class_, PureFftForm form, PureFftScratch scratch) {
    for (std::int64_t f = global_thread(); f < scratch.stride; f += global_threads()) {
        const bool inside = f < sizes.frequencies;
        float gain = inside ? 1.0F : 0.0F;
        for (std::int64_t l = 0; l < sizes.layers; ++l) {
            const float* weights = scratch.weights + l * scratch.weights_stride;
            float layer_gain = 0;
            if (inside)
                for (std::int64_t p = 0; p < sizes.patterns; ++p)
                    layer_gain = fmaf(weights[p], pool[p * sizes.frequencies + f], layer_gain);
            scratch.layer_gains[l * scratch.stride + f] = layer_gain;
            gain *= layer_gain;
        }
        scratch.gain[f] = gain;
        if (class_ == nullptr) continue;
        const float scale = form == PureFftForm::collapsed ? gain : 1.0F;
        for (std::int64_t k = 0; k < sizes.classes; ++k)
            scratch.matrix[k * scratch.stride + f] =
                inside ? scale * class_[k * sizes.frequencies + f] : 0.0F;
    }
}

constexpr int kColumns = 32, kPartGroups = 8;

/// Part 0 ← Σ of all parts. Groups of threads sum every eighth part, then the groups are added in their
/// order. The last block adds up the losses.
__global__ void sum_parts_kernel(std::int64_t values, std::int64_t classes, int parts, PureFftScratch scratch,
                                 LossSums* sums) {
    __shared__ float shared[kPartGroups][kColumns];
    if (blockIdx.x == gridDim.x - 1) {
        if (sums == nullptr || threadIdx.x != 0 || threadIdx.y != 0) return;
        LossSums total;
        for (int p = 0; p < parts; ++p) {
            total.loss += scratch.sums(p, classes)->loss;
            total.correct += scratch.sums(p, classes)->correct;
        }
        *sums = total;
        return;
    }
    const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kColumns + threadIdx.x;
    float sum = 0;
    if (i < values)
        for (int p = static_cast<int>(threadIdx.y); p < parts; p += kPartGroups) sum += scratch.part(p)[i];
    shared[threadIdx.y][threadIdx.x] = sum;
    __syncthreads();
    if (threadIdx.y != 0 || i >= values) return;
    for (int group = 1; group < kPartGroups; ++group) sum += shared[group][threadIdx.x];
    scratch.partial[i] = sum;
}

/// ∂C and ∂g of what the parts sum to, then ∂g_ℓ = ∂g ⊙ Π_{m≠ℓ} g_m: one thread per frequency.
__global__ void expand_kernel(PureFftSizes sizes, const float* __restrict__ class_, PureFftScratch scratch,
                              PureFftForm form, float* __restrict__ d_class) {
    for (std::int64_t f = global_thread(); f < sizes.frequencies; f += global_threads()) {
        float d_gain = 0;
        const float gain = scratch.gain[f];
        for (std::int64_t k = 0; k < sizes.classes; ++k) {
            const float sum = scratch.partial[k * scratch.stride + f];
            const std::int64_t i = k * sizes.frequencies + f;
            d_class[i] = form == PureFftForm::collapsed ? sum * gain : sum;
            d_gain = fmaf(sum, class_[i], d_gain);
        }
        if (form == PureFftForm::apart) d_gain = scratch.partial[sizes.classes * scratch.stride + f];
        float before = d_gain;
        for (std::int64_t l = 0; l < sizes.layers; ++l) {
            scratch.d_layer_gains[l * scratch.stride + f] = before;
            before *= scratch.layer_gains[l * scratch.stride + f];
        }
        float behind = 1;
        for (std::int64_t l = sizes.layers - 1; l >= 0; --l) {
            scratch.d_layer_gains[l * scratch.stride + f] *= behind;
            behind *= scratch.layer_gains[l * scratch.stride + f];
        }
    }
}

/// ∂scores of a layer from ∂weights by the softmax, in place: a warp per layer.
__global__ void softmax_backward_kernel(PureFftSizes sizes, PureFftScratch scratch) {
    const int lane = static_cast<int>(threadIdx.x);
    for (std::int64_t l = blockIdx.x; l < sizes.layers; l += gridDim.x) {
        float* d_weights = scratch.scores + l * scratch.weights_stride;
        const float* weights = scratch.weights + l * scratch.weights_stride;
        float mean = 0;
        for (std::int64_t p = lane; p < sizes.patterns; p += kWarp)
            mean = fmaf(weights[p], d_weights[p], mean);
        mean = warp_sum(mean);
        for (std::int64_t p = lane; p < sizes.patterns; p += kWarp)
            d_weights[p] = weights[p] * (d_weights[p] - mean);
    }
}

/// ∂pool[p,f] = Σ_ℓ w_ℓ[p] ∂g_ℓ[f] + ∂score_ℓ[p] A[ℓ,f],  ∂A[ℓ,f] = Σ_p ∂score_ℓ[p] P[p,f].
__global__ void chain_gradient_kernel(PureFftSizes sizes, PureFftParameters parameters,
                                      PureFftScratch scratch, PureFftGradients gradients) {
    const std::int64_t n = sizes.frequencies;
    for (std::int64_t i = global_thread(); i < (sizes.patterns + sizes.layers) * n; i += global_threads()) {
        const std::int64_t row = i / n, f = i % n;
        float sum = 0;
        if (row < sizes.patterns) {
            for (std::int64_t l = 0; l < sizes.layers; ++l) {
                const std::int64_t at = l * scratch.weights_stride + row;
                sum = fmaf(scratch.weights[at], scratch.d_layer_gains[l * scratch.stride + f], sum);
                sum = fmaf(scratch.scores[at], parameters.layer[l * n + f], sum);
            }
            gradients.pool[i] = sum;
        } else {
            const std::int64_t l = row - sizes.patterns;
            for (std::int64_t p = 0; p < sizes.patterns; ++p)
                sum = fmaf(scratch.scores[l * scratch.weights_stride + p], parameters.pool[p * n + f], sum);
            gradients.layer[l * n + f] = sum;
        }
    }
}

void run_gain(CudaBackend& backend, const PureFftGain& op) {
    const PureFftScratch scratch = purefft_scratch(backend, op.sizes, op.scratch);
    PureFftParameters parameters = op.parameters;
    parameters.class_ = nullptr;
    purefft_chain_forward(backend, op.sizes, parameters, PureFftForm::apart, scratch);
    const auto bytes = [](std::int64_t floats) { return static_cast<std::size_t>(floats) * sizeof(float); };
    backend.copy_on_device(op.gain, scratch.gain, bytes(op.sizes.frequencies));
    for (std::int64_t l = 0; l < op.sizes.layers; ++l)
        backend.copy_on_device(op.weights + l * op.sizes.patterns,
                               scratch.weights + l * scratch.weights_stride, bytes(op.sizes.patterns));
}

}  // namespace

PureFftScratch purefft_scratch(const CudaBackend& backend, const PureFftSizes& sizes, float* memory) {
    PureFftScratch scratch{};
    scratch.stride = padded_columns(sizes.frequencies);
    scratch.weights_stride = padded_columns(sizes.patterns);
    scratch.part_size = purefft_part_rows(sizes) * scratch.stride;
    scratch.parts = backend.threads();
    const auto take = [&](std::int64_t floats) { return std::exchange(memory, memory + floats); };
    scratch.weights = take(sizes.layers * scratch.weights_stride);
    scratch.scores = take(sizes.layers * scratch.weights_stride);
    scratch.layer_gains = take(sizes.layers * scratch.stride);
    scratch.d_layer_gains = take(sizes.layers * scratch.stride);
    scratch.gain = take(scratch.stride);
    scratch.matrix = take(sizes.classes * scratch.stride);
    scratch.partial = take(scratch.parts * scratch.part_size);
    return scratch;
}

void purefft_chain_forward(CudaBackend& backend, const PureFftSizes& sizes,
                           const PureFftParameters& parameters, PureFftForm form,
                           const PureFftScratch& scratch) {
    const std::int64_t pairs = sizes.layers * sizes.patterns;
    if (pairs > 0) {
        launch(scores_kernel, blocks_for(pairs, 1, backend.most_blocks()), kBlock, 0, backend.stream(), sizes,
               parameters.pool, sizes.frequencies, parameters.layer, sizes.frequencies, scratch.scores,
               scratch.weights_stride);
        launch(softmax_weights_kernel, blocks_for(sizes.layers, 1, backend.most_blocks()), kWarp, 0,
               backend.stream(), sizes, scratch);
    }
    launch(gains_kernel, blocks_for(scratch.stride, kBlock, backend.most_blocks()), kBlock, 0,
           backend.stream(), sizes, parameters.pool, parameters.class_, form, scratch);
}

void purefft_finish_backward(CudaBackend& backend, const PureFftSizes& sizes,
                             const PureFftParameters& parameters, const PureFftScratch& scratch, int parts,
                             PureFftForm form, const PureFftGradients& gradients, LossSums* sums) {
    const cudaStream_t stream = backend.stream();
    const std::int64_t rows = sizes.classes + (form == PureFftForm::apart ? 1 : 0);
    const unsigned columns = blocks_for(rows * scratch.stride, kColumns, INT32_MAX - 1);
    launch(sum_parts_kernel, columns + 1, dim3(kColumns, kPartGroups), 0, stream, rows * scratch.stride,
           sizes.classes, parts, scratch, sums);
    launch(expand_kernel, blocks_for(sizes.frequencies, kBlock, backend.most_blocks()), kBlock, 0, stream,
           sizes, parameters.class_, scratch, form, gradients.class_);
    const std::int64_t pairs = sizes.layers * sizes.patterns;
    if (pairs > 0) {
        launch(scores_kernel, blocks_for(pairs, 1, backend.most_blocks()), kBlock, 0, stream, sizes,
               parameters.pool, sizes.frequencies, scratch.d_layer_gains, scratch.stride, scratch.scores,
               scratch.weights_stride);
        launch(softmax_backward_kernel, blocks_for(sizes.layers, 1, backend.most_blocks()), kWarp, 0, stream,
               sizes, scratch);
    }
    const std::int64_t values = (sizes.patterns + sizes.layers) * sizes.frequencies;
    launch(chain_gradient_kernel, blocks_for(values, kBlock, backend.most_blocks()), kBlock, 0, stream, sizes,
           parameters, scratch, gradients);
}

void add_purefft_gain(OpTable& table) {
    add<PureFftGain, run_gain>(table, Level::fused, "pool and layer patterns only, no batch");
}

}  // namespace spectral::cuda
