// Optimiser updates, one pass over a parameter and its state.
#include <cmath>

#include "kernels/cuda/elementwise.cuh"
#include "kernels/cuda/operations.hpp"
#include "kernels/ops/optimiser.hpp"

namespace spectral::cuda {

namespace {

__device__ __forceinline__ bool allowed(const StepVerdict* verdict) {
    return verdict == nullptr || (isfinite(verdict->sums.loss) && isfinite(verdict->squared_gradient));
}

struct AdamUpdate {
    float rate;                   ///< learning rate over the first moment's bias correction
    float scale;                  ///< 1/√ of the second's
    float keep1, keep2, epsilon;  ///< 1 − β₁, 1 − β₂
    const float* g;
    float *w, *m, *v;
    const StepVerdict* verdict;

    template <int kWidth>
    __device__ void apply(std::int64_t i) const {
        if (!allowed(verdict)) return;
        const auto gradient = load<kWidth>(g, i);
        auto weight = load<kWidth>(w, i), mean = load<kWidth>(m, i), square = load<kWidth>(v, i);
#pragma unroll
        for (int j = 0; j < kWidth; ++j) {
            const float d = gradient.value[j];
            mean.value[j] = fmaf(keep1, d - mean.value[j], mean.value[j]);
            square.value[j] = fmaf(keep2, d * d - square.value[j], square.value[j]);
            weight.value[j] -= rate * mean.value[j] / fmaf(sqrtf(square.value[j]), scale, epsilon);
        }
        store(m, i, mean);
        store(v, i, square);
        store(w, i, weight);
    }
};

struct Momentum {
    float learning_rate, momentum;
    const float* g;
    float *w, *v;
    const StepVerdict* verdict;

    template <int kWidth>
    __device__ void apply(std::int64_t i) const {
        if (!allowed(verdict)) return;
        const auto gradient = load<kWidth>(g, i);
        auto weight = load<kWidth>(w, i), velocity = load<kWidth>(v, i);
#pragma unroll
        for (int j = 0; j < kWidth; ++j) {
            velocity.value[j] = fmaf(momentum, velocity.value[j], gradient.value[j]);
            weight.value[j] = fmaf(-learning_rate, velocity.value[j], weight.value[j]);
        }
        store(v, i, velocity);
        store(w, i, weight);
    }
};

void run_adam(CudaBackend& backend, const Adam& op) {
    const auto step = static_cast<double>(op.step);
    const double correction1 = 1 - std::pow(static_cast<double>(op.beta1), step);
    const double correction2 = 1 - std::pow(static_cast<double>(op.beta2), step);
    run_elementwise(backend, op.size, vector_aligned(op.g, op.w, op.m, op.v),
                    AdamUpdate{static_cast<float>(static_cast<double>(op.learning_rate) / correction1),
                               static_cast<float>(1 / std::sqrt(correction2)), 1 - op.beta1, 1 - op.beta2,
                               op.epsilon, op.g, op.w, op.m, op.v, op.verdict});
}

void run_momentum(CudaBackend& backend, const MomentumUpdate& op) {
    run_elementwise(backend, op.size, vector_aligned(op.g, op.w, op.v),
                    Momentum{op.learning_rate, op.momentum, op.g, op.w, op.v, op.verdict});
}

}  // namespace

void add_optimisers(OpTable& table) {
    add<Adam, run_adam>(table, Level::tiled, "one pass over w, g, m and v, 16 bytes at a time");
    add<MomentumUpdate, run_momentum>(table, Level::tiled, "one pass over w, g and v, 16 bytes at a time");
}

}  // namespace spectral::cuda
