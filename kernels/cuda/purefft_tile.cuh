// PureFFT on tiles of samples: the products x·matrixᵀ in the registers of warps, and the gradients' sums over
// a tile that shared memory holds. Level 4 runs them apart, level 5 a whole training step in one pass over
// the samples.
#pragma once

#include "kernels/cuda/purefft_parts.cuh"
#include "kernels/cuda/softmax.cuh"

namespace spectral::cuda {

inline constexpr int kTileSamples = 32;  ///< of a tile, at most
inline constexpr int kWarpRows = 4;      ///< samples that a warp multiplies at once
inline constexpr int kOwnColumns = 2;    ///< columns whose sums a thread keeps over the whole batch, at most

/// What the kernels get: everything of the operation, by value.
struct PureFftTiles {
    PureFftSizes sizes;
    PureFftInput input;
    const std::int32_t* labels = nullptr;  ///< of a whole step
    const float* d_logits = nullptr;       ///< of backward alone
    PureFftScratch scratch;
    int tile = 0;  ///< samples

    /// Class scores of a tile start on 16 bytes, so that four are loaded at once.
    __host__ __device__ std::int64_t delta_stride() const { return (sizes.classes + 3) / 4 * 4; }
    __host__ __device__ std::int64_t shared_floats() const {
        return tile * (scratch.stride + delta_stride());
    }
};

/// Scores of kWarpRows rows by a warp: `out(s, k, score)` is called once for every row s and class k of
/// `classes`, by the lane that holds it. With `gain` the rows are multiplied by it first. kClasses at a time.
template <int kClasses, class Out>
__device__ __forceinline__ void multiply_rows(const float* const (&rows)[kWarpRows], const float* gain,
                                              const float* __restrict__ matrix, std::int64_t stride,
                                              std::int64_t classes, const Out& out) {
    static_assert(kWarpRows * kClasses <= 2 * kWarp);
    const int lane = static_cast<int>(threadIdx.x) % kWarp;
    for (std::int64_t first = 0; first < classes; first += kClasses) {
        float sums[2 * kWarp] = {};
        for (std::int64_t f = lane * 4; f < stride; f += kWarp * 4) {
            Pack<float, 4> x[kWarpRows];
#pragma unroll
            for (int s = 0; s < kWarpRows; ++s) x[s] = load<4>(rows[s], f);
            if (gain != nullptr) {
                const auto g = load<4>(gain, f);
#pragma unroll
                for (int s = 0; s < kWarpRows; ++s)
#pragma unroll
                    for (int j = 0; j < 4; ++j) x[s].value[j] *= g.value[j];
            }
#pragma unroll
            for (int k = 0; k < kClasses; ++k) {
                if (first + k >= classes) break;
                const auto m = load<4>(matrix + (first + k) * stride, f);
#pragma unroll
                for (int s = 0; s < kWarpRows; ++s)
#pragma unroll
                    for (int j = 0; j < 4; ++j)
                        sums[s * kClasses + k] = fmaf(x[s].value[j], m.value[j], sums[s * kClasses + k]);
            }
        }
        warp_sum_scatter(sums);
#pragma unroll
        for (int j = 0; j < 2; ++j) {
            const int i = 2 * lane + j;
            const std::int64_t k = first + i % kClasses;
            if (i < kWarpRows * kClasses && k < classes) out(i / kClasses, k, sums[j]);
        }
    }
}

/// logits = x·matrixᵀ, a warp for kWarpRows samples.
template <int kClasses>
__global__ void purefft_forward_kernel(PureFftTiles op, const float* gain, float* __restrict__ logits) {
    const std::int64_t batch = op.sizes.batch, classes = op.sizes.classes;
    const std::int64_t step = global_threads() / kWarp * kWarpRows;
    for (std::int64_t b = global_thread() / kWarp * kWarpRows; b < batch; b += step) {
        const float* rows[kWarpRows];
#pragma unroll
        for (int s = 0; s < kWarpRows; ++s)
            rows[s] = purefft_row(op.input, b + s < batch ? b + s : batch - 1);
        multiply_rows<kClasses>(rows, gain, op.scratch.matrix, op.scratch.stride, classes,
                                [&](int s, std::int64_t k, float score) {
                                    if (b + s < batch) logits[(b + s) * classes + k] = score;
                                });
    }
}

/// sums[k] += Σ over the tile of δ[k] x (collapsed), or of δ[k] g x; then the last one is that of ∂g.
template <PureFftForm kForm, int kClasses>
__device__ __forceinline__ void add_tile(const PureFftTiles& op, const float* tile, const float* delta,
                                         int count, std::int64_t first, std::int64_t f,
                                         float (&sums)[kClasses + 1]) {
    const std::int64_t stride = op.scratch.stride;
    const float gain = kForm == PureFftForm::apart ? op.scratch.gain[f] : 1.0F;
    float pattern[kClasses];
    if constexpr (kForm == PureFftForm::apart) {
#pragma unroll
        for (int k = 0; k < kClasses; ++k)
            pattern[k] = first + k < op.sizes.classes ? op.scratch.matrix[(first + k) * stride + f] : 0.0F;
    }
    for (int s = 0; s < count; ++s) {
        const float x = tile[s * stride + f], y = x * gain;
        const float* row = delta + s * op.delta_stride() + first;
        float dy = 0;
#pragma unroll
        for (int quad = 0; quad < kClasses; quad += 4) {
            if (first + quad >= op.sizes.classes) break;
            const auto d = load<4>(row, quad);
#pragma unroll
            for (int j = 0; j < 4; ++j) {
                if (quad + j >= kClasses) break;
                sums[quad + j] = fmaf(d.value[j], y, sums[quad + j]);
                if constexpr (kForm == PureFftForm::apart) dy = fmaf(d.value[j], pattern[quad + j], dy);
            }
        }
        if constexpr (kForm == PureFftForm::apart) sums[kClasses] = fmaf(dy, x, sums[kClasses]);
    }
}

/// Gradients of a batch, a block per part; kWhole: the scores and the loss as well, from the same tile. With
/// kColumns > 0 a thread keeps the sums of its columns in registers (classes ≤ kClasses and stride ≤ kColumns
/// · kBlock), else every tile adds to the part in memory.
template <PureFftForm kForm, bool kWhole, int kClasses, int kColumns>
__global__ void __launch_bounds__(kBlock) purefft_tiles_kernel(PureFftTiles op) {
    __shared__ LossSums warp_losses[kBlock / kWarp];
    SPECTRAL_DYNAMIC_SHARED(float, tile);
    const std::int64_t stride = op.scratch.stride, classes = op.sizes.classes, batch = op.sizes.batch;
    float* const delta = tile + op.tile * stride;
    float* const part = op.scratch.part(blockIdx.x);
    const int lane = static_cast<int>(threadIdx.x) % kWarp, warp = static_cast<int>(threadIdx.x) / kWarp;
    const int thread = static_cast<int>(threadIdx.x);
    constexpr int kWarps = kBlock / kWarp;

    float own[kColumns > 0 ? kColumns : 1][kClasses + 1] = {};
    double loss = 0;
    std::int64_t correct = 0;
    for (std::int64_t begin = static_cast<std::int64_t>(blockIdx.x) * op.tile; begin < batch;
         begin += static_cast<std::int64_t>(gridDim.x) * op.tile) {
        const int count = static_cast<int>(batch - begin < op.tile ? batch - begin : op.tile);
        for (int s = warp; s < count; s += kWarps) {
            const float* row = purefft_row(op.input, begin + s);
            for (std::int64_t f = lane * 4; f < stride; f += kWarp * 4)
                store(tile + s * stride, f, load<4>(row, f));
        }
        if constexpr (!kWhole) {
            for (std::int64_t i = thread; i < count * op.delta_stride(); i += kBlock) {
                const std::int64_t s = i / op.delta_stride(), k = i % op.delta_stride();
                delta[i] = k < classes ? op.d_logits[(begin + s) * classes + k] : 0.0F;
            }
        }
        __syncthreads();
        if constexpr (kWhole) {
            const float scale = 1.0F / static_cast<float>(batch);
            for (int s = warp * kWarpRows; s < count; s += kWarps * kWarpRows) {
                const float* rows[kWarpRows];
#pragma unroll
                for (int j = 0; j < kWarpRows; ++j)
                    rows[j] = tile + (s + j < count ? s + j : count - 1) * stride;
                multiply_rows<kClasses>(rows, nullptr, op.scratch.matrix, stride, classes,
                                        [&](int j, std::int64_t k, float score) {
                                            if (s + j < count) delta[(s + j) * op.delta_stride() + k] = score;
                                        });
                __syncwarp();
                for (int j = s; j < s + kWarpRows && j < count; ++j) {
                    float* scores = delta + j * op.delta_stride();
                    const RowLoss row = softmax_nll_row(scores, classes, op.labels[begin + j], scale, scores);
                    loss += static_cast<double>(row.loss);
                    correct += row.correct;
                    for (std::int64_t k = classes + lane; k < op.delta_stride(); k += kWarp) scores[k] = 0;
                }
            }
            __syncthreads();
        }
        if constexpr (kColumns > 0) {
#pragma unroll
            for (int c = 0; c < kColumns; ++c) {
                const std::int64_t f = thread + c * kBlock;
                if (f < stride) add_tile<kForm, kClasses>(op, tile, delta, count, 0, f, own[c]);
            }
        } else {
            const bool fresh = begin == static_cast<std::int64_t>(blockIdx.x) * op.tile;
            for (std::int64_t f = thread; f < stride; f += kBlock) {
                float d_gain = fresh ? 0.0F : part[classes * stride + f];
                for (std::int64_t first = 0; first < classes; first += kClasses) {
                    float sums[kClasses + 1];
#pragma unroll
                    for (int k = 0; k < kClasses; ++k)
                        sums[k] = fresh || first + k >= classes ? 0.0F : part[(first + k) * stride + f];
                    sums[kClasses] = d_gain;
                    add_tile<kForm, kClasses>(op, tile, delta, count, first, f, sums);
#pragma unroll
                    for (int k = 0; k < kClasses; ++k)
                        if (first + k < classes) part[(first + k) * stride + f] = sums[k];
                    d_gain = sums[kClasses];
                }
                part[classes * stride + f] = d_gain;
            }
        }
        __syncthreads();  // the next tile takes the place of this one
    }
    if constexpr (kColumns > 0) {
#pragma unroll
        for (int c = 0; c < kColumns; ++c) {
            const std::int64_t f = thread + c * kBlock;
            if (f >= stride) continue;
#pragma unroll
            for (int k = 0; k < kClasses; ++k)
                if (k < classes) part[k * stride + f] = own[c][k];
            part[classes * stride + f] = own[c][kClasses];
        }
    }
    if constexpr (kWhole) {
        const LossSums sums = block_loss<kBlock>(loss, correct, warp_losses);
        if (thread == 0) *op.scratch.sums(blockIdx.x, classes) = sums;
    }
}

/// Samples whose rows and scores fit into a block's shared memory, two blocks at a time on a multiprocessor;
/// 0 where not even one does.
inline int tile_of(const CudaBackend& backend, const PureFftSizes& sizes, std::int64_t stride) {
    const auto per_sample = (stride + (sizes.classes + 3) / 4 * 4) * static_cast<std::int64_t>(sizeof(float));
    const auto room = static_cast<std::int64_t>(backend.info().shared_bytes) - 1024;
    const std::int64_t samples = std::min<std::int64_t>(room / 2 / per_sample, kTileSamples);
    return static_cast<int>(samples >= 1 ? samples : room / per_sample >= 1 ? 1 : 0);
}

/// Runs purefft_forward_kernel or purefft_tiles_kernel for the number of classes.
template <PureFftForm kForm>
void run_forward_tiles(CudaBackend& backend, const PureFftForward& op) {
    if (op.sizes.batch * op.sizes.classes == 0) return;
    const PureFftScratch scratch(op.sizes, backend.threads(), op.scratch);
    purefft_chain_forward(backend, op.sizes, op.parameters, kForm, scratch);
    const unsigned blocks = blocks_for(op.sizes.batch, kBlock / kWarp * kWarpRows, backend.most_blocks());
    launch(op.sizes.classes == 10 ? purefft_forward_kernel<10> : purefft_forward_kernel<16>, blocks, kBlock,
           0, backend.stream(), PureFftTiles{op.sizes, op.input, nullptr, nullptr, scratch, 0},
           kForm == PureFftForm::apart ? scratch.gain : nullptr, op.logits);
}

/// The parts that were written.
template <PureFftForm kForm, bool kWhole>
int launch_tiles(CudaBackend& backend, const PureFftTiles& op) {
    const std::int64_t tiles = (op.sizes.batch + op.tile - 1) / op.tile;
    if (tiles == 0) {
        backend.fill_zero(op.scratch.partial, static_cast<std::size_t>(op.scratch.part_size) * sizeof(float));
        return 1;
    }
    const int parts = static_cast<int>(std::min<std::int64_t>(tiles, op.scratch.parts));
    const auto shared = static_cast<std::size_t>(op.shared_floats()) * sizeof(float);
    const bool registers = op.sizes.classes <= 16 && op.scratch.stride <= kOwnColumns * kBlock;
    const auto run = [&](void (*kernel)(PureFftTiles)) {
        check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                   static_cast<int>(shared)),
              "shared memory");
        launch(kernel, static_cast<unsigned>(parts), kBlock, shared, backend.stream(), op);
    };
    if (registers && op.sizes.classes == 10)
        run(purefft_tiles_kernel<kForm, kWhole, 10, kOwnColumns>);
    else if (registers)
        run(purefft_tiles_kernel<kForm, kWhole, 16, kOwnColumns>);
    else
        run(purefft_tiles_kernel<kForm, kWhole, 16, 0>);
    return parts;
}

template <PureFftForm kForm>
void run_backward_tiles(CudaBackend& backend, const PureFftBackward& op) {
    const PureFftScratch scratch(op.sizes, backend.threads(), op.scratch);
    const int tile = tile_of(backend, op.sizes, scratch.stride);
    if (tile == 0) {  // rows too long for shared memory
        backend.run(op, Level::fused);
        return;
    }
    purefft_chain_forward(backend, op.sizes, op.parameters, kForm, scratch);
    const int parts =
        launch_tiles<kForm, false>(backend, {op.sizes, op.input, nullptr, op.d_logits, scratch, tile});
    purefft_finish_backward(backend, op.sizes, op.parameters, scratch, parts, kForm, op.gradients, nullptr);
}

}  // namespace spectral::cuda
