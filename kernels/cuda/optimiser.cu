// The end of a training step. One kernel takes up to kSlots parameters, a row of blocks for each: models have
// many small ones, and a launch costs more than the update of a few thousand values.
#include <algorithm>
#include <cmath>
#include <utility>

#include "kernels/cuda/backend.hpp"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/operations.hpp"
#include "kernels/cuda/reduce.cuh"
#include "kernels/ops/optimiser.hpp"

namespace spectral::cuda {

namespace {

constexpr int kSlots = 32;

/// Parameters, as a kernel is given them: by value.
struct SlotGroup {
    ParameterSlot slot[kSlots];
};

/// Calls body(group, count, largest size) for all parameters, kSlots at a time.
template <class Body>
void for_groups(std::span<const ParameterSlot> parameters, const Body& body) {
    for (std::size_t first = 0; first < parameters.size(); first += kSlots) {
        const auto part = parameters.subspan(first, std::min<std::size_t>(kSlots, parameters.size() - first));
        SlotGroup group{};
        std::ranges::copy(part, group.slot);
        body(group, static_cast<unsigned>(part.size()),
             std::ranges::max_element(part, {}, &ParameterSlot::size)->size);
    }
}

__device__ __forceinline__ bool allowed(const StepVerdict* verdict) {
    return verdict == nullptr || (isfinite(verdict->sums.loss) && isfinite(verdict->squared_gradient));
}

struct AdamRule {
    float rate;                   ///< learning rate over the first moment's bias correction
    float scale;                  ///< 1/√ of the second's
    float keep1, keep2, epsilon;  ///< 1 − β₁, 1 − β₂

    template <int kWidth>
    __device__ void apply(const ParameterSlot& slot, std::int64_t i) const {
        const auto gradient = load<kWidth>(slot.g, i);
        auto weight = load<kWidth>(slot.w, i), mean = load<kWidth>(slot.m, i),
             square = load<kWidth>(slot.v, i);
#pragma unroll
        for (int j = 0; j < kWidth; ++j) {
            const float d = gradient.value[j];
            mean.value[j] = fmaf(keep1, d - mean.value[j], mean.value[j]);
            square.value[j] = fmaf(keep2, d * d - square.value[j], square.value[j]);
            weight.value[j] -= rate * mean.value[j] / fmaf(sqrtf(square.value[j]), scale, epsilon);
        }
        store(slot.m, i, mean);
        store(slot.v, i, square);
        store(slot.w, i, weight);
    }
};

struct MomentumRule {
    float learning_rate, momentum;

