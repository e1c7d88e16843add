// PureFFT on tiles of samples: the products x·matrixᵀ in the registers of warps, and the gradients' sums over
// a tile that shared memory holds. Sizes are known when a kernel starts, or when it is compiled: at run time
// NVRTC is given this file.
#pragma once

#include "kernels/cuda/purefft_scratch.cuh"
#include "kernels/cuda/softmax.cuh"

namespace spectral::cuda {

inline constexpr int kWarpRows = 4;  ///< samples that a warp multiplies at once

/// Sizes that a kernel is given when it starts. Of more than kGroup classes it takes so many at a time; with
/// kColumns > 0 there are no more, and rows are no longer than kColumns · kBlock.
template <int kGroup, int kColumns>
struct RunTimeSizes {
    static constexpr int kClassGroup = kGroup, kOwnColumns = kColumns;
    std::int64_t batch_count, class_count, row_stride;

    __host__ __device__ std::int64_t batch() const { return batch_count; }
    __host__ __device__ std::int64_t classes() const { return class_count; }
    __host__ __device__ std::int64_t stride() const { return row_stride; }
};

/// Sizes that the compiler knows: every loop over classes and rows has its count, and a thread keeps as many
/// columns as its registers hold. Objects of all sizes look the same in memory.
template <int kPatterns, int kLayers, int kClasses, int kFrequencies>
struct FixedSizes {
    static constexpr int kStride = static_cast<int>(padded_columns(kFrequencies));
    static constexpr int kClassGroup = kClasses < 16 ? kClasses : 16;
    static constexpr int kColumnsOfRow = (kStride + kBlock - 1) / kBlock;
    static constexpr int kOwnColumns =
        kClasses <= 16 && (kClasses + 1) * kColumnsOfRow <= 48 ? kColumnsOfRow : 0;
    std::int64_t batch_count;

    __host__ __device__ std::int64_t batch() const { return batch_count; }
    __host__ __device__ static constexpr std::int64_t patterns() { return kPatterns; }
    __host__ __device__ static constexpr std::int64_t layers() { return kLayers; }
    __host__ __device__ static constexpr std::int64_t classes() { return kClasses; }
    __host__ __device__ static constexpr std::int64_t frequencies() { return kFrequencies; }
    __host__ __device__ static constexpr std::int64_t stride() { return kStride; }
};

/// What the kernels get: everything of the operation, by value.
template <class Sizes>
struct PureFftTiles {
    Sizes sizes;
    PureFftInput input;
    const std::int32_t* labels = nullptr;  ///< of a whole step
    const float* d_logits = nullptr;       ///< of backward alone
    PureFftScratch scratch;
    int tile = 0;  ///< samples

