#include "engine/nn/layer_norm_layer.hpp"

#include <utility>

namespace spectral {

LayerNormLayer::LayerNormLayer(Device device, std::string name, SequenceSize size, std::int64_t max_batch,
                               Then then, Use use, float gain)
    : Layer(std::move(name), use),
      device_(device),
      size_(size),
      then_(then),
      gain_(gain),
      scale_(device, "scale", {size.width}, this->name(), use),
      shift_(device, "shift", {size.width}, this->name(), use),
      input_(device, this->name(), size.values(), max_batch),
      mean_(device, MemoryTag::activations, {max_batch * size.places}, this->name() + " means"),
      inverse_deviation_(device, MemoryTag::activations, {max_batch * size.places},
                         this->name() + " deviations"),
      max_batch_(max_batch) {
    if (use == Use::run) return;
    scale_.value.assign(device.backend, {scale_.value.shape(),
                                         std::vector<float>(static_cast<std::size_t>(size.width), 1.0F)});
    scratch_ = Tensor(device, MemoryTag::workspace,
                      {LayerNormBackward::scratch_size(max_batch * size.places, size.width)},
                      this->name() + " sums");
}

NormRows LayerNormLayer::rows(std::int64_t batch, const float* x) const {
    return {.batch = batch * size_.places,
            .size = size_.width,
            .gain = gain_,
            .x = x,
            .scale = scale_.value.data(),
            .shift = shift_.value.data()};
}

void LayerNormLayer::forward(std::int64_t batch, const LayerInput& x, float* y, bool training) {
    const float* input = input_.contiguous(batch, x);
    if (then_ == Then::gelu)
        device_.backend.run(LayerNormGelu{rows(batch, input), y, mean_.data(), inverse_deviation_.data()});
    else
        device_.backend.run(LayerNorm{rows(batch, input), y, mean_.data(), inverse_deviation_.data()});
    if (training) kept_ = input;
}

void LayerNormLayer::backward(std::int64_t batch, const float* dy, float* dx) {
    require_trained();
    if (dx == nullptr) {
        if (unused_.data() == nullptr)
            unused_ = Tensor(device_, MemoryTag::workspace, {max_batch_, inputs()}, name() + " gradient");
        dx = unused_.data();
    }
    const auto run = [&](auto op) {
        op.rows = rows(batch, kept_);
        op.mean = mean_.data();
        op.inverse_deviation = inverse_deviation_.data();
        op.dy = dy;
        op.dx = dx;
        op.dscale = scale_.gradient.data();
        op.dshift = shift_.gradient.data();
        op.scratch = scratch_.data();
        device_.backend.run(op);
    };
    if (then_ == Then::gelu)
        run(LayerNormGeluBackward{});
    else
        run(LayerNormBackward{});
}

}  // namespace spectral
