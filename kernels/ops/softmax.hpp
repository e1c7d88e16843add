// Softmax along any axis of a tensor, and its gradient.
#pragma once

#include "kernels/types.hpp"

namespace spectral {

/// y[o,a,i] = e^{x[o,a,i] − m} / Σ_a e^{x[o,a,i] − m}, m the largest of them, for every o < outer, i < inner.
/// Where all of them are −∞, y is 0. x and y may be the same; both: outer × axis × inner.
struct Softmax {
    static constexpr std::string_view name = "softmax";
    std::int64_t outer = 0, axis = 0, inner = 0;
    const float* x = nullptr;
    float* y = nullptr;
    Cost cost() const;
};

/// dx[o,a,i] = y[o,a,i]·(dy[o,a,i] − Σ_a y[o,a,i]·dy[o,a,i]). dx may be dy.
struct SoftmaxBackward {
    static constexpr std::string_view name = "softmax_backward";
    std::int64_t outer = 0, axis = 0, inner = 0;
    const float* y = nullptr;
    const float* dy = nullptr;
    float* dx = nullptr;
    Cost cost() const;
};

}  // namespace spectral
