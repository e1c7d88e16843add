// The product of two matrices that are sparse spectra, C = A·B with A: m × k and B: k × n. The transforms are
// orthonormal, so the spectra multiply as matrices do, without a factor:
//   S_C[u,w] = Σ_v S_A[u,v]·S_B[−v,w].
#pragma once

#include "engine/spectral/sparse_arithmetic.hpp"

namespace spectral {

enum class ProductRoute {
    frequency,  ///< S_A as a dense matrix times S_B as a sparse one: 8 operations for each of m·K_B products
    space,      ///< both are reconstructed: 2·m·k·n operations of a dense product, and three transforms
};

/// The one that costs less, by count: a dense product does an operation in an eighth of the time that the
/// sparse one takes for it, and a transform of N values counts as 2.5·N·log₂ N sparse ones.
ProductRoute matrix_product_route(const SparseSpectralTensor& a, const SparseSpectralTensor& b);

/// What `keep` selects of the product, the same by either route up to rounding. Throws Error where the
/// tensors are not of rank 2 or do not fit.
SparseSpectralTensor matrix_product(Device device, const SparseSpectralTensor& a,
                                    const SparseSpectralTensor& b, const Keep& keep, ProductRoute route);
SparseSpectralTensor matrix_product(Device device, const SparseSpectralTensor& a,
                                    const SparseSpectralTensor& b, const Keep& keep = {});
/// ∂A = ∂C·Bᵀ and ∂B = Aᵀ·∂C on the supports, through space.
PairGradient matrix_product_gradient(Device device, const SparseSpectralTensor& a,
                                     const SparseSpectralTensor& b, const SparseSpectralTensor& dy);

}  // namespace spectral
