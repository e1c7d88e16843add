#include "engine/nn/feature_maps.hpp"

#include "engine/core/error.hpp"

namespace spectral {

std::int64_t FeatureMaps::space_size() const {
    std::int64_t size = 1;
    for (int axis = 0; axis < rank; ++axis) size *= space[static_cast<std::size_t>(axis)];
    return size;
}

std::string FeatureMaps::text() const { return std::to_string(channels) + " × " + extents_text(rank, space); }

FeatureMaps pooled(const FeatureMaps& maps, const SpaceExtents& window, const SpaceExtents& stride) {
    FeatureMaps result = maps;
    result.space = PoolShape{maps.rank, maps.channels, maps.space, window, stride}.output();
    require(result.size() > 0, "pooling", "a window is larger than the maps it pools");
    return result;
}

}  // namespace spectral
