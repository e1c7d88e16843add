#include "engine/core/memory_timeline.hpp"

#include <numeric>

namespace spectral {

std::size_t sum(const BytesByTag& bytes) {
    return std::accumulate(bytes.begin(), bytes.end(), std::size_t{0});
}

void MemoryTimeline::clear() noexcept {
    points_.clear();
    interval_ns_ = kFirstInterval_ns;
    open_ = 0;
}

std::size_t MemoryTimeline::place(std::size_t count, const MemoryPoint& point) noexcept {
    const bool same_interval =
        open_ < count && points_[open_].time_ns / interval_ns_ == point.time_ns / interval_ns_;
    if (!same_interval)
        open_ = count;
    else if (sum(point.bytes) >= sum(points_[open_].bytes))
        count = open_;  // it is both the highest and the last
    else if (count == open_ + 2)
        --count;
    points_[count] = point;
    return count + 1;
}

void MemoryTimeline::add(std::int64_t time_ns, const BytesByTag& bytes) noexcept {
    points_.emplace_back();
    points_.resize(place(points_.size() - 1, {time_ns, bytes}));
    while (points_.size() > kMaxPoints) {
        interval_ns_ *= 2;
        open_ = 0;
        std::size_t kept = 0;
        for (std::size_t i = 0; i < points_.size(); ++i) kept = place(kept, MemoryPoint(points_[i]));
        points_.resize(kept);
    }
}

}  // namespace spectral
