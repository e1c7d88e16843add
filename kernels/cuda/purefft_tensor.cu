// PureFFT's class scores on tensor cores. What the cores multiply is rounded to 10 or 7 bits, so the last
// digits of the scores differ from the other levels'; the gradients' sums stay in float32.
#include "kernels/cuda/operations.hpp"
#include "kernels/cuda/purefft_tile.cuh"
#include "kernels/cuda/tensor_core.cuh"
#include "kernels/purefft_step.hpp"

namespace spectral::cuda {

namespace {

constexpr int kTensorRows = 16;     ///< samples of a warp
constexpr int kTensorClasses = 16;  ///< at a time
constexpr int kTensorColumns = 16;  ///< of one product; rows are padded to a multiple

static_assert(kRowAlignment % kTensorColumns == 0);

/// Sums over the columns from `begin` to `end` of 16 rows, row(0) … row(15), with the classes from `first`
/// on: `out(r, k, sum)` is called once for every row and class, by the lane that holds it.
template <TensorInput kInput, class Row, class Out>
__device__ __forceinline__ void multiply_columns(const Row& row, const float* __restrict__ matrix,
                                                 std::int64_t stride, std::int64_t begin, std::int64_t end,
                                                 std::int64_t first, std::int64_t classes, const Out& out) {
    constexpr int kHalves = kTensorClasses / 8;
    const int lane = static_cast<int>(threadIdx.x) % kWarp, group = lane / 4, own = lane % 4;
    const float *upper = row(group), *lower = row(group + 8);
    float sums[kHalves][4] = {};
    __syncwarp();  // all lanes multiply together
#pragma unroll 4
    for (std::int64_t block = begin; block < end; block += kTensorColumns) {
        const std::int64_t f = block + 4 * own;
        const auto a = load<4>(upper, f), a_below = load<4>(lower, f);
#pragma unroll
        for (int half = 0; half < kHalves; ++half) {
            if (first + 8 * half >= classes) break;
            // Sums of classes that do not exist are dropped below.
            const std::int64_t k = min(first + 8 * half + group, classes - 1);
            const auto b = load<4>(matrix + k * stride, f);
            tensor_multiply<kInput>(sums[half], a, a_below, b);
        }
    }
#pragma unroll
    for (int half = 0; half < kHalves; ++half) {
#pragma unroll
        for (int j = 0; j < 4; ++j) {
            const std::int64_t k = first + 8 * half + 2 * own + j % 2;
            if (k < classes) out(group + j / 2 * 8, k, sums[half][j]);
        }
    }
}

/// logits = x·matrixᵀ, a warp for kTensorRows samples.
template <TensorInput kInput>
__global__ void tensor_forward_kernel(PureFftSizes sizes, PureFftInput input, PureFftScratch scratch,
                                      float* __restrict__ logits) {
    const std::int64_t step = global_threads() / kWarp * kTensorRows;
    for (std::int64_t b = global_thread() / kWarp * kTensorRows; b < sizes.batch; b += step) {
        const auto row = [&](int r) { return purefft_row(input, min(b + r, sizes.batch - 1)); };
        for (std::int64_t first = 0; first < sizes.classes; first += kTensorClasses)
            multiply_columns<kInput>(row, scratch.matrix, scratch.stride, 0, scratch.stride, first,
                                     sizes.classes, [&](int r, std::int64_t k, float score) {
                                         if (b + r < sizes.batch) logits[(b + r) * sizes.classes + k] = score;
                                     });
    }
}

/// Scores of a tile: it has few groups of 16 rows, so the warps of a group share the columns.
template <TensorInput kInput>
struct TensorScores {
    static constexpr int kWarps = kBlock / kWarp;
    static constexpr int kRows = kTensorRows;
    static constexpr std::int64_t kPartialBytes = kWarps * kTensorRows * kTensorClasses * sizeof(float);
    static constexpr std::int64_t kFixedBytes = ExactScores::kFixedBytes + kPartialBytes;

