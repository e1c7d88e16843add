#include "engine/nn/sequential.hpp"

#include <utility>

#include "engine/core/error.hpp"

namespace spectral {

Sequential::Sequential(Device device, std::string name, std::vector<std::unique_ptr<Layer>> layers,
                       std::int64_t max_batch, Use use)
    : Layer(std::move(name), use), layers_(std::move(layers)) {
    require(!layers_.empty(), "sequential", "it needs at least one layer");
    for (std::size_t i = 0; i + 1 < layers_.size(); ++i) {
        if (layers_[i]->outputs() != layers_[i + 1]->inputs())
            throw Error(layers_[i + 1]->name(), "takes " + std::to_string(layers_[i + 1]->inputs()) +
                                                    " values but " + layers_[i]->name() + " gives " +
                                                    std::to_string(layers_[i]->outputs()));
        const Shape shape{max_batch, layers_[i]->outputs()};
        outputs_.emplace_back(device, MemoryTag::activations, shape, layers_[i]->name() + " output");
        if (use == Use::run) continue;
        gradients_.emplace_back(device, MemoryTag::activations, shape,
                                layers_[i]->name() + " output gradient");
    }
}

void Sequential::forward(std::int64_t batch, const LayerInput& x, float* y, bool training) {
    LayerInput input = x;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
        float* out = i + 1 < layers_.size() ? outputs_[i].data() : y;
        layers_[i]->forward(batch, input, out, training);
        input = {out, layers_[i]->outputs(), nullptr};
    }
}

void Sequential::backward(std::int64_t batch, const float* dy, float* dx) {
    require_trained();
    for (std::size_t i = layers_.size(); i-- > 0;) {
        layers_[i]->backward(batch, dy, i > 0 ? gradients_[i - 1].data() : dx);
        if (i > 0) dy = gradients_[i - 1].data();
    }
}

std::vector<Parameter*> Sequential::parameters() {
    std::vector<Parameter*> result;
    for (const auto& layer : layers_)
        for (Parameter* parameter : layer->parameters()) result.push_back(parameter);
    return result;
}

void Sequential::begin_step(std::int64_t step) {
    for (const auto& layer : layers_) layer->begin_step(step);
}

std::vector<Layer*> Sequential::children() const {
    std::vector<Layer*> result;
    for (const auto& layer : layers_) result.push_back(layer.get());
    return result;
}

}  // namespace spectral
