// Samples of convolutional layers: channels × space, of one to three axes, one behind the other in a row.
#pragma once

#include <cstdint>
#include <string>

#include "kernels/ops/convolution.hpp"
#include "kernels/ops/pooling.hpp"

namespace spectral {

using SpaceExtents = ConvolutionShape::Extents;

struct FeatureMaps {
    std::int64_t channels = 1;
    int rank = 2;
    SpaceExtents space{1, 1, 1};  ///< extents [0..rank)

    std::int64_t space_size() const;
    std::int64_t size() const { return channels * space_size(); }
    std::string text() const;  ///< "16 × 28 × 28"
    bool operator==(const FeatureMaps&) const = default;
};

/// What remains of maps after windows: throws Error where an axis has fewer values than a window.
FeatureMaps pooled(const FeatureMaps& maps, const SpaceExtents& window, const SpaceExtents& stride);

}  // namespace spectral
