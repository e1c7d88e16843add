// ReLU and GELU, and their gradients.
#include "kernels/cuda/elementwise.cuh"
#include "kernels/cuda/operations.hpp"
#include "kernels/ops/dense.hpp"

namespace spectral::cuda {

namespace {

constexpr float kInverseSqrt2 = 0.70710678F, kDensityAtZero = 0.39894228F;

struct Relu {
    __device__ static float value(float x) { return x > 0 ? x : 0.0F; }
    __device__ static float derivative(float x) { return x > 0 ? 1.0F : 0.0F; }
};

/// x·Φ(x), Φ through erfc: 1 + erf loses all digits where x is far below zero.
struct Gelu {
    __device__ static float distribution(float x) { return 0.5F * erfcf(-x * kInverseSqrt2); }
    __device__ static float value(float x) { return x * distribution(x); }
    __device__ static float derivative(float x) {
        return distribution(x) + x * kDensityAtZero * expf(-0.5F * x * x);
    }
};

template <class Function>
struct Forward {
    const float* x;
    float* y;

    template <int kWidth>
    __device__ void apply(std::int64_t i) const {
        const auto in = load<kWidth>(x, i);
        Pack<float, kWidth> out;
#pragma unroll
        for (int j = 0; j < kWidth; ++j) out.value[j] = Function::value(in.value[j]);
        store(y, i, out);
    }
};

template <class Function>
struct Backward {
    const float *x, *dy;
    float* dx;

    template <int kWidth>
    __device__ void apply(std::int64_t i) const {
        const auto in = load<kWidth>(x, i), gradient = load<kWidth>(dy, i);
        Pack<float, kWidth> out;
#pragma unroll
        for (int j = 0; j < kWidth; ++j) out.value[j] = gradient.value[j] * Function::derivative(in.value[j]);
        store(dx, i, out);
    }
};

void run_forward(CudaBackend& backend, const Activation& op) {
    const bool aligned = vector_aligned(op.x, op.y);
    if (op.kind == ActivationKind::relu)
        run_elementwise(backend, op.size, aligned, Forward<Relu>{op.x, op.y});
    else
        run_elementwise(backend, op.size, aligned, Forward<Gelu>{op.x, op.y});
}

void run_backward(CudaBackend& backend, const ActivationBackward& op) {
    const bool aligned = vector_aligned(op.x, op.dy, op.dx);
    if (op.kind == ActivationKind::relu)
        run_elementwise(backend, op.size, aligned, Backward<Relu>{op.x, op.dy, op.dx});
    else
        run_elementwise(backend, op.size, aligned, Backward<Gelu>{op.x, op.dy, op.dx});
}

}  // namespace

void add_activation(OpTable& table) {
    constexpr auto kChange = "one thread per four elements, 16 bytes at a time";
    add<Activation, run_forward>(table, Level::tiled, kChange);
    add<ActivationBackward, run_backward>(table, Level::tiled, kChange);
}

}  // namespace spectral::cuda
