// How memory was used over time: a step function by tag, thinned so that a run of any length stays bounded.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace spectral {

inline constexpr std::size_t kMemoryTagCount = 7;

/// Bytes by MemoryTag.
using BytesByTag = std::array<std::size_t, kMemoryTagCount>;
std::size_t sum(const BytesByTag& bytes);

/// What is held from `time_ns` until the next point.
struct MemoryPoint {
    std::int64_t time_ns = 0;
    BytesByTag bytes{};
    bool operator==(const MemoryPoint&) const = default;
};

/// Of all changes within one interval the highest and the last are kept; when there are too many points, the
/// intervals double. So no peak is lost, and a place in time is exact to one interval.
class MemoryTimeline {
public:
    static constexpr std::size_t kMaxPoints = 2048;
    static constexpr std::int64_t kFirstInterval_ns = 1'000'000;

    /// All room is taken here, so that add() takes none.
    MemoryTimeline() { points_.reserve(kMaxPoints + 1); }

    /// `time_ns` does not decrease.
    void add(std::int64_t time_ns, const BytesByTag& bytes) noexcept;
    void clear() noexcept;
    /// Ascending in time.
    const std::vector<MemoryPoint>& points() const { return points_; }
    std::int64_t interval_ns() const { return interval_ns_; }

private:
    /// Puts `point` behind the first `count` points; returns how many stand there then.
    std::size_t place(std::size_t count, const MemoryPoint& point) noexcept;

    std::vector<MemoryPoint> points_;
    std::int64_t interval_ns_ = kFirstInterval_ns;
    std::size_t open_ = 0;  ///< where the points of the newest interval begin
};

}  // namespace spectral
