// A layer that stays as it is, and another one beside it that learns what it should have been:
// y = base(x) + adapter(x).
#pragma once

#include <memory>
#include <vector>

#include "engine/nn/layer.hpp"

namespace spectral {

/// With a SpectralLinear of few coefficients as the adapter: FourierFT (Gao et al. 2024,
/// "Parameter-efficient fine-tuning with discrete Fourier transform"), whose weight change is never made.
/// Only the adapter's parameters are this layer's.
class AdaptedLayer final : public Layer {
public:
    /// Throws Error where the two differ in inputs or outputs.
    AdaptedLayer(Device device, std::unique_ptr<Layer> base, std::unique_ptr<Layer> adapter,
                 std::int64_t max_batch);

    std::string_view kind() const override { return "adapted"; }
    std::int64_t inputs() const override { return base_->inputs(); }
    std::int64_t outputs() const override { return base_->outputs(); }
    void forward(std::int64_t batch, const LayerInput& x, float* y, bool training) override;
    void backward(std::int64_t batch, const float* dy, float* dx) override;
    std::vector<Parameter*> parameters() override { return adapter_->parameters(); }
    std::vector<Layer*> children() const override { return {base_.get(), adapter_.get()}; }

    Layer& base() { return *base_; }

private:
    /// y += the values set aside.
    void add_spare(std::int64_t size, float* y);

    Device device_;
    std::unique_ptr<Layer> base_, adapter_;
    Tensor spare_;  ///< outputs of the adapter, or gradients by its inputs
};

}  // namespace spectral
