// Every allocation, host and device, is counted here by tag, against one hard limit.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/error.hpp"
#include "engine/core/memory_timeline.hpp"
#include "kernels/available_memory.hpp"

namespace spectral {

enum class MemoryTag { parameters, gradients, optimiser, activations, data, plans, workspace };
std::string_view memory_tag_name(MemoryTag tag);

class MemoryBudget;

/// A budget's limit is reached: the machine may have more, so that raising the limit can help.
class SPECTRAL_VISIBLE OverLimit : public OutOfMemory {
public:
    using OutOfMemory::OutOfMemory;
};

/// Bytes taken from a budget, given back on destruction.
class Reservation {
public:
    Reservation() = default;
    Reservation(Reservation&& other) noexcept;
    Reservation& operator=(Reservation&& other) noexcept;
    ~Reservation();
    std::size_t bytes() const noexcept { return bytes_; }
    /// Takes more from the same budget, under the same name; without a budget it does nothing. Throws as
    /// MemoryBudget::reserve().
    void grow(std::size_t bytes);

private:
    friend class MemoryBudget;
    MemoryBudget* budget_ = nullptr;
    MemoryTag tag_ = MemoryTag::workspace;
    std::size_t bytes_ = 0;
    std::string holder_;
};

/// Who holds memory: all reservations of one name and tag together.
struct MemoryHolder {
    std::string name;
    MemoryTag tag = MemoryTag::workspace;
    std::size_t bytes = 0;
};

struct MemoryUsage {
    std::size_t current = 0, peak = 0, count = 0;
};

/// What a budget knows at one moment. Plain data.
struct MemorySnapshot {
    MemoryUsage total;
    std::array<MemoryUsage, kMemoryTagCount> by_tag;
    std::size_t limit = 0;
    std::vector<MemoryHolder> holders;  ///< largest first
    std::vector<MemoryPoint> timeline;  ///< ascending; nanoseconds since the budget was made or started over
    std::int64_t interval_ns = 0;       ///< to which the timeline is exact
    std::int64_t now_ns = 0;
};

/// Thread-safe. Outlives everything reserved from it.
class MemoryBudget {
public:
    static constexpr std::size_t kUnlimited = SIZE_MAX;

    explicit MemoryBudget(std::size_t limit_bytes = kUnlimited) : limit_(limit_bytes) {}

    /// `holder` names what the bytes are for ("pool", "train features"). Throws OverLimit naming the asker,
    /// the bytes asked for and the largest holders when the limit would be passed; nothing is taken then.
    Reservation reserve(MemoryTag tag, std::size_t bytes, std::string_view holder);
    /// For what is there already and cannot be refused any more: counted past the limit where it must be.
    Reservation count(MemoryTag tag, std::size_t bytes, std::string_view holder);

    MemoryUsage total() const;
    MemoryUsage usage(MemoryTag tag) const;
    std::size_t limit() const;
    /// May be set below what is in use: later reservations fail until enough is given back.
    void set_limit(std::size_t bytes);

    MemorySnapshot snapshot() const;
    /// Grows with every change that a snapshot would show.
    std::uint64_t revision() const;
    /// On the timeline's clock.
    std::int64_t elapsed_ns() const;
    /// Peaks and timeline begin anew, from what is held now.
    void start_over();

private:
    friend class Reservation;
    using Clock = std::chrono::steady_clock;

    Reservation take(MemoryTag tag, std::size_t bytes, std::string_view holder, bool even_past_limit);
    /// The rest with mutex_ held.
    void require_room(MemoryTag tag, std::size_t bytes, std::string_view holder) const;
    void add(Reservation& reservation, std::size_t bytes);
    void give_back(const Reservation& reservation) noexcept;
    void record() noexcept;
    std::int64_t now_ns() const;
    std::vector<MemoryHolder> holders() const;

    mutable std::mutex mutex_;
    std::size_t limit_;
    MemoryUsage total_;
    std::array<MemoryUsage, kMemoryTagCount> by_tag_{};
    std::array<std::map<std::string, std::size_t, std::less<>>, kMemoryTagCount> holders_;
    Clock::time_point start_ = Clock::now();
    MemoryTimeline timeline_;
    std::uint64_t revision_ = 0;
};

}  // namespace spectral
