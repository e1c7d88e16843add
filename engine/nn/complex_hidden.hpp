// A dense layer of complex values that bends magnitudes and leaves phases:
//   z[b,k] = Σ_f x[b,f] conj W[k,f] + c[k]        y[b,k] = modReLU(z[b,k]) = max(0, |z| + β[k]) z/|z|
#pragma once

#include "engine/nn/input_rows.hpp"
#include "engine/nn/layer.hpp"

namespace spectral {

/// Rows of 2·bins values, the real and the imaginary part side by side, in; of 2·units values out. Rows of
/// the parameters are alike. weight: units × 2·bins, shift: 2·units, both uniform in ±1/√(2·bins) in the
/// beginning, drawn from stream `stream` of `seed`; threshold (β): units, −0.25.
class ComplexHidden final : public Layer {
public:
    ComplexHidden(Device device, std::string name, std::int64_t bins, std::int64_t units,
                  std::int64_t max_batch, std::uint64_t seed, std::uint64_t stream, Use use = Use::train);

    std::string_view kind() const override { return "complex-hidden"; }
    std::int64_t inputs() const override { return 2 * bins_; }
    std::int64_t outputs() const override { return 2 * units_; }
    void forward(std::int64_t batch, const LayerInput& x, float* y, bool training) override;
    void backward(std::int64_t batch, const float* dy, float* dx) override;
    std::vector<Parameter*> parameters() override { return {&weight_, &shift_, &threshold_}; }
    std::vector<PatternSnapshot::Matrix> patterns() override;

private:
    Device device_;
    std::int64_t bins_, units_;
    Parameter weight_, shift_, threshold_;
    /// Of real rows: those of W, which give real parts, in turn with those of i·W, which give imaginary ones.
    Tensor rows_;
    Tensor turn_;                             ///< i for every bin
    Tensor turned_, before_;                  ///< i·W; z
    Tensor row_gradients_, before_gradient_;  ///< for training
    InputRows input_;
    LayerInput kept_;  ///< of the last training pass
};

}  // namespace spectral
