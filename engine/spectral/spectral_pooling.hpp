// Spectral pooling (Rippel, Snoek & Adams 2015): a tensor at a lower resolution, by its lowest frequencies.
//   y[i] = Σ_f Ŵ[f] e^{2πi Σ f_a i_a/m_a} over |f_a| ≤ m_a/2,   Ŵ the Fourier coefficients of W (forward
//   1/N):
// the low-passed function at the coarse points. Of an even new extent both +m/2 and −m/2 fall on its one
// Nyquist frequency and are added, so the result is real. An axis whose extent stays keeps all it has.
#pragma once

#include <span>
#include <vector>

#include "engine/spectral/half_spectrum.hpp"
#include "engine/spectral/sparse_tensor.hpp"

namespace spectral {

/// The coefficient number `source` of those given of the fine spectrum falls on `place` of the coarse one's
/// stored half; with kConjugateInput, its conjugate does.
struct PooledCoefficient {
    std::uint32_t place, source;
};

/// By places, then by sources. `index`: of stored coefficients, at most 2^29. Throws Error where the coarse
/// shape does not fit.
std::vector<PooledCoefficient> pooled_coefficients(const HalfSpectrum& fine,
                                                   std::span<const std::uint32_t> index,
                                                   const HalfSpectrum& coarse);

/// `shape`: no extent above that of `a`. The orthonormal coefficients are scaled by √(M/N), M and N the
/// numbers of values: what is kept has the same energy for each value, and a constant stays that constant.
/// Pooling to the same shape is the identity. O(count), no transform. Throws Error where the shape does not
/// fit.
SparseSpectralTensor spectral_pooling(Device device, const SparseSpectralTensor& a, const Shape& shape);
SparseSpectralTensor spectral_pooling_gradient(Device device, const SparseSpectralTensor& a,
                                               const SparseSpectralTensor& dy);

}  // namespace spectral
