// Pooling of feature maps: the largest or the mean value of every window.
#pragma once

#include <memory>

#include "engine/nn/feature_maps.hpp"
#include "engine/nn/layer.hpp"

namespace spectral {

enum class PoolKind { max, average };

class PoolLayer final : public Layer {
public:
    /// Throws Error where a window is larger than the maps.
    PoolLayer(Device device, std::string name, PoolKind pool, const FeatureMaps& input,
              const SpaceExtents& window, const SpaceExtents& stride, std::int64_t max_batch,
              Use use = Use::train);
    /// Over all of a map: channels alone remain.
    static std::unique_ptr<PoolLayer> global_average(Device device, std::string name,
                                                     const FeatureMaps& input, std::int64_t max_batch,
                                                     Use use = Use::train);

    std::string_view kind() const override { return pool_ == PoolKind::max ? "max-pool" : "average-pool"; }
    Json config() const override;
    std::int64_t inputs() const override { return input_.size(); }
    std::int64_t outputs() const override { return output_.size(); }
    /// x must be contiguous and in batch order.
    void forward(std::int64_t batch, const LayerInput& x, float* y, bool training) override;
    void backward(std::int64_t batch, const float* dy, float* dx) override;

    const FeatureMaps& output_maps() const { return output_; }

private:
    PoolShape shape_of(std::int64_t batch) const;

    Device device_;
    PoolKind pool_;
    FeatureMaps input_, output_;
    PoolShape shape_;  ///< of one sample
    Buffer places_;    ///< of the largest values in the last training pass
};

}  // namespace spectral
