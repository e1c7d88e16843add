// Filters between channels of spectra: what a convolution layer is in the frequency domain, and modReLU on
// complex values, each with its gradient. Gradients hold ∂loss/∂Re + i ∂loss/∂Im.
#pragma once

#include "kernels/types.hpp"

namespace spectral {

/// Which channels a filter joins. Channels come in `groups`, the same number of them for input and output:
/// group g of the output sees group g of the input alone. One group mixes all channels; as many as there are
/// input channels filter each by itself.
struct SpectralFilterShape {
    std::int64_t batch = 0;
    std::int64_t in_channels = 1, out_channels = 1, groups = 1;
    std::int64_t bins = 0;  ///< of the spectrum of one channel

    std::int64_t group_inputs() const { return in_channels / groups; }
    std::int64_t group_outputs() const { return out_channels / groups; }
    std::int64_t input_size() const { return batch * in_channels * bins; }
    std::int64_t output_size() const { return batch * out_channels * bins; }
    std::int64_t weight_size() const { return out_channels * group_inputs() * bins; }
};

/// y[b,o,f] = Σ_i x[b,first(o)+i,f]·w[o,i,f] over the inputs of o's group.  x: batch × in_channels × bins,
/// w: out_channels × group_inputs × bins, y: batch × out_channels × bins, apart from x.
struct SpectralFilter {
    static constexpr std::string_view name = "spectral_filter";
    SpectralFilterShape shape;
    const Complex* x = nullptr;
    const Complex* w = nullptr;
    Complex* y = nullptr;
    Cost cost() const;
};

/// Adjoint of SpectralFilter: dx[b,i,f] = Σ_o dy[b,o,f]·conj w[o,i,f] over the outputs of i's group.
struct SpectralFilterBackward {
    static constexpr std::string_view name = "spectral_filter_backward";
    SpectralFilterShape shape;
    const Complex* dy = nullptr;
    const Complex* w = nullptr;
    Complex* dx = nullptr;
    Cost cost() const;
};

/// dw[o,i,f] = Σ_b conj(x[b,i,f])·dy[b,o,f], the batch in a fixed order; added to dw with `accumulate`.
struct SpectralFilterGradient {
    static constexpr std::string_view name = "spectral_filter_gradient";
    SpectralFilterShape shape;
    bool accumulate = false;
    const Complex* x = nullptr;
    const Complex* dy = nullptr;
    Complex* dw = nullptr;
    Cost cost() const;
};

/// y = x·(1 + bias[c]/|x|) where |x| + bias[c] > 0 and x ≠ 0, else 0: the phase stays.  x, y: batch ×
/// channels × size, and may be the same.
struct ModRelu {
    static constexpr std::string_view name = "mod_relu";
    std::int64_t batch = 0, channels = 0, size = 0;
    const Complex* x = nullptr;
    const float* bias = nullptr;
    Complex* y = nullptr;
    Cost cost() const;
};

/// Where y is not 0: dx = dy·(1 + β/|x|) − x·β Re(conj(x)·dy)/|x|³ with β = bias[c], and
/// dbias[c] = Σ Re(conj(x)·dy)/|x| over batch and size in a fixed order, added to dbias with `accumulate`.
/// dy and dx may be the same.
struct ModReluBackward {
    static constexpr std::string_view name = "mod_relu_backward";
    std::int64_t batch = 0, channels = 0, size = 0;
    bool accumulate = false;
    const Complex* x = nullptr;
    const float* bias = nullptr;
    const Complex* dy = nullptr;
    Complex* dx = nullptr;
    float* dbias = nullptr;
    Cost cost() const;
};

}  // namespace spectral
