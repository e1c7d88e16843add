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
      input_(device, this->name(), size_, max_batch),
      order_(upload(device, order, MemoryTag::parameters, this->name())),
      back_(upload(device, inverse_permutation(order), MemoryTag::parameters, this->name())) {}

void ReorderLayer::forward(std::int64_t batch, const LayerInput& x, float* y, bool /*training*/) {
    const LayerInput input = input_.in_order(batch, x);
    device_.backend.run(GatherColumns{batch, size_, input.x, input.stride, order_.as<std::uint32_t>(), y});
}

void ReorderLayer::backward(std::int64_t batch, const float* dy, float* dx) {
    if (dx != nullptr)
        device_.backend.run(GatherColumns{batch, size_, dy, size_, back_.as<std::uint32_t>(), dx});
}

}  // namespace spectral
