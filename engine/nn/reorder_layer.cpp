#include "engine/nn/reorder_layer.hpp"

#include <utility>

#include "engine/compress/matrix_order.hpp"
#include "engine/core/transfer.hpp"
#include "kernels/ops/gather.hpp"

namespace spectral {

ReorderLayer::ReorderLayer(Device device, std::string name, const std::vector<std::uint32_t>& order,
                           std::int64_t max_batch)
    : Layer(std::move(name)),
      device_(device),
      size_(std::ssize(order)),
      max_batch_(max_batch),
      order_(upload(device, order, MemoryTag::parameters, this->name())),
      back_(upload(device, inverse_permutation(order), MemoryTag::parameters, this->name())) {}

void ReorderLayer::forward(std::int64_t batch, const LayerInput& x, float* y, bool /*training*/) {
    LayerInput input = x;
    if (x.rows != nullptr) {
        if (gathered_.data() == nullptr)
            gathered_ = Tensor(device_, MemoryTag::activations, {max_batch_, size_}, name() + " input rows");
        device_.backend.run(GatherRows{batch, size_, x.x, x.stride, x.rows, gathered_.data(), size_});
        input = {gathered_.data(), size_, nullptr};
    }
    device_.backend.run(GatherColumns{batch, size_, input.x, input.stride, order_.as<std::uint32_t>(), y});
}

void ReorderLayer::backward(std::int64_t batch, const float* dy, float* dx) {
    if (dx != nullptr)
        device_.backend.run(GatherColumns{batch, size_, dy, size_, back_.as<std::uint32_t>(), dx});
}

}  // namespace spectral
