#include "engine/compress/allocate.hpp"

#include <algorithm>
#include <queue>
#include <tuple>
#include <utility>

namespace spectral {

namespace {

/// Damage that a byte takes away between two points.
double gain(const OperatingPoint& from, const OperatingPoint& to) {
    return (from.damage - to.damage) / static_cast<double>(to.bytes - from.bytes);
}

}  // namespace

std::vector<OperatingPoint> lower_hull(std::vector<OperatingPoint> points) {
    std::ranges::stable_sort(points, [](const OperatingPoint& a, const OperatingPoint& b) {
        return std::tie(a.bytes, a.damage) < std::tie(b.bytes, b.damage);
    });
    std::vector<OperatingPoint> hull;
    for (const OperatingPoint& point : points) {
        if (!hull.empty() && (point.damage >= hull.back().damage || point.bytes == hull.back().bytes))
            continue;
        while (hull.size() >= 2 && gain(hull[hull.size() - 2], hull.back()) <= gain(hull.back(), point))
            hull.pop_back();
        hull.push_back(point);
    }
    return hull;
}

std::optional<std::vector<std::size_t>> allocate(const std::vector<std::vector<OperatingPoint>>& hulls,
                                                 std::size_t budget) {
    std::vector<std::size_t> chosen(hulls.size(), 0);
    std::size_t bytes = 0;
    for (const auto& hull : hulls) bytes += hull.front().bytes;
    if (bytes > budget) return std::nullopt;
    // The step that takes away the most damage for a byte; of equals that of the first tensor.
    using Step = std::pair<double, std::size_t>;
    const auto worse = [](const Step& a, const Step& b) {
        return a.first != b.first ? a.first < b.first : a.second > b.second;
    };
    std::priority_queue<Step, std::vector<Step>, decltype(worse)> steps(worse);
    const auto offer = [&](std::size_t tensor) {
        const auto& hull = hulls[tensor];
        const std::size_t at = chosen[tensor];
        if (at + 1 < hull.size()) steps.emplace(gain(hull[at], hull[at + 1]), tensor);
    };
    for (std::size_t tensor = 0; tensor < hulls.size(); ++tensor) offer(tensor);
    while (!steps.empty()) {
        const std::size_t tensor = steps.top().second;
        steps.pop();
        const std::size_t more =
            hulls[tensor][chosen[tensor] + 1].bytes - hulls[tensor][chosen[tensor]].bytes;
        // Steps that bring less a byte must not take what a part of this one brings more for.
        if (more > budget - bytes) break;
        bytes += more;
        ++chosen[tensor];
        offer(tensor);
    }
    return chosen;
}

}  // namespace spectral
