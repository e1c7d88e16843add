#include "engine/nn/composite.hpp"

#include <utility>

#include "engine/core/error.hpp"
#include "kernels/ops/dense.hpp"

namespace spectral {

std::vector<Parameter*> adopt(Layer& child) {
    std::vector<Parameter*> parameters = child.parameters();
    for (Parameter* parameter : parameters) parameter->name.insert(0, child.name() + ".");
    return parameters;
}

Residual::Residual(Device device, std::string name, std::unique_ptr<Layer> inner, float scale,
                   std::int64_t max_batch, Use use)
    : Layer(std::move(name), use),
      device_(device),
      inner_(std::move(inner)),
      parameters_(adopt(*inner_)),
      scale_(scale),
      input_(device, this->name(), inner_->inputs(), max_batch),
      branch_(device, MemoryTag::activations, {max_batch, inner_->inputs()}, this->name() + " branch") {
    require(inner_->inputs() == inner_->outputs(), this->name().c_str(),
            "what is added to a layer's input must be of its size");
}

Json Residual::config() const {
    return {{"scale", scale_}, {"inner", inner_->kind()}, {"inner_config", inner_->config()}};
}

void Residual::forward(std::int64_t batch, const LayerInput& x, float* y, bool training) {
    const float* input = input_.contiguous(batch, x);
    inner_->forward(batch, {input, inputs(), nullptr}, branch_.data(), training);
    device_.backend.run(AddScaled{batch * inputs(), scale_, input, branch_.data(), y});
}

void Residual::backward(std::int64_t batch, const float* dy, float* dx) {
    require_trained();
    const std::int64_t size = batch * inputs();
    // By the branch: f's gradient is linear in what it is given, so the factor may come before or after it;
    // before, its parameters get it too.
    const float* branch = dy;
    if (scale_ != 1) {
        device_.backend.run(AddScaled{size, scale_ - 1, dy, dy, branch_.data()});
        branch = branch_.data();
    }
    inner_->backward(batch, branch, dx);
    if (dx != nullptr) device_.backend.run(AddScaled{size, 1, dx, dy, dx});
}

}  // namespace spectral
