#include "engine/nn/adapted_layer.hpp"

#include <algorithm>
#include <utility>

#include "kernels/ops/dense.hpp"

namespace spectral {

AdaptedLayer::AdaptedLayer(Device device, std::unique_ptr<Layer> base, std::unique_ptr<Layer> adapter,
                           std::int64_t max_batch)
    : Layer(base->name()), device_(device), base_(std::move(base)), adapter_(std::move(adapter)) {
    require(base_->inputs() == adapter_->inputs() && base_->outputs() == adapter_->outputs(), "adapter",
            "it has other inputs or outputs than its layer");
    spare_ = Tensor(device, MemoryTag::activations, {max_batch, std::max(inputs(), outputs())},
                    name() + " adapter");
}

void AdaptedLayer::add_spare(std::int64_t size, float* y) {
    device_.backend.run(BiasAdd{1, size, spare_.data(), y});
}

void AdaptedLayer::forward(std::int64_t batch, const LayerInput& x, float* y, bool training) {
    base_->forward(batch, x, y, training);
    adapter_->forward(batch, x, spare_.data(), training);
    add_spare(batch * outputs(), y);
}

void AdaptedLayer::backward(std::int64_t batch, const float* dy, float* dx) {
    adapter_->backward(batch, dy, dx != nullptr ? spare_.data() : nullptr);
    if (dx == nullptr) return;  // nobody reads what the base would learn
    base_->backward(batch, dy, dx);
    add_spare(batch * inputs(), dx);
}

}  // namespace spectral
