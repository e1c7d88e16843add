// Dense layer y = x·Wᵀ + b and element-wise activations.
#pragma once

#include "engine/nn/input_rows.hpp"
#include "engine/nn/layer.hpp"
#include "kernels/ops/dense.hpp"

namespace spectral {

/// weight: outputs × inputs, bias: outputs. Starts as PyTorch's Linear: uniform in ±1/√inputs, drawn from
/// stream `stream` of `seed`; at zero where it is only run.
class Dense final : public Layer {
public:
    Dense(Device device, std::string name, std::int64_t inputs, std::int64_t outputs, std::int64_t max_batch,
          std::uint64_t seed, std::uint64_t stream, Use use = Use::train);

    std::string_view kind() const override { return "dense"; }
    std::int64_t inputs() const override { return weight_.value.shape()[1]; }
    std::int64_t outputs() const override { return weight_.value.shape()[0]; }
    void forward(std::int64_t batch, const LayerInput& x, float* y, bool training) override;
    void backward(std::int64_t batch, const float* dy, float* dx) override;
    std::vector<Parameter*> parameters() override { return {&weight_, &bias_}; }

private:
    Device device_;
    Parameter weight_, bias_;
    InputRows input_;
    LayerInput kept_;  ///< of the last training pass
};

class ActivationLayer final : public Layer {
public:
    ActivationLayer(Device device, std::string name, ActivationKind activation, std::int64_t size);

    std::string_view kind() const override { return activation_ == ActivationKind::relu ? "relu" : "gelu"; }
    std::int64_t inputs() const override { return size_; }
    std::int64_t outputs() const override { return size_; }
    /// x must be contiguous and in batch order.
    void forward(std::int64_t batch, const LayerInput& x, float* y, bool training) override;
    void backward(std::int64_t batch, const float* dy, float* dx) override;

private:
    Device device_;
    ActivationKind activation_;
    std::int64_t size_;
    const float* kept_ = nullptr;
};

}  // namespace spectral
