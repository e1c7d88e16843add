// Softmax and negative log-likelihood of a batch: a warp per row, then the blocks' sums in their order.
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/operations.hpp"
#include "kernels/cuda/softmax.cuh"
#include "kernels/ops/loss.hpp"

namespace spectral::cuda {

namespace {

constexpr int kWarps = kBlock / kWarp;

__global__ void softmax_nll_kernel(SoftmaxNll op, LossSums* partial) {
    __shared__ LossSums shared[kWarps];
    const float scale = 1.0F / static_cast<float>(op.batch);
    double loss = 0;
    std::int64_t correct = 0;
    for (std::int64_t b = global_thread() / kWarp; b < op.batch; b += global_threads() / kWarp) {
        const RowLoss row = softmax_nll_row(op.logits + b * op.classes, op.classes, op.labels[b], scale,
                                            op.d_logits ? op.d_logits + b * op.classes : nullptr);
        loss += static_cast<double>(row.loss);
        correct += row.correct;
    }
    const LossSums sums = block_loss<kBlock>(loss, correct, shared);
    if (threadIdx.x == 0) partial[blockIdx.x] = sums;
}

__global__ void total_loss_kernel(int parts, const LossSums* partial, LossSums* sums) {
    LossSums total;
    for (int i = 0; i < parts; ++i) {
        total.loss += partial[i].loss;
        total.correct += partial[i].correct;
    }
    *sums = total;
}

void run_softmax_nll(CudaBackend& backend, const SoftmaxNll& op) {
    constexpr std::int64_t kMostBlocks = 128;  // the last sum is one thread's work
    const unsigned blocks = blocks_for(op.batch, kWarps, kMostBlocks);
    auto* partial = backend.reduction<LossSums>();
    launch(softmax_nll_kernel, blocks, kBlock, 0, backend.stream(), op, partial);
    launch(total_loss_kernel, 1, 1, 0, backend.stream(), static_cast<int>(blocks), partial, op.sums);
}

}  // namespace

void add_softmax_nll(OpTable& table) {
    add<SoftmaxNll, run_softmax_nll>(table, Level::tiled,
                                     "a warp per row, sums of the blocks in their order");
}

}  // namespace spectral::cuda
