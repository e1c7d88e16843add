// Numbers rounded to whole steps, one step for every block of them.
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/operations.hpp"
#include "kernels/cuda/reduce.cuh"
#include "kernels/ops/round.hpp"

namespace spectral::cuda {

namespace {

/// round_to_half_bits() of kernels/ops/round.hpp, bit for bit.
__device__ __forceinline__ float in_eleven_bits(float value) {
    const unsigned bits = __float_as_uint(value);
    return __uint_as_float((bits + 0xFFFU + (bits >> 13 & 1U)) >> 13 << 13);
}

__global__ void round_values_kernel(RoundInBlocks op) {
    for (std::int64_t i = global_thread(); i < op.size; i += global_threads())
        op.y[i] = in_eleven_bits(op.x[i]);
}

/// A warp finds the largest of a block, then rounds it.
__global__ void round_blocks_kernel(RoundInBlocks op, std::int64_t blocks) {
    const std::int64_t warps = global_threads() / kWarp;
    const int lane = static_cast<int>(threadIdx.x) % kWarp;
    for (std::int64_t block = global_thread() / kWarp; block < blocks; block += warps) {
        const std::int64_t first = block * op.block;
        const std::int64_t last = first + op.block < op.size ? first + op.block : op.size;
        float peak = 0;
        for (std::int64_t i = first + lane; i < last; i += kWarp) peak = fmaxf(peak, fabsf(op.x[i]));
        peak = warp_max(peak);
        const double step = in_eleven_bits(static_cast<float>(static_cast<double>(peak) / op.levels));
        const double most = op.levels;
        for (std::int64_t i = first + lane; i < last; i += kWarp) {
            const double steps = step > 0 ? round(static_cast<double>(op.x[i]) / step) : 0;
            op.y[i] = static_cast<float>((steps < -most ? -most : steps > most ? most : steps) * step);
        }
    }
}

void run_round_in_blocks(CudaBackend& backend, const RoundInBlocks& op) {
    if (op.size == 0) return;
    if (op.levels == 0) {
        launch(round_values_kernel, blocks_for(op.size, kBlock, backend.most_blocks()), kBlock, 0,
               backend.stream(), op);
        return;
    }
    const std::int64_t blocks = (op.size + op.block - 1) / op.block;
    launch(round_blocks_kernel, blocks_for(blocks, kBlock / kWarp, backend.most_blocks()), kBlock, 0,
           backend.stream(), op, blocks);
}

}  // namespace

void add_round(OpTable& table) {
    add<RoundInBlocks, run_round_in_blocks>(table, Level::tiled, "a warp per block of values");
}

}  // namespace spectral::cuda
