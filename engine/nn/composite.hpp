// Layers made of layers: their parameters, and the residual connection.
#pragma once

#include <memory>
#include <vector>

#include "engine/nn/input_rows.hpp"
#include "engine/nn/layer.hpp"

namespace spectral {

/// The parameters of a layer within another one, from here on named by it as well: "query.weight". Once for
/// each child, by the constructor of the layer that owns it.
std::vector<Parameter*> adopt(Layer& child);

/// y = x + scale·f(x); f gives as many values as it takes.
class Residual final : public Layer {
public:
    /// Throws Error where f changes the size.
    Residual(Device device, std::string name, std::unique_ptr<Layer> inner, float scale,
             std::int64_t max_batch, Use use = Use::train);

    std::string_view kind() const override { return "residual"; }
    Json config() const override;
    std::int64_t inputs() const override { return inner_->inputs(); }
    std::int64_t outputs() const override { return inner_->outputs(); }
    void forward(std::int64_t batch, const LayerInput& x, float* y, bool training) override;
    void backward(std::int64_t batch, const float* dy, float* dx) override;
    std::vector<Parameter*> parameters() override { return parameters_; }
    std::vector<Layer*> children() const override { return {inner_.get()}; }
    void begin_step(std::int64_t step) override { inner_->begin_step(step); }

private:
    Device device_;
    std::unique_ptr<Layer> inner_;
    std::vector<Parameter*> parameters_;
    float scale_;
    InputRows input_;
    Tensor branch_;  ///< f(x), and in backward its gradient
};

}  // namespace spectral
