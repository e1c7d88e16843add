#include "engine/nn/network_model.hpp"

#include <utility>

#include "engine/core/error.hpp"

namespace spectral {

namespace {

/// Named by the layer too.
std::vector<PatternSnapshot::Matrix> within(const Layer& layer,
                                            std::vector<PatternSnapshot::Matrix> patterns) {
    for (PatternSnapshot::Matrix& matrix : patterns)
        if (matrix.origin) matrix.origin->parameter.insert(0, layer.name() + "/");
    return patterns;
}

}  // namespace

NetworkModel::NetworkModel(const ModelRequest& request, std::vector<std::unique_ptr<Layer>> layers,
                           std::int64_t predictions)
    : device_(request.device),
      network_(request.device, "network", std::move(layers), request.max_batch, request.use),
      predictions_(predictions),
      classes_(request.classes) {
    require(network_.outputs() == predictions * classes_, "network",
            "its last layer gives another number of class scores than there are classes");
    if (request.use == Use::train)
        logits_ = Tensor(device_, MemoryTag::activations, {request.max_batch, network_.outputs()}, "logits");
}

void NetworkModel::train_batch(const Batch& batch, LossSums* sums) {
    network_.begin_step(batch.step);
    network_.forward(batch.size, {batch.x, batch.stride, batch.rows}, logits_.data(), true);
    device_.backend.run(
        SoftmaxNll{batch.size * predictions_, classes_, logits_.data(), batch.labels, logits_.data(), sums});
    network_.backward(batch.size, logits_.data(), nullptr);
}

void NetworkModel::infer(const Batch& batch, float* logits) {
    network_.forward(batch.size, {batch.x, batch.stride, batch.rows}, logits, false);
}

std::vector<PatternSnapshot::Matrix> NetworkModel::patterns() {
    for (Layer* layer : layers())
        if (auto patterns = layer->patterns(); !patterns.empty()) return within(*layer, std::move(patterns));
    for (Layer* layer : layers())
        for (Parameter* parameter : layer->parameters())
            if (parameter->value.shape().rank() == 2)
                return within(*layer, {rows_of_parameter(*parameter, "weight", layer->name() + " weight",
                                                         "output", "feature", device_)});
    return {};
}

}  // namespace spectral
