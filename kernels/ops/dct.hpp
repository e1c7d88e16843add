// Discrete cosine transform of a batch of real signals, along every axis.
#pragma once

#include "kernels/ops/fft.hpp"

namespace spectral {

/// Orthonormal DCT-II along every axis of `shape` in turn,
///   y[k] = s_k Σ_n x[n] cos(π(2n+1)k/2N),  s_0 = √(1/N), s_k = √(2/N),
/// or its inverse, the DCT-III. x, y: batch × size, and may not be the same. `scratch`:
/// scratch_size(batch, shape) values.
struct Dct {
    static constexpr std::string_view name = "dct";
    std::int64_t batch = 0;
    SignalShape shape;
    bool inverse = false;
    const float* x = nullptr;
    float* y = nullptr;
    Complex* scratch = nullptr;
    /// Rows of reals and two of their half spectra, for one axis at a time.
    static std::int64_t scratch_size(std::int64_t batch, const SignalShape& shape) {
        return 3 * (batch * shape.size() + 1);
    }
    Cost cost() const;
};

}  // namespace spectral
