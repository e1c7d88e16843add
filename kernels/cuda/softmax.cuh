// Softmax and negative log-likelihood of one row of class scores by one warp.
#pragma once

#include "kernels/cuda/reduce.cuh"
#include "kernels/kernel_data.hpp"

namespace spectral::cuda {

struct RowLoss {
    float loss;
    bool correct;
};

/// Every lane gets the row's loss and whether its largest score (the first of equals) is the label.
/// `gradient`, where it is not null, receives scale · ∂loss/∂logits and may be the same memory as `logits`.
__device__ inline RowLoss softmax_nll_row(const float* logits, std::int64_t classes, std::int32_t label,
                                          float scale, float* gradient) {
    const int lane = static_cast<int>(threadIdx.x) % kWarp;
    float largest = -INFINITY;
    std::int64_t best = classes;
    for (std::int64_t k = lane; k < classes; k += kWarp) {
        if (logits[k] > largest || best == classes) {
            largest = logits[k];
            best = k;
        }
    }
#pragma unroll
    for (int distance = kWarp / 2; distance > 0; distance /= 2) {
        const float other = __shfl_xor_sync(kAllLanes, largest, distance);
        const std::int64_t other_best = __shfl_xor_sync(kAllLanes, best, distance);
        if (other_best < classes &&
            (best == classes || other > largest || (other == largest && other_best < best))) {
            largest = other;
            best = other_best;
        }
    }
    float sum = 0;
    for (std::int64_t k = lane; k < classes; k += kWarp) sum += expf(logits[k] - largest);
    sum = warp_sum(sum);
    const float loss = logf(sum) - (logits[label] - largest);
    __syncwarp();  // all have read the label's score
    if (gradient != nullptr) {
        for (std::int64_t k = lane; k < classes; k += kWarp)
            gradient[k] = scale * (expf(logits[k] - largest) / sum - (k == label ? 1.0F : 0.0F));
    }
    return {loss, best == label};
}

/// What a block's warps counted (each in its lane 0), in the order of the warps, for thread 0.
template <int kThreads>
__device__ __forceinline__ LossSums block_loss(double loss, std::int64_t correct, LossSums* partial) {
    constexpr int kWarps = kThreads / kWarp;
    if (threadIdx.x % kWarp == 0) partial[threadIdx.x / kWarp] = {loss, correct};
    __syncthreads();
    LossSums sums;
    if (threadIdx.x == 0) {
        for (int w = 0; w < kWarps; ++w) {
            sums.loss += partial[w].loss;
            sums.correct += partial[w].correct;
        }
    }
    return sums;
}

}  // namespace spectral::cuda