    template <int kWidth>
    __device__ void apply(const ParameterSlot& slot, std::int64_t i) const {
        const auto gradient = load<kWidth>(slot.g, i);
        auto weight = load<kWidth>(slot.w, i), velocity = load<kWidth>(slot.v, i);
#pragma unroll
        for (int j = 0; j < kWidth; ++j) {
            velocity.value[j] = fmaf(momentum, velocity.value[j], gradient.value[j]);
            weight.value[j] = fmaf(-learning_rate, velocity.value[j], weight.value[j]);
        }
        store(slot.v, i, velocity);
        store(slot.w, i, weight);
    }
};

template <int kWidth, class Rule>
__global__ void update_kernel(SlotGroup group, Rule rule, const StepVerdict* verdict) {
    if (!allowed(verdict)) return;
    const ParameterSlot& slot = group.slot[blockIdx.y];
    const std::int64_t step = global_threads(), packs = slot.size / kWidth;
    for (std::int64_t i = global_thread(); i < packs; i += step)
        rule.template apply<kWidth>(slot, i * kWidth);
    for (std::int64_t i = packs * kWidth + global_thread(); i < slot.size; i += step)
        rule.template apply<1>(slot, i);
}

template <class Rule>
void update(CudaBackend& backend, std::span<const ParameterSlot> parameters, const Rule& rule,
            const StepVerdict* verdict) {
    constexpr int kWide = 4;
    const bool wide = std::ranges::all_of(
        parameters, [](const ParameterSlot& slot) { return vector_aligned(slot.g, slot.w, slot.m, slot.v); });
    for_groups(parameters, [&](const SlotGroup& group, unsigned count, std::int64_t largest) {
        const dim3 grid(blocks_for(largest, kBlock * (wide ? kWide : 1), backend.most_blocks()), count);
        if (wide)
            launch(update_kernel<kWide, Rule>, grid, kBlock, 0, backend.stream(), group, rule, verdict);
        else
            launch(update_kernel<1, Rule>, grid, kBlock, 0, backend.stream(), group, rule, verdict);
    });
}

/// partial[y·gridDim.x + x] = what block x finds in parameter y.
__global__ void partial_squares_kernel(SlotGroup group, double* partial) {
    __shared__ double shared[kBlock / kWarp];
    const ParameterSlot& slot = group.slot[blockIdx.y];
    double sum = 0;
    for (std::int64_t i = global_thread(); i < slot.size; i += global_threads()) {
        const double value = slot.g[i];
        sum += value * value;
    }
    sum = block_sum<kBlock>(sum, shared);
    if (threadIdx.x == 0) partial[blockIdx.y * gridDim.x + blockIdx.x] = sum;
}

/// The verdict on the parts of one group; those before it are in the verdict already unless it is `first`.
__global__ void judge_kernel(int parts, const double* partial, bool first, const LossSums* sums,
                             StepVerdict* verdict) {
    __shared__ double shared[kBlock / kWarp];
    double sum = 0;
    for (int i = static_cast<int>(threadIdx.x); i < parts; i += kBlock) sum += partial[i];
    sum = block_sum<kBlock>(sum, shared);
    if (threadIdx.x == 0) *verdict = {*sums, first ? sum : verdict->squared_gradient + sum};
}

void run_judge_step(CudaBackend& backend, const JudgeStep& op) {
    auto* partial = backend.reduction<double>();
    bool first = true;
    const auto judge = [&](int parts) {
        launch(judge_kernel, 1, kBlock, 0, backend.stream(), parts, partial, std::exchange(first, false),
               op.sums, op.verdict);
    };
    if (op.parameters.empty()) judge(0);
    for_groups(op.parameters, [&](const SlotGroup& group, unsigned count, std::int64_t largest) {
        const unsigned blocks = blocks_for(
            largest, 4 * kBlock, std::min(backend.most_blocks(), CudaBackend::kReductionParts / count));
        launch(partial_squares_kernel, dim3(blocks, count), kBlock, 0, backend.stream(), group, partial);
        judge(static_cast<int>(blocks * count));
    });
}

void run_adam(CudaBackend& backend, const Adam& op) {
    const auto step = static_cast<double>(op.step);
    const double correction1 = 1 - std::pow(static_cast<double>(op.beta1), step);
    const double correction2 = 1 - std::pow(static_cast<double>(op.beta2), step);
    update(backend, op.parameters,
           AdamRule{static_cast<float>(static_cast<double>(op.learning_rate) / correction1),
                    static_cast<float>(1 / std::sqrt(correction2)), 1 - op.beta1, 1 - op.beta2, op.epsilon},
           op.verdict);
}

void run_momentum(CudaBackend& backend, const MomentumUpdate& op) {
    update(backend, op.parameters, MomentumRule{op.learning_rate, op.momentum}, op.verdict);
}

}  // namespace

void add_optimisers(OpTable& table) {
    add<JudgeStep, run_judge_step>(table, Level::tiled, "warp and block sums, then the blocks in order");
    add<Adam, run_adam>(table, Level::tiled, "all parameters in one pass, 16 bytes at a time");
    add<MomentumUpdate, run_momentum>(table, Level::tiled, "all parameters in one pass, 16 bytes at a time");
}

}  // namespace spectral::cuda
