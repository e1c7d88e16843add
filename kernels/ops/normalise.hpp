// Spectral normalisation: every spectrum of a batch divided by the norm of its coefficients, or every
// frequency by its deviation over the batch.
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

/// Batch norm of complex values, per column i:
///   mean = Σ_b x[b,i]/batch,  deviation = √(Σ_b |x[b,i] − mean|²/batch + ε),
///   y[b,i] = scale[i]·(x[b,i] − mean[i])/deviation[i] + shift[i],   sums in double.
/// While `training`, mean and deviation are those of the batch and are written, and the running ones move
/// towards them by `momentum`, the variance with batch/(batch − 1); else the running ones are used. x and y
/// may be the same; x: batch × size. An empty batch changes nothing.
struct SpectralBatchNorm {
    static constexpr std::string_view name = "spectral_batch_norm";
    std::int64_t batch = 0, size = 0;
    bool training = true;
    float epsilon = 1e-5F, momentum = 0.1F;
    const Complex* x = nullptr;
    const float* scale = nullptr;
    const Complex* shift = nullptr;
    Complex* y = nullptr;
    Complex* mean = nullptr;
    float* deviation = nullptr;
    Complex* running_mean = nullptr;
    float* running_variance = nullptr;
    Cost cost() const;
};

/// Of training, with u = (x − mean)/deviation:  dshift = Σ_b dy,  dscale = Σ_b Re(conj u·dy),
///   dx = scale/deviation · (dy − dshift/batch − u·dscale/batch).
/// dy holds ∂loss/∂Re + i ∂loss/∂Im and may be dx.
struct SpectralBatchNormBackward {
    static constexpr std::string_view name = "spectral_batch_norm_backward";
    std::int64_t batch = 0, size = 0;
    const Complex* x = nullptr;
    const Complex* mean = nullptr;
    const float* deviation = nullptr;
    const float* scale = nullptr;
    const Complex* dy = nullptr;
    Complex* dx = nullptr;
    float* dscale = nullptr;
    Complex* dshift = nullptr;
    Cost cost() const;
};

}  // namespace spectral
