#include "engine/nn/implicit_linear.hpp"

#include <utility>

#include "kernels/ops/dense.hpp"

namespace spectral {

ImplicitLinear::ImplicitLinear(Device device, std::string name, const PackedTensor& weight, bool bias,
                               Use use, std::int64_t max_batch, std::int64_t block_rows)
    : Layer(std::move(name), use),
      device_(device),
      weights_(device, weight),
      block_rows_(block_rows),
      input_(device, this->name(), weights_.columns(), max_batch) {
    require(weight.shape.rank() == 2, "linear layer", "its weight is no matrix");
    if (bias) bias_.emplace_back(device, "bias", Shape{outputs()}, this->name(), use);
    if (use == Use::run || !weights_.is_trainable()) return;
    const Shape& padded = weights_.numbers().shape();
    numbers_.emplace_back(device, "numbers", Shape{padded[0] - 1, padded[1]}, this->name());
    const Tensor& value = numbers_.front().value;
    device.backend.copy_on_device(value.data(), weights_.numbers().data(), value.bytes());
}

void ImplicitLinear::forward(std::int64_t batch, const LayerInput& x, float* y, bool training) {
    const float* input = input_.contiguous(batch, x);
    for (const Parameter& numbers : numbers_)
        device_.backend.copy_on_device(weights_.numbers().data(), numbers.value.data(),
                                       numbers.value.bytes());
    weights_.multiply(batch, input, y, block_rows_);
    for (const Parameter& bias : bias_) device_.backend.run(BiasAdd{batch, outputs(), bias.value.data(), y});
    if (training) kept_ = input;
}

void ImplicitLinear::backward(std::int64_t batch, const float* dy, float* dx) {
    require_trained();
    require(weights_.is_trainable(), "linear layer",
            "its weight of two factors is not trained block by block");
    if (padded_gradient_.data() == nullptr)
        padded_gradient_ =
            Tensor(device_, MemoryTag::gradients, weights_.numbers().shape(), name() + " padded gradient");
    weights_.gradient(batch, kept_, dy, padded_gradient_.data(), block_rows_);
    for (const Parameter& numbers : numbers_)
        device_.backend.copy_on_device(numbers.gradient.data(), padded_gradient_.data(),
                                       numbers.gradient.bytes());
    for (const Parameter& bias : bias_)
        device_.backend.run(ColumnSum{batch, outputs(), dy, bias.gradient.data()});
    if (dx != nullptr) weights_.multiply_transposed(batch, dy, dx, block_rows_);
}

std::vector<Parameter*> ImplicitLinear::parameters() {
    std::vector<Parameter*> all;
    for (std::vector<Parameter>* list : {&numbers_, &bias_})
        for (Parameter& each : *list) all.push_back(&each);
    return all;
}

}  // namespace spectral
