// Linear layer y = x·Wᵀ + b whose weight stays a sparse spectrum: neither W nor any part of it is ever made.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/nn/layer.hpp"
#include "engine/spectral/half_spectrum.hpp"
#include "kernels/ops/fft.hpp"
#include "kernels/ops/sparse_matmul.hpp"

namespace spectral {

/// With the orthonormal spectrum S of W (outputs × inputs) and X̂ of the rows of x,
///   ŷ[b,u] = Σ_v S[u,v]·conj X̂[b,v],   y = inverse transform of ŷ,
/// at a cost of two transforms and eight operations for each coefficient and member of the batch. What the
/// half spectrum leaves out follows from S[−u,−v] = conj S[u,v]. Trains its coefficients; the support stays.
class SpectralLinear final : public Layer {
public:
    /// `index`: ascending places in the half spectrum of outputs × inputs, both members of a stored pair
    /// among them; `values` beside them. Throws Error where they do not fit.
    SpectralLinear(Device device, std::string name, std::int64_t inputs, std::int64_t outputs,
                   std::span<const std::uint32_t> index, std::span<const Complex> values, bool bias,
                   std::int64_t max_batch);

    std::string_view kind() const override { return "spectral-linear"; }
    std::int64_t inputs() const override { return inputs_; }
    std::int64_t outputs() const override { return outputs_; }
    void forward(std::int64_t batch, const LayerInput& x, float* y, bool training) override;
    void backward(std::int64_t batch, const float* dy, float* dx) override;
    /// The coefficients (units × 2: real and imaginary parts) and the bias, where there is one.
    std::vector<Parameter*> parameters() override;

    /// The place in the half spectrum of every coefficient that is a parameter, in their order. Of a pair
    /// that is stored twice it is the one of lower place; its mirror follows it.
    const std::vector<std::uint32_t>& units() const { return units_; }
    /// Bytes that stand for the weight: coefficients, places and rows.
    std::size_t weight_bytes() const;

private:
    SparseRows rows() const;
    void make_transposed();

    Device device_;
    std::int64_t inputs_, outputs_, max_batch_;
    SignalShape input_shape_, output_shape_;
    std::vector<std::uint32_t> units_, host_place_, host_row_start_;
    Parameter coefficients_;
    std::vector<Parameter> bias_;  ///< none or one
    Buffer row_start_, place_;
    Buffer column_start_, transposed_place_, transposed_value_;  ///< made when a gradient is first asked for
    Tensor weights_;  ///< of the bins of ŷ in the inverse transform, with both transforms' scale
    Tensor gathered_, x_spectrum_, y_spectrum_, spare_, scratch_;
};

}  // namespace spectral
