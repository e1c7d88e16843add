// Activations and their gradients, and products value by value, vectorised through Highway where a value is
// not a library call.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/activation.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <cmath>

#include "kernels/cpu/operations.hpp"
#include "kernels/cpu/parts.hpp"
#include "kernels/cpu/simd_math-inl.hpp"
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

void gelu_values(const Activation& op, std::int64_t begin, std::int64_t end) {
    const float* x = op.x + begin;
    float* y = op.y + begin;
    for_lanes(end - begin,
              [&](auto d, std::int64_t i) HWY_ATTR { hn::StoreU(gelu(d, hn::LoadU(d, x + i)), d, y + i); });
}

void gelu_backward(const ActivationBackward& op, std::int64_t begin, std::int64_t end) {
    const float *x = op.x + begin, *dy = op.dy + begin;
    float* dx = op.dx + begin;
    for_lanes(end - begin, [&](auto d, std::int64_t i) HWY_ATTR {
        hn::StoreU(hn::Mul(hn::LoadU(d, dy + i), gelu_derivative(d, hn::LoadU(d, x + i))), d, dx + i);
    });
}

void multiply(const Multiply& op, std::int64_t begin, std::int64_t end) {
    const float *a = op.a + begin, *b = op.b + begin;
    float* y = op.y + begin;
    for_lanes(end - begin, [&](auto d, std::int64_t i) HWY_ATTR {
        hn::StoreU(hn::Mul(hn::LoadU(d, a + i), hn::LoadU(d, b + i)), d, y + i);
    });
}

void add_scaled(const AddScaled& op, std::int64_t begin, std::int64_t end) {
    const float *a = op.a + begin, *b = op.b + begin;
    float* y = op.y + begin;
    for_lanes(end - begin, [&](auto d, std::int64_t i) HWY_ATTR {
        hn::StoreU(hn::MulAdd(hn::Set(d, op.scale), hn::LoadU(d, b + i), hn::LoadU(d, a + i)), d, y + i);
    });
}

}  // namespace spectral::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spectral::cpu {

namespace {

HWY_EXPORT(relu);
HWY_EXPORT(relu_backward);
HWY_EXPORT(gelu_values);
HWY_EXPORT(gelu_backward);
HWY_EXPORT(multiply);
HWY_EXPORT(add_scaled);

float logistic(float x) { return 1 / (1 + std::exp(-x)); }
float silu(float x) { return x * logistic(x); }

/// σ(x) + x·σ(x)σ(−x)
float silu_derivative(float x) { return logistic(x) * (1 + x * logistic(-x)); }

/// 1 − tanh² x = 4σ(2x)σ(−2x), which keeps its digits far from zero.
float tanh_derivative(float x) { return 4 * logistic(2 * x) * logistic(-2 * x); }

template <class Function>
void apply(const Activation& op, std::int64_t begin, std::int64_t end, const Function& function) {
    for (std::int64_t i = begin; i < end; ++i) op.y[i] = function(op.x[i]);
}

template <class Function>
void apply(const ActivationBackward& op, std::int64_t begin, std::int64_t end, const Function& derivative) {
    for (std::int64_t i = begin; i < end; ++i) op.dx[i] = op.dy[i] * derivative(op.x[i]);
}

void run_activation(Backend& backend, const Activation& op) {
    for_elements(backend, op.size, [&](std::int64_t begin, std::int64_t end) {
        switch (op.kind) {
            case ActivationKind::relu:
                HWY_DYNAMIC_DISPATCH(relu)(op, begin, end);
                return;
            case ActivationKind::gelu:
                HWY_DYNAMIC_DISPATCH(gelu_values)(op, begin, end);
                return;
            case ActivationKind::silu:
                apply(op, begin, end, silu);
                return;
            case ActivationKind::tanh:
                apply(op, begin, end, [](float x) { return std::tanh(x); });
                return;
        }
    });
}

void run_activation_backward(Backend& backend, const ActivationBackward& op) {
    for_elements(backend, op.size, [&](std::int64_t begin, std::int64_t end) {
        switch (op.kind) {
            case ActivationKind::relu:
                HWY_DYNAMIC_DISPATCH(relu_backward)(op, begin, end);
                return;
            case ActivationKind::gelu:
                HWY_DYNAMIC_DISPATCH(gelu_backward)(op, begin, end);
                return;
            case ActivationKind::silu:
                apply(op, begin, end, silu_derivative);
                return;
            case ActivationKind::tanh:
                apply(op, begin, end, tanh_derivative);
                return;
        }
    });
}

void run_multiply(Backend& backend, const Multiply& op) {
    for_elements(backend, op.size, [&](std::int64_t begin, std::int64_t end) {
        HWY_DYNAMIC_DISPATCH(multiply)(op, begin, end);
    });
}

void run_add_scaled(Backend& backend, const AddScaled& op) {
    for_elements(backend, op.size, [&](std::int64_t begin, std::int64_t end) {
        HWY_DYNAMIC_DISPATCH(add_scaled)(op, begin, end);
    });
}

}  // namespace

void add_activation(OpTable& table) {
    table.add<Activation>(Level::tiled, run_activation, "vector registers, threads");
    table.add<ActivationBackward>(Level::tiled, run_activation_backward, "vector registers, threads");
    table.add<Multiply>(Level::tiled, run_multiply, "vector registers, threads");
    table.add<AddScaled>(Level::tiled, run_add_scaled, "vector registers, threads");
}

}  // namespace spectral::cpu
#endif  // HWY_ONCE
