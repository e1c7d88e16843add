// Zero-padded linear convolution of sparse spectral tensors along one to three axes, with several channels:
//   y[o,n] = Σ_c Σ_m w[o,c,m]·x[c,n − m]
// The spectra lie on grids of the operands' own shapes, on which a product is circular, so this goes through
// space and through transforms of padded tiles. Gradients are those of sparse_arithmetic.hpp.
#pragma once

#include "engine/spectral/convolution.hpp"
#include "engine/spectral/sparse_arithmetic.hpp"

namespace spectral {

/// x: channels × space, w: output channels × channels × space. The result, output channels × space, is what
/// `keep` selects. Throws Error where the shapes do not fit.
SparseSpectralTensor linear_convolution(Device device, const SparseSpectralTensor& x,
                                        const SparseSpectralTensor& w, Padding padding,
                                        const Keep& keep = {});
/// ∂x in `a` and ∂w in `b`.
PairGradient linear_convolution_gradient(Device device, const SparseSpectralTensor& x,
                                         const SparseSpectralTensor& w, const SparseSpectralTensor& dy,
                                         Padding padding);

}  // namespace spectral
