// The end of a training step, vectorised through Highway: the sum of squares of all gradients, and one pass
// over each parameter and its moments.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/optimiser.cpp"
#include "kernels/ops/optimiser.hpp"

#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <cmath>

#include "kernels/cpu/operations.hpp"
#include "kernels/cpu/parts.hpp"
#include "kernels/cpu/simd-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace spectral::cpu::HWY_NAMESPACE {

/// Σ x[i]² in double, in two chains of vectors.
double sum_squares(const float* x, std::int64_t size) {
    const hn::CappedTag<double, 8> d;
    const hn::Rebind<float, decltype(d)> narrow;
    const auto step = static_cast<std::int64_t>(hn::Lanes(d));
    auto sum0 = hn::Zero(d), sum1 = hn::Zero(d);
    std::int64_t i = 0;
    for (; i + 2 * step <= size; i += 2 * step) {
        const auto first = hn::PromoteTo(d, hn::LoadU(narrow, x + i));
        const auto second = hn::PromoteTo(d, hn::LoadU(narrow, x + i + step));
        sum0 = hn::MulAdd(first, first, sum0);
        sum1 = hn::MulAdd(second, second, sum1);
    }
    double rest = 0;
    for (; i < size; ++i) rest += static_cast<double>(x[i]) * static_cast<double>(x[i]);
    return hn::GetLane(hn::SumOfLanes(d, hn::Add(sum0, sum1))) + rest;
}

/// `rate`: the learning rate over the first moment's bias correction; `scale`: 1/√ of the second's.
void adam(const ParameterSlot& slot, const Adam& op, float rate, float scale, std::int64_t begin,
          std::int64_t end) {
    const float* g = slot.g + begin;
    float *w = slot.w + begin, *m = slot.m + begin, *v = slot.v + begin;
    for_lanes(end - begin, [&](auto d, std::int64_t i) HWY_ATTR {
        const auto gradient = hn::LoadU(d, g + i);
        auto mean = hn::LoadU(d, m + i);
        mean = hn::MulAdd(hn::Set(d, 1 - op.beta1), hn::Sub(gradient, mean), mean);
        auto square = hn::LoadU(d, v + i);
        square = hn::MulAdd(hn::Set(d, 1 - op.beta2), hn::Sub(hn::Mul(gradient, gradient), square), square);
        const auto root = hn::MulAdd(hn::Sqrt(square), hn::Set(d, scale), hn::Set(d, op.epsilon));
        hn::StoreU(mean, d, m + i);
        hn::StoreU(square, d, v + i);
        hn::StoreU(hn::Sub(hn::LoadU(d, w + i), hn::Div(hn::Mul(hn::Set(d, rate), mean), root)), d, w + i);
    });
}

void momentum_update(const ParameterSlot& slot, float rate, float momentum, std::int64_t begin,
                     std::int64_t end) {
    const float* g = slot.g + begin;
    float *w = slot.w + begin, *v = slot.v + begin;
    for_lanes(end - begin, [&](auto d, std::int64_t i) HWY_ATTR {
        const auto velocity = hn::MulAdd(hn::Set(d, momentum), hn::LoadU(d, v + i), hn::LoadU(d, g + i));
        hn::StoreU(velocity, d, v + i);
        hn::StoreU(hn::NegMulAdd(hn::Set(d, rate), velocity, hn::LoadU(d, w + i)), d, w + i);
    });
}

}  // namespace spectral::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spectral::cpu {

namespace {

HWY_EXPORT(sum_squares);
HWY_EXPORT(adam);
HWY_EXPORT(momentum_update);

void run_judge_step(Backend& /*backend*/, const JudgeStep& op) {
    StepVerdict verdict{*op.sums, 0};
    for (const ParameterSlot& slot : op.parameters)
        verdict.squared_gradient += HWY_DYNAMIC_DISPATCH(sum_squares)(slot.g, slot.size);
    *op.verdict = verdict;
}

bool allowed(const StepVerdict* verdict) { return verdict == nullptr || verdict->finite(); }

void run_adam(Backend& backend, const Adam& op) {
    if (!allowed(op.verdict)) return;
    const auto step = static_cast<double>(op.step);
    const double correction1 = 1 - std::pow(static_cast<double>(op.beta1), step);
    const double correction2 = 1 - std::pow(static_cast<double>(op.beta2), step);
    const auto rate = static_cast<float>(static_cast<double>(op.learning_rate) / correction1);
    const auto scale = static_cast<float>(1 / std::sqrt(correction2));
    for (const ParameterSlot& slot : op.parameters)
        for_elements(backend, slot.size, [&](std::int64_t begin, std::int64_t end) {
            HWY_DYNAMIC_DISPATCH(adam)(slot, op, rate, scale, begin, end);
        });
}

void run_momentum_update(Backend& backend, const MomentumUpdate& op) {
    if (!allowed(op.verdict)) return;
    for (const ParameterSlot& slot : op.parameters)
        for_elements(backend, slot.size, [&](std::int64_t begin, std::int64_t end) {
            HWY_DYNAMIC_DISPATCH(momentum_update)(slot, op.learning_rate, op.momentum, begin, end);
        });
}

}  // namespace

void add_optimisers(OpTable& table) {
    table.add<JudgeStep>(Level::tiled, run_judge_step, "one pass, two chains of vectors in double precision");
    table.add<Adam>(Level::tiled, run_adam, "one pass over w, g, m and v; threads");
    table.add<MomentumUpdate>(Level::tiled, run_momentum_update, "one pass over w, g and v; threads");
}

}  // namespace spectral::cpu
#endif  // HWY_ONCE
