// The kernels of a convolution as one picture: a tile for each, gaps that are not a number between them.
#pragma once

#include "engine/nn/pattern_snapshot.hpp"

namespace spectral {

/// `weights`, of the layer's parameter `parameter`: filters × channels × space of one to three axes. Of
/// kernels of one axis a row each. Others are tiles: filters of one plane lie in a square of them, others one
/// below the other with their planes (channels, and slices of a volume) beside each other. At most
/// kMostFilters filters of kMostPlanes planes.
PatternSnapshot::Matrix filter_montage(const std::string& layer, const std::string& parameter,
                                       const HostTensor& weights);

inline constexpr std::int64_t kMostFilters = 64, kMostPlanes = 16;

}  // namespace spectral
