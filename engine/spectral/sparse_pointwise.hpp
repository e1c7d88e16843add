// Functions of the values of a sparse spectral tensor: activations, and division by its norm. Gradients are
// those of sparse_arithmetic.hpp.
#pragma once

#include "engine/spectral/sparse_tensor.hpp"
#include "kernels/ops/dense.hpp"

namespace spectral {

/// y[n] = f(a[n]), through space, then `keep`: one transform each way.
SparseSpectralTensor activated(Device device, const SparseSpectralTensor& a, ActivationKind kind,
                               const Keep& keep = {});
SparseSpectralTensor activated_gradient(Device device, const SparseSpectralTensor& a, ActivationKind kind,
                                        const SparseSpectralTensor& dy);

/// y = a/(‖a‖ + ε); ‖a‖ is known by Parseval. No transform.
SparseSpectralTensor normalised(Device device, const SparseSpectralTensor& a, double epsilon = 1e-12);
/// ∂a = ∂y/(‖a‖ + ε) − a·⟨a, ∂y⟩/(‖a‖·(‖a‖ + ε)²); the second term is 0 where a is.
SparseSpectralTensor normalised_gradient(Device device, const SparseSpectralTensor& a,
                                         const SparseSpectralTensor& dy, double epsilon = 1e-12);

}  // namespace spectral
