// What a dense layer is made of: matrix product, bias and activations, each with its gradient; and products
// and sums value by value.
#pragma once

#include "kernels/types.hpp"

namespace spectral {

/// c = op(a)·op(b) + beta·c, row-major; op(a): m × k, op(b): k × n, c: m × n. `lda`, `ldb`, `ldc`: row
/// strides of the stored matrices.
struct MatMul {
    static constexpr std::string_view name = "matmul";
    std::int64_t m = 0, n = 0, k = 0;
    bool transpose_a = false, transpose_b = false;
    const float* a = nullptr;
    std::int64_t lda = 0;
    const float* b = nullptr;
    std::int64_t ldb = 0;
    float beta = 0;
    float* c = nullptr;
    std::int64_t ldc = 0;
    Cost cost() const;
};

/// y[b,i] += bias[i];  y: batch × size.
struct BiasAdd {
    static constexpr std::string_view name = "bias_add";
    std::int64_t batch = 0, size = 0;
    const float* bias = nullptr;
    float* y = nullptr;
    Cost cost() const;
};

/// y[i] = Σ_b x[b,i];  the gradient of a bias.
struct ColumnSum {
    static constexpr std::string_view name = "column_sum";
    std::int64_t batch = 0, size = 0;
    const float* x = nullptr;
    float* y = nullptr;
    Cost cost() const;
};

/// relu: max(x, 0) · gelu: x·Φ(x), Φ the normal distribution function (exact GELU, not the tanh form) ·
/// silu: x/(1 + e^{−x}) · tanh.
enum class ActivationKind { relu, gelu, silu, tanh };

/// y = f(x). x and y may be the same.
struct Activation {
    static constexpr std::string_view name = "activation";
    ActivationKind kind = ActivationKind::relu;
    std::int64_t size = 0;
    const float* x = nullptr;
    float* y = nullptr;
    Cost cost() const;
};

/// dx = dy · f'(x), f' of ReLU at 0 is 0. dy and dx may be the same.
struct ActivationBackward {
    static constexpr std::string_view name = "activation_backward";
    ActivationKind kind = ActivationKind::relu;
    std::int64_t size = 0;
    const float* x = nullptr;
    const float* dy = nullptr;
    float* dx = nullptr;
    Cost cost() const;
};

/// y[i] = a[i]·b[i]. Any of them may be the same.
struct Multiply {
    static constexpr std::string_view name = "multiply";
    std::int64_t size = 0;
    const float* a = nullptr;
    const float* b = nullptr;
    float* y = nullptr;
    Cost cost() const;
};

/// y[i] = a[i] + scale·b[i]. Any of them may be the same.
struct AddScaled {
    static constexpr std::string_view name = "add_scaled";
    std::int64_t size = 0;
    float scale = 1;
    const float* a = nullptr;
    const float* b = nullptr;
    float* y = nullptr;
    Cost cost() const;
};

}  // namespace spectral
