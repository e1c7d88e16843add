// Sums, multiples and products of sparse spectral tensors, with their gradients.
//
// A gradient is itself a sparse spectral tensor, on the support of what it belongs to: G holds the
// orthonormal half spectrum of ∂L/∂W there, so that by Parseval
//   dL = ⟨G, dS⟩ = Σ_j weight_j · Re(conj G_j · dS_j),   weight 2 where the mirror is implied, else 1.
// As a function of real and imaginary part of one degree of freedom, ∂L/∂Re = freedom · Re G and
// ∂L/∂Im = freedom · Im G. Every `…_gradient` takes ⟨·, dy⟩ of the result and gives that of the operands.
// What a Keep selected in the result counts as fixed.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/spectral/sparse_tensor.hpp"

namespace spectral {

struct PairGradient {
    SparseSpectralTensor a, b;
};

/// ⟨a, b⟩ = Σ_n a[n]·b[n] in space, by Parseval on the coefficients that both have.
double inner_product(Device device, const SparseSpectralTensor& a, const SparseSpectralTensor& b);

/// The same coefficients on another support (as SparseSpectralTensor::from_values asks): zero where `a` has
/// none, dropped where `index` has none. O(count), on the host and on the device.
SparseSpectralTensor on_support(Device device, const SparseSpectralTensor& a,
                                std::vector<std::uint32_t> index);

/// factor·a.
SparseSpectralTensor scaled(Device device, const SparseSpectralTensor& a, float factor);

/// alpha·a + beta·b, exactly: a merge of the two index sets. A sum that is zero stays in the support.
/// O(count). Throws Error where the shapes differ, as all operations on two tensors do.
SparseSpectralTensor add(Device device, const SparseSpectralTensor& a, const SparseSpectralTensor& b,
                         float alpha = 1, float beta = 1);
PairGradient add_gradient(Device device, const SparseSpectralTensor& a, const SparseSpectralTensor& b,
                          const SparseSpectralTensor& dy, float alpha = 1, float beta = 1);

/// y[n] = a[n]·b[n], the circular convolution of the spectra over √N. It fills the spectrum (K_a·K_b products
/// land everywhere), so it goes through space: two inverse transforms and one forward, then `keep`.
SparseSpectralTensor hadamard_product(Device device, const SparseSpectralTensor& a,
                                      const SparseSpectralTensor& b, const Keep& keep = {});
PairGradient hadamard_product_gradient(Device device, const SparseSpectralTensor& a,
                                       const SparseSpectralTensor& b, const SparseSpectralTensor& dy);

/// y[n] = Σ_m a[m]·b[n − m], indices modulo the extents: Y = √N·A·B on the coefficients that both have,
/// exactly. O(count), no transform.
SparseSpectralTensor circular_convolution(Device device, const SparseSpectralTensor& a,
                                          const SparseSpectralTensor& b);
PairGradient circular_convolution_gradient(Device device, const SparseSpectralTensor& a,
                                           const SparseSpectralTensor& b, const SparseSpectralTensor& dy);

}  // namespace spectral
