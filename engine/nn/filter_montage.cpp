#include "engine/nn/filter_montage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/nn/tile_sheet.hpp"

namespace spectral {

PatternSnapshot::Matrix filter_montage(const std::string& layer, const std::string& parameter,
                                       const HostTensor& weights) {
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
    TileSheet sheet(square ? (shown + columns - 1) / columns : shown, columns, height, width);
    PatternOrigin origin{parameter, height, width, columns, 1};
    for (std::int64_t filter = 0; filter < shown; ++filter) {
        for (std::int64_t plane = 0; plane < beside; ++plane) {
            const std::int64_t first = (filter * planes + plane) * height * width;
            sheet.put(square ? filter / columns : filter, square ? filter % columns : plane,
                      weights.values.data() + first);
            origin.first.push_back(first);
        }
    }
    const std::string size = rank > 1 ? fmt::format("{} × {}", height, width) : fmt::format("{}", width);
    return {
        "filters",
        fmt::format("{}: {}{} filters of {}{}", layer, shown < filters ? fmt::format("{} of ", shown) : "",
                    filters, size, beside > 1 ? fmt::format(", {} planes each", planes) : ""),
        "row",
        "column",
        sheet.take(),
        std::move(origin)};
}

}  // namespace spectral
