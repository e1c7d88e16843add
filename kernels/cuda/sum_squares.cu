// Sum of squares in double precision: blocks first, then their sums in order. The verdict on a training step.
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/operations.hpp"
#include "kernels/cuda/reduce.cuh"
#include "kernels/ops/optimiser.hpp"

namespace spectral::cuda {

namespace {

__global__ void partial_squares_kernel(std::int64_t size, const float* __restrict__ x, double* partial) {
    __shared__ double shared[kBlock / kWarp];
    double sum = 0;
    for (std::int64_t i = global_thread(); i < size; i += global_threads()) {
        const double value = x[i];
        sum += value * value;
    }
    sum = block_sum<kBlock>(sum, shared);
    if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

__global__ void total_kernel(int parts, const double* partial, double* y) {
    __shared__ double shared[kBlock / kWarp];
    double sum = 0;
    for (int i = static_cast<int>(threadIdx.x); i < parts; i += kBlock) sum += partial[i];
    sum = block_sum<kBlock>(sum, shared);
    if (threadIdx.x == 0) *y = sum;
}

void run_sum_squares(CudaBackend& backend, const SumSquares& op) {
    const unsigned blocks =
        blocks_for(op.size, 4 * kBlock, std::min(backend.most_blocks(), CudaBackend::kReductionParts));
    auto* partial = backend.reduction<double>();
    launch(partial_squares_kernel, blocks, kBlock, 0, backend.stream(), op.size, op.x, partial);
    launch(total_kernel, 1, kBlock, 0, backend.stream(), static_cast<int>(blocks), partial, op.y);
}

__global__ void judge_kernel(JudgeStep op) {
    StepVerdict verdict{*op.sums, 0};
    for (std::int64_t i = 0; i < op.parameters; ++i) verdict.squared_gradient += op.squares[i];
    *op.verdict = verdict;
}

void run_judge_step(CudaBackend& backend, const JudgeStep& op) {
    launch(judge_kernel, 1, 1, 0, backend.stream(), op);
}

}  // namespace

void add_sum_squares(OpTable& table) {
    add<SumSquares, run_sum_squares>(table, Level::tiled, "warp and block sums, then the blocks in order");
    add<JudgeStep, run_judge_step>(table, Level::reference, "one thread adds them");
}

}  // namespace spectral::cuda
