// Activations and their gradients, and products value by value.
#include "kernels/cuda/elementwise.cuh"
#include "kernels/cuda/normal.cuh"
#include "kernels/cuda/operations.hpp"
#include "kernels/ops/dense.hpp"

namespace spectral::cuda {

namespace {

struct Relu {
    __device__ static float value(float x) { return x > 0 ? x : 0.0F; }
    __device__ static float derivative(float x) { return x > 0 ? 1.0F : 0.0F; }
};

__device__ inline float logistic(float x) { return 1 / (1 + expf(-x)); }

struct Silu {
    __device__ static float value(float x) { return x * logistic(x); }
    __device__ static float derivative(float x) { return logistic(x) * (1 + x * logistic(-x)); }
};

/// 1 − tanh² x = 4σ(2x)σ(−2x), which keeps its digits far from zero.
struct Tanh {
    __device__ static float value(float x) { return tanhf(x); }
    __device__ static float derivative(float x) { return 4 * logistic(2 * x) * logistic(-2 * x); }
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

struct Product {
    const float *a, *b;
    float* y;

    template <int kWidth>
    __device__ void apply(std::int64_t i) const {
        const auto first = load<kWidth>(a, i), second = load<kWidth>(b, i);
        Pack<float, kWidth> out;
#pragma unroll
        for (int j = 0; j < kWidth; ++j) out.value[j] = first.value[j] * second.value[j];
        store(y, i, out);
    }
};

struct ScaledSum {
    float scale;
    const float *a, *b;
    float* y;

    template <int kWidth>
    __device__ void apply(std::int64_t i) const {
        const auto first = load<kWidth>(a, i), second = load<kWidth>(b, i);
        Pack<float, kWidth> out;
#pragma unroll
        for (int j = 0; j < kWidth; ++j) out.value[j] = fmaf(scale, second.value[j], first.value[j]);
        store(y, i, out);
    }
};

/// Calls body(function) with the function of a kind.
template <class Body>
void with_function(ActivationKind kind, const Body& body) {
    switch (kind) {
        case ActivationKind::relu:
            return body(Relu{});
        case ActivationKind::gelu:
            return body(Gelu{});
        case ActivationKind::silu:
            return body(Silu{});
        case ActivationKind::tanh:
            return body(Tanh{});
    }
}

void run_forward(CudaBackend& backend, const Activation& op) {
    with_function(op.kind, [&](auto function) {
        run_elementwise(backend, op.size, vector_aligned(op.x, op.y),
                        Forward<decltype(function)>{op.x, op.y});
    });
}

void run_backward(CudaBackend& backend, const ActivationBackward& op) {
    with_function(op.kind, [&](auto function) {
        run_elementwise(backend, op.size, vector_aligned(op.x, op.dy, op.dx),
                        Backward<decltype(function)>{op.x, op.dy, op.dx});
    });
}

void run_multiply(CudaBackend& backend, const Multiply& op) {
    run_elementwise(backend, op.size, vector_aligned(op.a, op.b, op.y), Product{op.a, op.b, op.y});
}

void run_add_scaled(CudaBackend& backend, const AddScaled& op) {
    run_elementwise(backend, op.size, vector_aligned(op.a, op.b, op.y),
                    ScaledSum{op.scale, op.a, op.b, op.y});
}

}  // namespace

void add_activation(OpTable& table) {
    constexpr auto kChange = "one thread per four elements, 16 bytes at a time";
    add<Activation, run_forward>(table, Level::tiled, kChange);
    add<ActivationBackward, run_backward>(table, Level::tiled, kChange);
    add<Multiply, run_multiply>(table, Level::tiled, kChange);
    add<AddScaled, run_add_scaled>(table, Level::tiled, kChange);
}

}  // namespace spectral::cuda
