#include "engine/nn/pool_layer.hpp"

#include <cassert>
#include <utility>

namespace spectral {

PoolLayer::PoolLayer(Device device, std::string name, PoolKind pool, const FeatureMaps& input,
                     const SpaceExtents& window, const SpaceExtents& stride, std::int64_t max_batch, Use use)
    : Layer(std::move(name), use),
      device_(device),
      pool_(pool),
      input_(input),
      output_(pooled(input, window, stride)),
      shape_{input.rank, input.channels, input.space, window, stride} {
    if (use == Use::train && pool == PoolKind::max)
        places_ = Buffer(device, MemoryTag::activations,
                         static_cast<std::size_t>(max_batch * output_.size()) * sizeof(std::uint32_t),
                         this->name() + " places");
}

std::unique_ptr<PoolLayer> PoolLayer::global_average(Device device, std::string name,
                                                     const FeatureMaps& input, std::int64_t max_batch,
                                                     Use use) {
    return std::make_unique<PoolLayer>(device, std::move(name), PoolKind::average, input, input.space,
                                       input.space, max_batch, use);
}

Json PoolLayer::config() const {
    return {{"input", input_.text()},
            {"window", extents_text(shape_.rank, shape_.window)},
            {"stride", extents_text(shape_.rank, shape_.stride)}};
}

PoolShape PoolLayer::shape_of(std::int64_t batch) const {
    PoolShape shape = shape_;
    shape.planes *= batch;
    return shape;
}

void PoolLayer::forward(std::int64_t batch, const LayerInput& x, float* y, bool training) {
    assert(!x.rows && x.stride == inputs());
    if (pool_ == PoolKind::max)
        device_.backend.run(
            MaxPool{shape_of(batch), x.x, y, training ? places_.as<std::uint32_t>() : nullptr});
    else
        device_.backend.run(AveragePool{shape_of(batch), x.x, y});
}

void PoolLayer::backward(std::int64_t batch, const float* dy, float* dx) {
    require_trained();
    if (dx == nullptr) return;
    if (pool_ == PoolKind::max)
        device_.backend.run(MaxPoolBackward{shape_of(batch), places_.as<std::uint32_t>(), dy, dx});
    else
        device_.backend.run(AveragePoolBackward{shape_of(batch), dy, dx});
}

}  // namespace spectral
