// Spectral normalisation: every spectrum of a batch divided by the norm of its coefficients.
#pragma once

#include "kernels/ops/blocks.hpp"
#include "kernels/types.hpp"

namespace spectral {

/// norm[b] = √(Σ_i weight[i]·|x[b,i]|²), summed in double, y[b,i] = x[b,i] / (norm[b] + epsilon). `weight`
/// null: 1 each; for a half spectrum as in TopK. x and y may be the same; x: batch × size. `scratch`:
/// scratch_size(batch, size) values.
struct SpectralNormalise {
    static constexpr std::string_view name = "spectral_normalise";
    std::int64_t batch = 0, size = 0;
    float epsilon = 1e-12F;
    const Complex* x = nullptr;
    const std::uint8_t* weight = nullptr;
    Complex* y = nullptr;
    float* norm = nullptr;
    double* scratch = nullptr;
    static constexpr std::int64_t scratch_size(std::int64_t batch, std::int64_t size) {
        return batch * block_count(size);
    }
    Cost cost() const;
};

/// dx = dy/(n+ε) − weight·x · Σ_i Re(conj x[i]·dy[i]) / (n·(n+ε)²) with n = norm[b]; where n is 0 the second
/// term is 0. dy holds ∂loss/∂Re + i ∂loss/∂Im and may be dx. `scratch`: scratch_size(batch, size) values.
struct SpectralNormaliseBackward {
    static constexpr std::string_view name = "spectral_normalise_backward";
    std::int64_t batch = 0, size = 0;
    float epsilon = 1e-12F;
    const Complex* x = nullptr;
    const std::uint8_t* weight = nullptr;
    const float* norm = nullptr;
    const Complex* dy = nullptr;
    Complex* dx = nullptr;
    double* scratch = nullptr;
    static constexpr std::int64_t scratch_size(std::int64_t batch, std::int64_t size) {
        return SpectralNormalise::scratch_size(batch, size);
    }
    Cost cost() const;
};

}  // namespace spectral
