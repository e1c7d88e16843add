#include "engine/nn/dense.hpp"

#include <cassert>
#include <cmath>
#include <utility>

#include "engine/core/random.hpp"

namespace spectral {

Dense::Dense(Device device, std::string name, std::int64_t inputs, std::int64_t outputs,
             std::int64_t max_batch, std::uint64_t seed, std::uint64_t stream, Use use)
    : Layer(std::move(name), use),
      device_(device),
      weight_(device, "weight", {outputs, inputs}, this->name(), use),
      bias_(device, "bias", {outputs}, this->name(), use),
      input_(device, this->name(), inputs, max_batch) {
    if (use == Use::run) return;
    Random random(seed, stream);
    const double bound = inputs > 0 ? 1 / std::sqrt(static_cast<double>(inputs)) : 0;
    for (Parameter* parameter : parameters()) {
        HostTensor start{parameter->value.shape(),
                         std::vector<float>(static_cast<std::size_t>(parameter->value.size()))};
        for (float& value : start.values) value = static_cast<float>(random.uniform(-bound, bound));
        parameter->value.assign(device.backend, start);
    }
}

void Dense::forward(std::int64_t batch, const LayerInput& x, float* y, bool training) {
    const LayerInput input = input_.in_order(batch, x);
    device_.backend.run(MatMul{batch, outputs(), inputs(), false, true, input.x, input.stride,
                               weight_.value.data(), inputs(), 0, y, outputs()});
    device_.backend.run(BiasAdd{batch, outputs(), bias_.value.data(), y});
    if (training) kept_ = input;
}

void Dense::backward(std::int64_t batch, const float* dy, float* dx) {
    require_trained();
    device_.backend.run(MatMul{outputs(), inputs(), batch, true, false, dy, outputs(), kept_.x, kept_.stride,
                               0, weight_.gradient.data(), inputs()});
    device_.backend.run(ColumnSum{batch, outputs(), dy, bias_.gradient.data()});
    if (dx)
        device_.backend.run(MatMul{batch, inputs(), outputs(), false, false, dy, outputs(),
                                   weight_.value.data(), inputs(), 0, dx, inputs()});
}

ActivationLayer::ActivationLayer(Device device, std::string name, ActivationKind activation,
                                 std::int64_t size)
    : Layer(std::move(name)), device_(device), activation_(activation), size_(size) {}

void ActivationLayer::forward(std::int64_t batch, const LayerInput& x, float* y, bool training) {
    assert(!x.rows && x.stride == size_);
    device_.backend.run(Activation{activation_, batch * size_, x.x, y});
    if (training) kept_ = x.x;
}

void ActivationLayer::backward(std::int64_t batch, const float* dy, float* dx) {
    if (dx) device_.backend.run(ActivationBackward{activation_, batch * size_, kept_, dy, dx});
}

}  // namespace spectral
