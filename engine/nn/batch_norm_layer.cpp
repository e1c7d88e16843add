#include "engine/nn/batch_norm_layer.hpp"

#include <utility>

namespace spectral {

BatchNormLayer::BatchNormLayer(Device device, std::string name, std::int64_t channels, std::int64_t space,
                               std::int64_t max_batch, Use use, float gain)
    : Layer(std::move(name), use),
      device_(device),
      channels_(channels),
      space_(space),
      max_batch_(max_batch),
      gain_(gain),
      scale_(device, "scale", {channels}, this->name(), use),
      shift_(device, "shift", {channels}, this->name(), use),
      running_mean_(Parameter::statistic(device, "running_mean", {channels}, this->name())),
      running_variance_(Parameter::statistic(device, "running_variance", {channels}, this->name())),
      input_(device, this->name(), channels * space, max_batch),
      mean_(device, MemoryTag::activations, {channels}, this->name() + " means"),
      inverse_deviation_(device, MemoryTag::activations, {channels}, this->name() + " deviations") {
    if (use == Use::run) return;
    const HostTensor ones{{channels}, std::vector<float>(static_cast<std::size_t>(channels), 1.0F)};
    scale_.value.assign(device.backend, ones);
    running_variance_.value.assign(device.backend, ones);
}

void BatchNormLayer::forward(std::int64_t batch, const LayerInput& x, float* y, bool training) {
    const float* input = input_.contiguous(batch, x);
    BatchNorm op{{batch, channels_, space_}, training};
    op.gain = gain_;
    op.x = input;
    op.scale = scale_.value.data();
    op.shift = shift_.value.data();
    op.y = y;
    op.mean = mean_.data();
    op.inverse_deviation = inverse_deviation_.data();
    op.running_mean = running_mean_.value.data();
    op.running_variance = running_variance_.value.data();
    device_.backend.run(op);
    if (training) kept_ = input;
}

void BatchNormLayer::backward(std::int64_t batch, const float* dy, float* dx) {
    require_trained();
    if (dx == nullptr) {
        if (unused_.data() == nullptr)
            unused_ = Tensor(device_, MemoryTag::workspace, {max_batch_, inputs()}, name() + " gradient");
        dx = unused_.data();
    }
    device_.backend.run(BatchNormBackward{{batch, channels_, space_},
                                          gain_,
                                          kept_,
                                          mean_.data(),
                                          inverse_deviation_.data(),
                                          scale_.value.data(),
                                          dy,
                                          dx,
                                          scale_.gradient.data(),
                                          shift_.gradient.data()});
}

}  // namespace spectral
