// Linear layer y = x·Wᵀ + b whose weight stays a sparse spectrum: neither W nor any part of it is ever made.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/nn/input_rows.hpp"
#include "engine/nn/layer.hpp"
#include "engine/spectral/half_spectrum.hpp"
#include "kernels/ops/fft.hpp"
#include "kernels/ops/sparse_matmul.hpp"

namespace spectral {

/// With the orthonormal spectrum S of W (outputs × inputs) and X̂ of the rows of x,
///   ŷ[b,u] = Σ_v S[u,v]·conj X̂[b,v],   y = inverse transform of ŷ,
/// at a cost of two transforms and eight operations for each coefficient and member of the batch. What the
/// half spectrum leaves out follows from S[−u,−v] = conj S[u,v]. With cosine coefficients C of W the same
/// holds of DCTs, where nothing is complex: ŷ[b,u] = Σ_v C[u,v]·x̂[b,v]. Trains its coefficients; the
/// support stays.
class SpectralLinear final : public Layer {
public:
    /// Of a Fourier spectrum. `index`: ascending places in the half spectrum of outputs × inputs, both
    /// members of a stored pair among them; `values` beside them. Throws Error where they do not fit.
    SpectralLinear(Device device, std::string name, std::int64_t inputs, std::int64_t outputs,
                   std::span<const std::uint32_t> index, std::span<const Complex> values, bool bias,
                   std::int64_t max_batch, Use use = Use::train);
    /// Of cosine coefficients. `index`: ascending places in outputs × inputs.
    SpectralLinear(Device device, std::string name, std::int64_t inputs, std::int64_t outputs,
                   std::span<const std::uint32_t> index, std::span<const float> values, bool bias,
                   std::int64_t max_batch, Use use = Use::train);

    std::string_view kind() const override { return cosine_ ? "cosine-linear" : "spectral-linear"; }
    std::int64_t inputs() const override { return inputs_; }
    std::int64_t outputs() const override { return outputs_; }
    void forward(std::int64_t batch, const LayerInput& x, float* y, bool training) override;
    void backward(std::int64_t batch, const float* dy, float* dx) override;
    /// The coefficients (units × 2: real and imaginary parts; units × 1 of cosines) and the bias, where there
    /// is one.
    std::vector<Parameter*> parameters() override;

    /// The place of every coefficient that is a parameter, in their order. Of a pair that is stored twice it
    /// is the one of lower place; its mirror follows it.
    const std::vector<std::uint32_t>& units() const { return units_; }
    /// Bytes that stand for the weight: coefficients, places and rows.
    std::size_t weight_bytes() const;

private:
    /// A unit of the spectrum as it enters a row of the product.
    struct Entry {
        std::uint32_t row, place, unit;
        Complex value;
    };

    /// Takes the units in the order of their rows.
    SpectralLinear(Device device, std::string name, bool cosine, std::int64_t inputs, std::int64_t outputs,
                   const std::vector<Entry>& entries, bool bias, std::int64_t max_batch, Use use);
    static std::vector<Entry> fourier_entries(std::int64_t inputs, std::int64_t outputs,
                                              std::span<const std::uint32_t> index,
                                              std::span<const Complex> values);
    static std::vector<Entry> cosine_entries(std::int64_t inputs, std::int64_t outputs,
                                             std::span<const std::uint32_t> index,
                                             std::span<const float> values);

    std::int64_t bins(const SignalShape& shape) const;
    /// Rows of x to spectra, and the adjoint of that.
    void analyse(std::int64_t batch, const SignalShape& shape, const float* x, Complex* spectra);
    void analyse_adjoint(std::int64_t batch, const SignalShape& shape, Complex* spectra, float* x);
    /// Spectra of y to its rows, and the adjoint of that.
    void synthesise(std::int64_t batch, Complex* spectra, float* y);
    void synthesise_adjoint(std::int64_t batch, const float* y, Complex* spectra);
    void weigh(std::int64_t batch, Complex* spectra);
    /// As complex numbers.
    const Complex* coefficients();
    SparseRows rows() const;
    void make_transposed();

    Device device_;
    bool cosine_;
    std::int64_t inputs_, outputs_, max_batch_;
    InputRows input_;
    SignalShape input_shape_, output_shape_;
    std::vector<std::uint32_t> units_, host_place_, host_row_start_;
    Parameter coefficients_;
    std::vector<Parameter> bias_;  ///< none or one
    Buffer row_start_, place_;
    Buffer column_start_, transposed_place_, transposed_value_;  ///< made when a gradient is first asked for
    Tensor weights_;  ///< of the bins of ŷ in the inverse Fourier transform, with both transforms' scale
    Tensor x_spectrum_, y_spectrum_, spare_, scratch_;
    Tensor real_, values_, value_gradient_;  ///< of cosines: rows, and coefficients as complex numbers
};

}  // namespace spectral
