// Spectral batch norm: every frequency of a batch of sparse spectral tensors by its own mean and deviation
// over the batch, with a learned scale and shift for each, and running statistics for later use.
//   Y_b = scale · (X_b − mean)/√(variance + ε) + shift,   variance = Σ_b |X_b − mean|²/batch
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/spectral/sparse_tensor.hpp"

namespace spectral {

/// On one support. Scales are real and begin at 1, shifts at 0, the running mean at 0 and variance at 1.
/// Gradients are those of sparse_arithmetic.hpp, those of scale and shift too: dL = Σ_j
/// weight_j·∂scale_j·dscale_j and so on. Both members of a stored pair have the same gradient (the shift the
/// conjugate), so that steps along it leave the tensors real.
class SparseBatchNorm {
public:
    /// `index` as SparseSpectralTensor::from_values asks.
    SparseBatchNorm(Device device, const Shape& shape, std::vector<std::uint32_t> index,
                    float momentum = 0.1F, float epsilon = 1e-5F);

    /// Tensors of the shape; coefficients outside of the support are left out, missing ones are zeros. While
    /// `training` the batch's own statistics are used and remembered. Throws Error where a shape differs.
    std::vector<SparseSpectralTensor> forward(std::span<const SparseSpectralTensor> x, bool training);
    /// Of the last forward pass, which was for training; gives ∂x and leaves scale_gradient() and
    /// shift_gradient().
    std::vector<SparseSpectralTensor> backward(std::span<const SparseSpectralTensor> dy);

    const std::vector<std::uint32_t>& index() const { return index_; }
    Tensor& scale() { return scale_; }                            ///< count, f32
    Tensor& shift() { return shift_; }                            ///< count, complex
    const Tensor& scale_gradient() const { return dscale_; }      ///< count, f32
    const Tensor& shift_gradient() const { return dshift_; }      ///< count, complex
    const Tensor& running_mean() const { return running_mean_; }  ///< count, complex
    const Tensor& running_variance() const { return running_variance_; }

private:
    std::int64_t count() const { return static_cast<std::int64_t>(index_.size()); }
    Tensor stacked(std::span<const SparseSpectralTensor> tensors) const;
    std::vector<SparseSpectralTensor> parted(const Tensor& rows) const;

    Device device_;
    Shape shape_;
    std::vector<std::uint32_t> index_;
    float momentum_, epsilon_;
    Tensor scale_, shift_, dscale_, dshift_, running_mean_, running_variance_, mean_, deviation_;
    Tensor input_;  ///< of the last forward pass for training
};

}  // namespace spectral
