// Every allocation, host and device, is counted here by tag, against one hard limit.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace spectral {

enum class MemoryTag { parameters, gradients, optimiser, activations, data, plans, workspace };
inline constexpr std::size_t kMemoryTagCount = 7;
std::string_view memory_tag_name(MemoryTag tag);

/// Bytes that the machine can give without swapping, as the system estimates; SIZE_MAX where it does not
/// tell.
std::size_t available_memory();

class MemoryBudget;

/// Bytes taken from a budget, given back on destruction.
class Reservation {
public:
    Reservation() = default;
    Reservation(Reservation&& other) noexcept;
    Reservation& operator=(Reservation&& other) noexcept;
    ~Reservation();
    std::size_t bytes() const noexcept { return bytes_; }

private:
    friend class MemoryBudget;
    MemoryBudget* budget_ = nullptr;
    MemoryTag tag_ = MemoryTag::workspace;
    std::size_t bytes_ = 0;
    std::string holder_;
};

/// Thread-safe. Outlives everything reserved from it.
class MemoryBudget {
public:
    static constexpr std::size_t kUnlimited = SIZE_MAX;

    struct Usage {
        std::size_t current = 0, peak = 0, count = 0;
    };

    explicit MemoryBudget(std::size_t limit_bytes = kUnlimited) : limit_(limit_bytes) {}

    /// `holder` names what the bytes are for ("pool", "train features"). Throws Error naming the asker, the
    /// bytes asked for and the largest holders when the limit would be passed; nothing is taken then.
    Reservation reserve(MemoryTag tag, std::size_t bytes, std::string_view holder);

    Usage total() const;
    Usage usage(MemoryTag tag) const;
    std::size_t limit() const;
    /// May be set below what is in use: later reservations fail until enough is given back.
    void set_limit(std::size_t bytes);

private:
    friend class Reservation;
    void give_back(const Reservation& reservation) noexcept;
    std::string largest_holders() const;

    mutable std::mutex mutex_;
    std::size_t limit_;
    Usage total_;
    std::array<Usage, kMemoryTagCount> by_tag_{};
    std::map<std::string, std::size_t, std::less<>> holders_;
};

}  // namespace spectral
