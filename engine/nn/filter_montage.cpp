#include "engine/nn/filter_montage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace spectral {

namespace {

/// Tiles of height × width in a grid, a line of pixels between them.
class Grid {
public:
    Grid(std::int64_t rows, std::int64_t columns, std::int64_t height, std::int64_t width)
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

}  // namespace

PatternSnapshot::Matrix filter_montage(const std::string& layer, const HostTensor& weights) {
    const Shape& shape = weights.shape;
    const int rank = shape.rank() - 2;
    const std::int64_t filters = shape[0], width = shape[shape.rank() - 1],
                       height = rank > 1 ? shape[shape.rank() - 2] : 1,
                       planes = shape.size() / filters / height / width;
    const std::int64_t shown = std::min(filters, kMostFilters), beside = std::min(planes, kMostPlanes);
    const std::int64_t columns =
        beside > 1 ? beside
        : rank > 1 ? static_cast<std::int64_t>(std::ceil(std::sqrt(static_cast<double>(shown))))
                   : 1;
    const bool square = beside == 1;
    Grid grid(square ? (shown + columns - 1) / columns : shown, columns, height, width);
    for (std::int64_t filter = 0; filter < shown; ++filter)
        for (std::int64_t plane = 0; plane < beside; ++plane)
            grid.put(square ? filter / columns : filter, square ? filter % columns : plane,
                     weights.values.data() + (filter * planes + plane) * height * width);
    const std::string size = rank > 1 ? fmt::format("{} × {}", height, width) : fmt::format("{}", width);
    return {
        "filters",
        fmt::format("{}: {}{} filters of {}{}", layer, shown < filters ? fmt::format("{} of ", shown) : "",
                    filters, size, beside > 1 ? fmt::format(", {} planes each", planes) : ""),
        "row", "column", grid.take()};
}

}  // namespace spectral
