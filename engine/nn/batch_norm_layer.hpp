// Batch norm of channels as a layer, with what it remembers; golden where its variance is to be 1/φ.
#pragma once

#include "engine/nn/input_rows.hpp"
#include "engine/nn/layer.hpp"
#include "kernels/ops/batch_norm.hpp"

namespace spectral {

/// A sample is channels × space. y = scale·gain·n + shift with n of mean 0 and variance 1 over batch and
/// space while training, by the running mean and variance else. scale and shift, at one and zero in the
/// beginning, are learned; "running_mean" and "running_variance", at zero and one, are statistics that move
/// by `momentum` with every training pass. A golden norm has the gain √(1/φ).
class BatchNormLayer final : public Layer {
public:
    BatchNormLayer(Device device, std::string name, std::int64_t channels, std::int64_t space,
                   std::int64_t max_batch, Use use = Use::train, float gain = 1);

    std::string_view kind() const override { return gain_ == 1 ? "batch-norm" : "golden-norm"; }
    Json config() const override { return {{"channels", channels_}, {"space", space_}, {"gain", gain_}}; }
    std::int64_t inputs() const override { return channels_ * space_; }
    std::int64_t outputs() const override { return channels_ * space_; }
    void forward(std::int64_t batch, const LayerInput& x, float* y, bool training) override;
    void backward(std::int64_t batch, const float* dy, float* dx) override;
    std::vector<Parameter*> parameters() override {
        return {&scale_, &shift_, &running_mean_, &running_variance_};
    }

private:
    Device device_;
    std::int64_t channels_, space_, max_batch_;
    float gain_;
    Parameter scale_, shift_, running_mean_, running_variance_;
    InputRows input_;
    Tensor mean_, inverse_deviation_;  ///< of the last training pass
    Tensor unused_;                    ///< an input's gradient that nobody asked for
    const float* kept_ = nullptr;
};

}  // namespace spectral