    template <class Sizes>
    static __device__ __forceinline__ void multiply(const PureFftTiles<Sizes>& op, const float* tile,
                                                    float* delta, int count) {
        __shared__ float partial[kWarps][kTensorRows][kTensorClasses];
        static_assert(sizeof partial == kPartialBytes && kTileSamples <= kWarps * kTensorRows);
        const int thread = static_cast<int>(threadIdx.x), warp = thread / kWarp;
        const int groups = (count + kTensorRows - 1) / kTensorRows, slices = kWarps / groups;
        const int group = warp % groups, slice = warp / groups;
        const std::int64_t stride = op.sizes.stride(), classes = op.sizes.classes();
        const std::int64_t blocks = stride / kTensorColumns;
        const auto row = [&](int r) { return tile + min(group * kTensorRows + r, count - 1) * stride; };
        for (std::int64_t first = 0; first < classes; first += kTensorClasses) {
            if (slice < slices)
                multiply_columns<kInput>(
                    row, op.scratch.matrix, stride, blocks * slice / slices * kTensorColumns,
                    blocks * (slice + 1) / slices * kTensorColumns, first, classes,
                    [&](int r, std::int64_t k, float sum) { partial[warp][r][k - first] = sum; });
            __syncthreads();
            for (int i = thread; i < count * kTensorClasses; i += kBlock) {
                const int s = i / kTensorClasses, k = i % kTensorClasses;
                if (first + k >= classes) continue;
                float sum = 0;
                for (int part = 0; part < slices; ++part)
                    sum += partial[part * groups + s / kTensorRows][s % kTensorRows][k];
                delta[s * op.delta_stride() + first + k] = sum;
            }
            __syncthreads();
        }
    }
};

template <TensorInput kInput>
void run_forward(CudaBackend& backend, const PureFftForward& op) {
    if (op.sizes.batch * op.sizes.classes == 0) return;
    const PureFftScratch scratch = purefft_scratch(backend, op.sizes, op.scratch);
    purefft_chain_forward(backend, op.sizes, op.parameters, PureFftForm::collapsed, scratch);
    // Blocks of one warp where larger ones would not fill the device.
    const std::int64_t warps = (op.sizes.batch + kTensorRows - 1) / kTensorRows;
    const bool few = warps < backend.info().multiprocessors * std::int64_t{kBlock / kWarp};
    const int threads = few ? kWarp : kBlock;
    launch(tensor_forward_kernel<kInput>, blocks_for(warps, threads / kWarp, backend.most_blocks()), threads,
           0, backend.stream(), op.sizes, op.input, scratch, op.logits);
}

template <TensorInput kInput>
void run_step(CudaBackend& backend, const PureFftStep& op) {
    const int tile = tile_of<TensorScores<kInput>>(backend, op.sizes);
    if (tile > 0) {
        run_step_tiles<TensorScores<kInput>>(backend, op, tile);
        return;
    }
    // Rows too long for shared memory.
    const PureFftSizes& s = op.sizes;
    run_forward<kInput>(backend, {s, op.input, op.parameters, op.logits, op.scratch});
    backend.run(SoftmaxNll{s.batch, s.classes, op.logits, op.labels, op.logits, op.sums});
    backend.run(PureFftBackward{s, op.input, op.parameters, op.logits, op.gradients, op.scratch},
                Level::fused);
}

template <TensorInput kInput>
void add_level(OpTable& table, Level level, std::string_view change) {
    add<PureFftForward, run_forward<kInput>>(table, level, change);
    add<PureFftStep, run_step<kInput>>(table, level, change);
}

}  // namespace

void add_purefft_tensor(OpTable& table) {
    // Whether the code that the driver chose for this device has the instructions.
    cudaFuncAttributes attributes{};
    if (cudaFuncGetAttributes(&attributes, tensor_forward_kernel<TensorInput::tf32>) != cudaSuccess) {
        static_cast<void>(cudaGetLastError());  // without these levels, then
        return;
    }
    if (attributes.ptxVersion < kOldestTensorArchitecture) return;
    add_level<TensorInput::tf32>(table, Level::tf32, "class scores on tensor cores, inputs of 10 bits");
    add_level<TensorInput::bf16>(table, Level::bf16, "class scores on tensor cores, inputs of 7 bits");
}

}  // namespace spectral::cuda
