// Small pictures of one size as one, gaps that are not a number between them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

#include "engine/core/tensor.hpp"

namespace spectral {

/// Rows and columns of tiles of height × width values.
class TileSheet {
public:
    TileSheet(std::int64_t rows, std::int64_t columns, std::int64_t height, std::int64_t width)
        : height_(height), width_(width) {
        picture_.shape = Shape{rows * (height + 1) - 1, columns * (width + 1) - 1};
        picture_.values.assign(static_cast<std::size_t>(picture_.shape.size()),
                               std::numeric_limits<float>::quiet_NaN());
    }

    void put(std::int64_t row, std::int64_t column, const float* tile) {
        for (std::int64_t y = 0; y < height_; ++y)
            std::copy_n(tile + y * width_, width_,
                        picture_.values.begin() + (row * (height_ + 1) + y) * picture_.shape[1] +
                            column * (width_ + 1));
    }
    HostTensor take() { return std::move(picture_); }

private:
    std::int64_t height_, width_;
    HostTensor picture_;
};

}  // namespace spectral
