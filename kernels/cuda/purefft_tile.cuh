// Starts the kernels of purefft_kernel.cuh with sizes that they are given at their start. Level 4 runs them
// apart, level 5 a whole training step in one pass over the samples.
#pragma once

#include "kernels/cuda/purefft_kernel.cuh"
#include "kernels/cuda/purefft_parts.cuh"

namespace spectral::cuda {

inline constexpr int kTileSamples = 32;  ///< of a tile, at most
inline constexpr int kKeptColumns = 2;   ///< columns whose sums a thread keeps over the whole batch, at most

/// Samples whose rows and scores fit into a block's shared memory, two blocks at a time on a multiprocessor;
/// 0 where not even one does.
template <class Scores = ExactScores>
int tile_of(const CudaBackend& backend, const PureFftSizes& sizes) {
    const std::int64_t floats = padded_columns(sizes.frequencies) + (sizes.classes + 3) / 4 * 4;
    const auto per_sample = floats * static_cast<std::int64_t>(sizeof(float));
    const auto all = static_cast<std::int64_t>(backend.info().shared_bytes);
    const std::int64_t room = all - Scores::kFixedBytes;
    std::int64_t samples = std::min<std::int64_t>((all / 2 - Scores::kFixedBytes) / per_sample, kTileSamples);
    if (samples > Scores::kRows) samples -= samples % Scores::kRows;
    return static_cast<int>(samples >= 1 ? samples : room / per_sample >= 1 ? 1 : 0);
}

/// How a kernel over the tiles of a batch is started.
struct TileLaunch {
    unsigned parts = 0;        ///< blocks, each of which sums up a part of the batch; 0: there is no batch
    std::size_t shared_bytes;  ///< of each
};

inline TileLaunch tile_launch(const PureFftSizes& sizes, const PureFftScratch& scratch, int tile) {
    const std::int64_t tiles = (sizes.batch + tile - 1) / tile;
    const std::int64_t floats = tile * (scratch.stride + (sizes.classes + 3) / 4 * 4);
    return {static_cast<unsigned>(std::min<std::int64_t>(tiles, scratch.parts)),
            static_cast<std::size_t>(floats) * sizeof(float)};
}

inline unsigned forward_blocks(const CudaBackend& backend, const PureFftSizes& sizes) {
    return blocks_for(sizes.batch, kBlock / kWarp * kWarpRows, backend.most_blocks());
}

template <PureFftForm kForm>
void run_forward_tiles(CudaBackend& backend, const PureFftForward& op) {
    if (op.sizes.batch * op.sizes.classes == 0) return;
    const PureFftScratch scratch = purefft_scratch(backend, op.sizes, op.scratch);
    purefft_chain_forward(backend, op.sizes, op.parameters, kForm, scratch);
    const auto run = [&](auto sizes) {
        using Sizes = decltype(sizes);
        launch(purefft_forward_kernel<Sizes>, forward_blocks(backend, op.sizes), kBlock, 0, backend.stream(),
               PureFftTiles<Sizes>{sizes, op.input, nullptr, nullptr, scratch, 0},
               kForm == PureFftForm::apart ? scratch.gain : nullptr, op.logits);
    };
    if (op.sizes.classes == 10)
        run(RunTimeSizes<10, 0>{op.sizes.batch, op.sizes.classes, scratch.stride});
    else
        run(RunTimeSizes<16, 0>{op.sizes.batch, op.sizes.classes, scratch.stride});
}

/// Starts purefft_tiles_kernel for the number of classes. `labels` of a whole step, `d_logits` of backward
/// alone. The parts that were written.
template <PureFftForm kForm, bool kWhole, class Scores = ExactScores>
int launch_tiles(CudaBackend& backend, const PureFftSizes& sizes, const PureFftInput& input,
                 const std::int32_t* labels, const float* d_logits, const PureFftScratch& scratch, int tile) {
    const TileLaunch grid = tile_launch(sizes, scratch, tile);
    if (grid.parts == 0) {
        backend.fill_zero(scratch.partial, static_cast<std::size_t>(scratch.part_size) * sizeof(float));
        return 1;
    }
    const auto run = [&](auto given) {
        using Sizes = decltype(given);
        const auto kernel = purefft_tiles_kernel<kForm, kWhole, Sizes, Scores>;
        allow_shared_memory(kernel, backend.info().shared_bytes - Scores::kFixedBytes);
        launch(kernel, grid.parts, kBlock, grid.shared_bytes, backend.stream(),
               PureFftTiles<Sizes>{given, input, labels, d_logits, scratch, tile});
    };
    const bool registers = sizes.classes <= 16 && scratch.stride <= kKeptColumns * kBlock;
    if (registers && sizes.classes == 10)
        run(RunTimeSizes<10, kKeptColumns>{sizes.batch, sizes.classes, scratch.stride});
    else if (registers)
        run(RunTimeSizes<16, kKeptColumns>{sizes.batch, sizes.classes, scratch.stride});
    else
        run(RunTimeSizes<16, 0>{sizes.batch, sizes.classes, scratch.stride});
    return static_cast<int>(grid.parts);
}

/// A training step in one pass over the samples; the loss and the gradients are those of the scores that
/// `Scores` makes.
template <class Scores>
void run_step_tiles(CudaBackend& backend, const PureFftStep& op, int tile) {
    const PureFftScratch scratch = purefft_scratch(backend, op.sizes, op.scratch);
    purefft_chain_forward(backend, op.sizes, op.parameters, PureFftForm::collapsed, scratch);
    const int parts = launch_tiles<PureFftForm::collapsed, true, Scores>(backend, op.sizes, op.input,
                                                                         op.labels, nullptr, scratch, tile);
    purefft_finish_backward(backend, op.sizes, op.parameters, scratch, parts, PureFftForm::collapsed,
                            op.gradients, op.sums);
}

template <PureFftForm kForm>
void run_backward_tiles(CudaBackend& backend, const PureFftBackward& op) {
    const PureFftScratch scratch = purefft_scratch(backend, op.sizes, op.scratch);
    const int tile = tile_of(backend, op.sizes);
    if (tile == 0) {  // rows too long for shared memory
        backend.run(op, Level::fused);
        return;
    }
    purefft_chain_forward(backend, op.sizes, op.parameters, kForm, scratch);
    const int parts =
        launch_tiles<kForm, false>(backend, op.sizes, op.input, nullptr, op.d_logits, scratch, tile);
    purefft_finish_backward(backend, op.sizes, op.parameters, scratch, parts, kForm, op.gradients, nullptr);
}

}  // namespace spectral::cuda
