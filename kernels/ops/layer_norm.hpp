// Layer norm of the rows of a matrix, alone and followed by GELU in the same pass, with gradients.
#pragma once

#include "kernels/types.hpp"

namespace spectral {

/// Rows whose shares of the gradients of scale and shift are summed first: the order of the sums does not
/// depend on the number of threads.
inline constexpr std::int64_t kNormRows = 64;

/// What layer norms have in common: n[b,i] = (x[b,i] − mean[b])·inverse_deviation[b] and
/// z[b,i] = scale[i]·gain·n[b,i] + shift[i], where inverse_deviation[b] = 1/√(Σ_i (x[b,i] − mean[b])²/size +
/// ε). A syntonic norm has gain √(1/φ), the ordinary one 1. x: batch × size.
struct NormRows {
    std::int64_t batch = 0, size = 0;
    float epsilon = 1e-5F, gain = 1;
    const float* x = nullptr;
    const float* scale = nullptr;
    const float* shift = nullptr;
};

/// y = z. mean and inverse_deviation are written. x and y may be the same.
struct LayerNorm {
    static constexpr std::string_view name = "layer_norm";
    NormRows rows;
    float* y = nullptr;
    float* mean = nullptr;
    float* inverse_deviation = nullptr;
    Cost cost() const;
};

/// y = GELU(z), exact as in Activation. mean and inverse_deviation are written. x and y may be the same.
struct LayerNormGelu {
    static constexpr std::string_view name = "layer_norm_gelu";
    NormRows rows;
    float* y = nullptr;
    float* mean = nullptr;
    float* inverse_deviation = nullptr;
    Cost cost() const;
};

/// With dz = dy and g = gain·scale ⊙ dz:  dscale[i] = gain·Σ_b n·dz,  dshift[i] = Σ_b dz,
///   dx = inverse_deviation·(g − Σ_i g/size − n·Σ_i g·n/size).
/// dx may be dy. `scratch`: scratch_size(batch, size) values.
struct LayerNormBackward {
    static constexpr std::string_view name = "layer_norm_backward";
    NormRows rows;
    const float* mean = nullptr;
    const float* inverse_deviation = nullptr;
    const float* dy = nullptr;
    float* dx = nullptr;
    float* dscale = nullptr;
    float* dshift = nullptr;
    float* scratch = nullptr;
    static constexpr std::int64_t scratch_size(std::int64_t batch, std::int64_t size) {
        return (batch + kNormRows - 1) / kNormRows * 2 * size;
    }
    Cost cost() const;
};

/// The same with dz = dy·GELU'(z); z is computed anew.
struct LayerNormGeluBackward {
    static constexpr std::string_view name = "layer_norm_gelu_backward";
    NormRows rows;
    const float* mean = nullptr;
    const float* inverse_deviation = nullptr;
    const float* dy = nullptr;
    float* dx = nullptr;
    float* dscale = nullptr;
    float* dshift = nullptr;
    float* scratch = nullptr;
    static constexpr std::int64_t scratch_size(std::int64_t batch, std::int64_t size) {
        return LayerNormBackward::scratch_size(batch, size);
    }
    Cost cost() const;
};

}  // namespace spectral
