#include "engine/nn/feed_forward.hpp"

#include <algorithm>
#include <utility>

#include "engine/nn/composite.hpp"
#include "kernels/ops/gated.hpp"

namespace spectral {

FeedForward::FeedForward(Device device, std::string name, SequenceSize size, FeedForwardKind bend,
                         std::int64_t hidden, std::int64_t max_batch, std::uint64_t seed,
                         std::uint64_t stream, Use use)
    : Layer(std::move(name), use),
      device_(device),
      size_(size),
      bend_(bend),
      hidden_(hidden),
      input_(device, this->name(), size.values(), max_batch),
      expand_(device, "expand", size.width, bend == FeedForwardKind::swiglu ? 2 * hidden : hidden,
              max_batch * size.places, seed, stream, use),
      contract_(device, "contract", hidden, size.width, max_batch * size.places, seed, stream + 1, use) {
    for (Dense* each : {&expand_, &contract_})
        std::ranges::copy(adopt(*each), std::back_inserter(parameters_));
    const auto rows = [&](std::int64_t width, const char* what) {
        return Tensor(device, MemoryTag::activations, {max_batch, size.places * width},
                      this->name() + " " + what);
    };
    wide_ = rows(expand_.outputs(), "hidden values");
    bent_ = rows(hidden, "activated values");
    if (use == Use::run) return;
    wide_gradient_ = rows(expand_.outputs(), "hidden gradient");
    bent_gradient_ = rows(hidden, "activated gradient");
}

void FeedForward::forward(std::int64_t batch, const LayerInput& x, float* y, bool training) {
    const std::int64_t rows = batch * size_.places;
    expand_.forward(rows, {input_.contiguous(batch, x), size_.width, nullptr}, wide_.data(), training);
    if (bend_ == FeedForwardKind::gelu)
        device_.backend.run(Activation{ActivationKind::gelu, rows * hidden_, wide_.data(), bent_.data()});
    else
        device_.backend.run(
            SwiGlu{rows, hidden_, 2 * hidden_, wide_.data(), wide_.data() + hidden_, bent_.data()});
    contract_.forward(rows, {bent_.data(), hidden_, nullptr}, y, training);
}

void FeedForward::backward(std::int64_t batch, const float* dy, float* dx) {
    require_trained();
    const std::int64_t rows = batch * size_.places;
    contract_.backward(rows, dy, bent_gradient_.data());
    if (bend_ == FeedForwardKind::gelu)
        device_.backend.run(ActivationBackward{ActivationKind::gelu, rows * hidden_, wide_.data(),
                                               bent_gradient_.data(), wide_gradient_.data()});
    else
        device_.backend.run(SwiGluBackward{.batch = rows,
                                           .size = hidden_,
                                           .stride = 2 * hidden_,
                                           .gate = wide_.data(),
                                           .value = wide_.data() + hidden_,
                                           .dy = bent_gradient_.data(),
                                           .dgate = wide_gradient_.data(),
                                           .dvalue = wide_gradient_.data() + hidden_});
    expand_.backward(rows, wide_gradient_.data(), dx);
}

}  // namespace spectral
