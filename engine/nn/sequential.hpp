// Layers one after another, itself a layer.
#pragma once

#include <memory>
#include <vector>

#include "engine/nn/layer.hpp"

namespace spectral {

class Sequential final : public Layer {
public:
    /// Throws Error when a layer does not take what the one before gives.
    Sequential(Device device, std::string name, std::vector<std::unique_ptr<Layer>> layers,
               std::int64_t max_batch, Use use = Use::train);

    std::string_view kind() const override { return "sequential"; }
    std::int64_t inputs() const override { return layers_.front()->inputs(); }
    std::int64_t outputs() const override { return layers_.back()->outputs(); }
    void forward(std::int64_t batch, const LayerInput& x, float* y, bool training) override;
    void backward(std::int64_t batch, const float* dy, float* dx) override;
    std::vector<Parameter*> parameters() override;
    void begin_step(std::int64_t step) override;
    std::vector<Layer*> children() const override;
    /// The layers themselves, which the others of this one go with.
    std::vector<std::unique_ptr<Layer>> take_children() && { return std::move(layers_); }

private:
    std::vector<std::unique_ptr<Layer>> layers_;
    std::vector<Tensor> outputs_;    ///< of every layer but the last
    std::vector<Tensor> gradients_;  ///< by the same; none where it is only run
};

}  // namespace spectral
