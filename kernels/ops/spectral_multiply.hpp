// A batch of spectra times one spectrum of weights, dense or sparse, and the gradients of the weights. The
// gradient of x is the same product with the weights conjugated. Gradients hold ∂loss/∂Re + i ∂loss/∂Im.
#pragma once

#include "kernels/types.hpp"

namespace spectral {

/// y[b,i] = x[b,i]·w[i], or ·conj w[i] with `conjugate`;  x: batch × size. x and y may be the same.
struct SpectralMultiply {
    static constexpr std::string_view name = "spectral_multiply";
    std::int64_t batch = 0, size = 0;
    bool conjugate = false;
    const Complex* x = nullptr;
    const Complex* w = nullptr;
    Complex* y = nullptr;
    Cost cost() const;
};

/// dw[i] = Σ_b conj(x[b,i])·dy[b,i], the batch in a fixed order;  x, dy: batch × size.
struct SpectralWeightGradient {
    static constexpr std::string_view name = "spectral_weight_gradient";
    std::int64_t batch = 0, size = 0;
    const Complex* x = nullptr;
    const Complex* dy = nullptr;
    Complex* dw = nullptr;
    Cost cost() const;
};

/// y[b,index[j]] = x[b,index[j]]·w[j], or ·conj w[j] with `conjugate`, and zero elsewhere;  j < count,
/// `index` ascending without duplicates, below size. x: batch × size; y overlaps no input.
struct SparseSpectralMultiply {
    static constexpr std::string_view name = "sparse_spectral_multiply";
    std::int64_t batch = 0, size = 0, count = 0;
    bool conjugate = false;
    const std::uint32_t* index = nullptr;
    const Complex* x = nullptr;
    const Complex* w = nullptr;
    Complex* y = nullptr;
    Cost cost() const;
};

/// dw[j] = Σ_b conj(x[b,index[j]])·dy[b,index[j]], the batch in a fixed order;  x, dy: batch × size.
struct SparseSpectralWeightGradient {
    static constexpr std::string_view name = "sparse_spectral_weight_gradient";
    std::int64_t batch = 0, size = 0, count = 0;
    const std::uint32_t* index = nullptr;
    const Complex* x = nullptr;
    const Complex* dy = nullptr;
    Complex* dw = nullptr;
    Cost cost() const;
};

}  // namespace spectral
