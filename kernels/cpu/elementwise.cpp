// Element-wise operations, vectorised through Highway and split over the threads when there is enough to do:
// activations and their gradients, optimiser updates.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/elementwise.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <cmath>
#include <numbers>

#include "kernels/cpu/backend.hpp"
#include "kernels/cpu/operations.hpp"
#include "kernels/cpu/simd-inl.hpp"
#include "kernels/ops/dense.hpp"
#include "kernels/ops/optimiser.hpp"

HWY_BEFORE_NAMESPACE();
namespace spectral::cpu::HWY_NAMESPACE {

void relu(const Activation& op, std::int64_t begin, std::int64_t end) {
    const float* x = op.x + begin;
    float* y = op.y + begin;
    for_lanes(end - begin, [&](auto d, std::int64_t i)
                               HWY_ATTR { hn::StoreU(hn::Max(hn::LoadU(d, x + i), hn::Zero(d)), d, y + i); });
}

void relu_backward(const ActivationBackward& op, std::int64_t begin, std::int64_t end) {
    const float *x = op.x + begin, *dy = op.dy + begin;
    float* dx = op.dx + begin;
    for_lanes(end - begin, [&](auto d, std::int64_t i) HWY_ATTR {
        const auto positive = hn::Gt(hn::LoadU(d, x + i), hn::Zero(d));
        hn::StoreU(hn::IfThenElseZero(positive, hn::LoadU(d, dy + i)), d, dx + i);
    });
}

void adam(const Adam& op, std::int64_t begin, std::int64_t end) {
    const auto step = static_cast<double>(op.step);
    const double correction1 = 1 - std::pow(static_cast<double>(op.beta1), step);
    const double correction2 = 1 - std::pow(static_cast<double>(op.beta2), step);
    const auto rate = static_cast<float>(static_cast<double>(op.learning_rate) / correction1);
    const auto scale = static_cast<float>(1 / std::sqrt(correction2));
    const float* g = op.g + begin;
    float *w = op.w + begin, *m = op.m + begin, *v = op.v + begin;
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

void momentum_update(const MomentumUpdate& op, std::int64_t begin, std::int64_t end) {
    const float* g = op.g + begin;
    float *w = op.w + begin, *v = op.v + begin;
    for_lanes(end - begin, [&](auto d, std::int64_t i) HWY_ATTR {
        const auto velocity = hn::MulAdd(hn::Set(d, op.momentum), hn::LoadU(d, v + i), hn::LoadU(d, g + i));
        hn::StoreU(velocity, d, v + i);
        hn::StoreU(hn::NegMulAdd(hn::Set(d, op.learning_rate), velocity, hn::LoadU(d, w + i)), d, w + i);
    });
}

}  // namespace spectral::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spectral::cpu {

namespace {

HWY_EXPORT(relu);
HWY_EXPORT(relu_backward);
HWY_EXPORT(adam);
HWY_EXPORT(momentum_update);

/// Below this the hand-over to other threads costs more than it saves.
constexpr std::int64_t kParallelSize = 16384;

template <class Body>
void over_elements(Backend& backend, std::int64_t size, const Body& body) {
    if (size < kParallelSize)
        body(0, size);
    else
        as_cpu(backend).pool().split(size,
                                     [&](int, std::int64_t begin, std::int64_t end) { body(begin, end); });
}

void run_activation(Backend& backend, const Activation& op) {
    over_elements(backend, op.size, [&](std::int64_t begin, std::int64_t end) {
        if (op.kind == ActivationKind::relu) {
            HWY_DYNAMIC_DISPATCH(relu)(op, begin, end);
            return;
        }
        // Φ(x) through erfc: 1 + erf loses all digits where x is far below zero.
        for (std::int64_t i = begin; i < end; ++i)
            op.y[i] = 0.5F * op.x[i] * std::erfc(-op.x[i] / std::numbers::sqrt2_v<float>);
    });
}

void run_activation_backward(Backend& backend, const ActivationBackward& op) {
    over_elements(backend, op.size, [&](std::int64_t begin, std::int64_t end) {
        if (op.kind == ActivationKind::relu) {
            HWY_DYNAMIC_DISPATCH(relu_backward)(op, begin, end);
            return;
        }
        // d/dx x·Φ(x) = Φ(x) + x·φ(x)
        constexpr float kDensityAtZero = 0.39894228F;
        for (std::int64_t i = begin; i < end; ++i) {
            const float x = op.x[i];
            const float distribution = 0.5F * std::erfc(-x / std::numbers::sqrt2_v<float>);
            op.dx[i] = op.dy[i] * (distribution + x * kDensityAtZero * std::exp(-0.5F * x * x));
        }
    });
}

bool allowed(const StepVerdict* verdict) { return verdict == nullptr || verdict->finite(); }

void run_adam(Backend& backend, const Adam& op) {
    if (!allowed(op.verdict)) return;
    over_elements(backend, op.size, [&](std::int64_t begin, std::int64_t end) {
        HWY_DYNAMIC_DISPATCH(adam)(op, begin, end);
    });
}

void run_momentum_update(Backend& backend, const MomentumUpdate& op) {
    if (!allowed(op.verdict)) return;
    over_elements(backend, op.size, [&](std::int64_t begin, std::int64_t end) {
        HWY_DYNAMIC_DISPATCH(momentum_update)(op, begin, end);
    });
}

}  // namespace

void add_activation(OpTable& table) {
    table.add<Activation>(Level::tiled, run_activation, "vector registers, threads");
    table.add<ActivationBackward>(Level::tiled, run_activation_backward, "vector registers, threads");
}

void add_adam(OpTable& table) {
    table.add<Adam>(Level::tiled, run_adam, "one pass over w, g, m and v; threads");
}

void add_momentum_update(OpTable& table) {
    table.add<MomentumUpdate>(Level::tiled, run_momentum_update, "one pass over w, g and v; threads");
}

}  // namespace spectral::cpu
#endif  // HWY_ONCE
