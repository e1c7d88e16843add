#include "engine/nn/network_model.hpp"

#include <utility>

namespace spectral {

NetworkModel::NetworkModel(const ModelRequest& request, std::vector<std::unique_ptr<Layer>> layers)
    : device_(request.device),
      network_(request.device, "network", std::move(layers), request.max_batch, request.use),
      logits_(request.device, MemoryTag::activations, {request.max_batch, request.classes}, "logits") {}

void NetworkModel::train_batch(const Batch& batch, LossSums* sums) {
    network_.forward(batch.size, {batch.x, batch.stride, batch.rows}, logits_.data(), true);
    device_.backend.run(
        SoftmaxNll{batch.size, network_.outputs(), logits_.data(), batch.labels, logits_.data(), sums});
    network_.backward(batch.size, logits_.data(), nullptr);
}

void NetworkModel::infer(const Batch& batch, float* logits) {
    network_.forward(batch.size, {batch.x, batch.stride, batch.rows}, logits, false);
}

std::vector<PatternSnapshot::Matrix> NetworkModel::patterns() {
    for (Layer* layer : layers())
        for (Parameter* parameter : layer->parameters())
            if (parameter->value.shape().rank() == 2)
                return {{"weight", layer->name() + " weight", "output", "feature",
                         parameter->value.to_host(device_.backend)}};
    return {};
}

}  // namespace spectral
