// Activations and their gradients, vectorised through Highway where they are more than one library call.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/activation.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <cmath>
#include <numbers>

#include "kernels/cpu/operations.hpp"
#include "kernels/cpu/parts.hpp"
#include "kernels/cpu/simd-inl.hpp"
#include "kernels/ops/dense.hpp"

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

}  // namespace spectral::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spectral::cpu {

namespace {

HWY_EXPORT(relu);
HWY_EXPORT(relu_backward);

void run_activation(Backend& backend, const Activation& op) {
    for_elements(backend, op.size, [&](std::int64_t begin, std::int64_t end) {
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
    for_elements(backend, op.size, [&](std::int64_t begin, std::int64_t end) {
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

}  // namespace

void add_activation(OpTable& table) {
    table.add<Activation>(Level::tiled, run_activation, "vector registers, threads");
    table.add<ActivationBackward>(Level::tiled, run_activation_backward, "vector registers, threads");
}

}  // namespace spectral::cpu
#endif  // HWY_ONCE
