// A basis at work in backend memory: tensors to coefficients and back without a copy on the host.
#pragma once

#include "engine/compress/basis.hpp"
#include "engine/core/tensor.hpp"

namespace spectral {

/// Dense: the tensor's values; coefficients: basis.size() × basis.parts() floats. Of a random basis only the
/// transform: its signs are not put on.
class BasisTransform {
public:
    enum class Use { forward, inverse, training };  ///< training: inverse and its adjoint

    BasisTransform(Device device, const Basis& basis, Use use);

    void forward(const float* dense, float* coefficients) const;
    void inverse(const float* coefficients, float* dense) const;
    /// Of a gradient by the dense values, that by the coefficients' real and imaginary parts as they are
    /// stored: where a mirror is implied it counts twice.
    void inverse_adjoint(const float* d_dense, float* d_coefficients) const;

private:
    /// From the dense values, both forward and the adjoint; `weights` of row_ coefficients.
    void analyse(const float* dense, float* coefficients, const Tensor& weights) const;

    Device device_;
    BasisKind kind_;
    SignalShape signal_;
    std::int64_t transforms_, values_, size_;
    std::int64_t row_ = 0;  ///< coefficients that a row of weights is for
    Buffer order_, back_;   ///< places of values, where the transforms do not take them in their order
    Tensor arranged_, spectrum_, scratch_;
    Tensor scale_, mirrored_scale_;
};

}  // namespace spectral