    /// Class scores of a tile start on 16 bytes, so that four are loaded at once.
    __device__ std::int64_t delta_stride() const { return (sizes.classes() + 3) / 4 * 4; }
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
template <class Sizes>
__global__ void purefft_forward_kernel(PureFftTiles<Sizes> op, const float* gain,
                                       float* __restrict__ logits) {
    const std::int64_t batch = op.sizes.batch(), classes = op.sizes.classes();
    const std::int64_t step = global_threads() / kWarp * kWarpRows;
    for (std::int64_t b = global_thread() / kWarp * kWarpRows; b < batch; b += step) {
        const float* rows[kWarpRows];
#pragma unroll
        for (int s = 0; s < kWarpRows; ++s)
            rows[s] = purefft_row(op.input, b + s < batch ? b + s : batch - 1);
        multiply_rows<Sizes::kClassGroup>(rows, gain, op.scratch.matrix, op.sizes.stride(), classes,
                                          [&](int s, std::int64_t k, float score) {
                                              if (b + s < batch) logits[(b + s) * classes + k] = score;
                                          });
    }
}

/// sums[k] += Σ over the tile of δ[k] x (collapsed), or of δ[k] g x; then the last one is that of ∂g.
template <PureFftForm kForm, int kClasses, class Sizes>
__device__ __forceinline__ void add_tile(const PureFftTiles<Sizes>& op, const float* tile, const float* delta,
                                         int count, std::int64_t first, std::int64_t f,
                                         float (&sums)[kClasses + 1]) {
    const std::int64_t stride = op.sizes.stride();
    const float gain = kForm == PureFftForm::apart ? op.scratch.gain[f] : 1.0F;
    float pattern[kClasses];
    if constexpr (kForm == PureFftForm::apart) {
#pragma unroll
        for (int k = 0; k < kClasses; ++k)
            pattern[k] = first + k < op.sizes.classes() ? op.scratch.matrix[(first + k) * stride + f] : 0.0F;
    }
    for (int s = 0; s < count; ++s) {
        const float x = tile[s * stride + f], y = x * gain;
        const float* row = delta + s * op.delta_stride() + first;
        float dy = 0;
#pragma unroll
        for (int quad = 0; quad < kClasses; quad += 4) {
            if (first + quad >= op.sizes.classes()) break;
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

/// Class scores of a tile by a whole block: delta[s,k] for every sample and class. A warp is left with those
/// of the samples kWarpRows·(warp + kWarps·i) + 0 … kWarpRows − 1 in sight.
struct ExactScores {
    static constexpr int kRows = kWarpRows;            ///< samples that are multiplied at once
    static constexpr std::int64_t kFixedBytes = 1024;  ///< of shared memory beside the tile's, at most

    template <class Sizes>
    static __device__ __forceinline__ void multiply(const PureFftTiles<Sizes>& op, const float* tile,
                                                    float* delta, int count) {
        const int warp = static_cast<int>(threadIdx.x) / kWarp;
        for (int s = warp * kWarpRows; s < count; s += kBlock / kWarp * kWarpRows) {
            const float* rows[kWarpRows];
#pragma unroll
            for (int j = 0; j < kWarpRows; ++j)
                rows[j] = tile + (s + j < count ? s + j : count - 1) * op.sizes.stride();
            multiply_rows<Sizes::kClassGroup>(rows, nullptr, op.scratch.matrix, op.sizes.stride(),
                                              op.sizes.classes(), [&](int j, std::int64_t k, float score) {
                                                  if (s + j < count)
                                                      delta[(s + j) * op.delta_stride() + k] = score;
                                              });
        }
        __syncwarp();
    }
};

/// Gradients of a batch, a block per part; kWhole: the scores and the loss as well, from the same tile. With
/// kOwnColumns a thread keeps the sums of so many columns in registers, else every tile adds to the part in
/// memory.
template <PureFftForm kForm, bool kWhole, class Sizes, class Scores = ExactScores>
__global__ void __launch_bounds__(kBlock) purefft_tiles_kernel(PureFftTiles<Sizes> op) {
    constexpr int kClasses = Sizes::kClassGroup, kColumns = Sizes::kOwnColumns;
    __shared__ LossSums warp_losses[kBlock / kWarp];
    SPECTRAL_DYNAMIC_SHARED(float, tile);
    const std::int64_t stride = op.sizes.stride(), classes = op.sizes.classes(), batch = op.sizes.batch();
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
            Scores::multiply(op, tile, delta, count);
            for (int s = warp * kWarpRows; s < count; s += kWarps * kWarpRows) {
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

/// The layer chain of known sizes by one block, where other levels take three kernels: scores, softmax
/// weights, gains, and matrix = gain ⊙ class patterns.
template <class Sizes>
__global__ void __launch_bounds__(kBlock)
    purefft_chain_kernel(const float* __restrict__ pool, const float* __restrict__ layer,
                         const float* __restrict__ class_, PureFftScratch scratch) {
    constexpr int kPairs = static_cast<int>(Sizes::layers() * Sizes::patterns());
    constexpr int kPatterns = static_cast<int>(Sizes::patterns()),
                  kLayers = static_cast<int>(Sizes::layers());
    constexpr std::int64_t kFrequencies = Sizes::frequencies(), kStride = Sizes::stride();
    __shared__ float weights[kPairs > 0 ? kPairs : 1];
    const int thread = static_cast<int>(threadIdx.x), lane = thread % kWarp, warp = thread / kWarp;
    for (int pair = warp; pair < kPairs; pair += kBlock / kWarp) {
        const int l = pair / kPatterns, p = pair % kPatterns;
        float sum = 0;
        for (std::int64_t f = lane; f < kFrequencies; f += kWarp)
            sum = fmaf(pool[p * kFrequencies + f], layer[l * kFrequencies + f], sum);
        sum = warp_sum(sum);
        if (lane == 0) weights[pair] = sum;
    }
    __syncthreads();
    for (int l = thread; l < kLayers; l += kBlock) {
        float* own = weights + l * kPatterns;
        float largest = own[0], sum = 0;
        for (int p = 1; p < kPatterns; ++p) largest = fmaxf(largest, own[p]);
        for (int p = 0; p < kPatterns; ++p) sum += own[p] = expf(own[p] - largest);
        for (int p = 0; p < kPatterns; ++p) scratch.weights[l * scratch.weights_stride + p] = own[p] /= sum;
    }
    __syncthreads();
    for (std::int64_t f = thread; f < kStride; f += kBlock) {
        const bool inside = f < kFrequencies;
        float gain = inside ? 1.0F : 0.0F;
        for (int l = 0; l < kLayers; ++l) {
            float layer_gain = 0;
            if (inside) {
#pragma unroll 16
                for (int p = 0; p < kPatterns; ++p)
                    layer_gain = fmaf(weights[l * kPatterns + p], pool[p * kFrequencies + f], layer_gain);
            }
            scratch.layer_gains[l * kStride + f] = layer_gain;
            gain *= layer_gain;
        }
        scratch.gain[f] = gain;
#pragma unroll 16
        for (int k = 0; k < static_cast<int>(Sizes::classes()); ++k)
            scratch.matrix[k * kStride + f] = inside ? gain * class_[k * kFrequencies + f] : 0.0F;
    }
}

}  // namespace spectral::cuda
