#include "engine/core/memory_budget.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <utility>
#include <vector>

#include "engine/core/error.hpp"

namespace spectral {

std::size_t available_memory() {
    std::ifstream info("/proc/meminfo");
    for (std::string name, unit; info >> name;) {
        std::size_t kibibytes = 0;
        if (!(info >> kibibytes)) break;
        std::getline(info, unit);
        if (name == "MemAvailable:") return kibibytes << 10;
    }
    return SIZE_MAX;
}

std::string_view memory_tag_name(MemoryTag tag) {
    static constexpr std::array<std::string_view, kMemoryTagCount> kNames{
        "parameters", "gradients", "optimiser", "activations", "data", "plans", "workspace"};
    return kNames[static_cast<std::size_t>(tag)];
}

Reservation::Reservation(Reservation&& other) noexcept { *this = std::move(other); }

Reservation& Reservation::operator=(Reservation&& other) noexcept {
    if (this == &other) return *this;
    if (budget_) budget_->give_back(*this);
    budget_ = std::exchange(other.budget_, nullptr);
    tag_ = other.tag_;
    bytes_ = std::exchange(other.bytes_, 0);
    holder_ = std::move(other.holder_);
    return *this;
}

Reservation::~Reservation() {
    if (budget_) budget_->give_back(*this);
}

Reservation MemoryBudget::reserve(MemoryTag tag, std::size_t bytes, std::string_view holder) {
    Reservation reservation;
    reservation.tag_ = tag;
    reservation.holder_ = holder;
    const std::lock_guard lock(mutex_);
    if (bytes > limit_ || total_.current > limit_ - bytes)
        throw Error(
            fmt::format("{} ({})", holder, memory_tag_name(tag)),
            fmt::format("{:.1f} MiB asked for with {:.1f} MiB of the {:.1f} MiB limit in use{}",
                        static_cast<double>(bytes) / 0x1p20, static_cast<double>(total_.current) / 0x1p20,
                        static_cast<double>(limit_) / 0x1p20, largest_holders()),
            "lower the batch size or the number of samples, or raise the memory limit");
    holders_.try_emplace(reservation.holder_, 0).first->second += bytes;
    for (Usage* usage : {&total_, &by_tag_[static_cast<std::size_t>(tag)]}) {
        usage->current += bytes;
        usage->peak = std::max(usage->peak, usage->current);
        usage->count += 1;
    }
    reservation.budget_ = this;
    reservation.bytes_ = bytes;
    return reservation;
}

void MemoryBudget::give_back(const Reservation& reservation) noexcept {
    const std::lock_guard lock(mutex_);
    for (Usage* usage : {&total_, &by_tag_[static_cast<std::size_t>(reservation.tag_)]}) {
        usage->current -= reservation.bytes_;
        usage->count -= 1;
    }
    const auto holder = holders_.find(reservation.holder_);
    if (holder == holders_.end()) return;
    holder->second -= reservation.bytes_;
    if (holder->second == 0) holders_.erase(holder);
}

std::string MemoryBudget::largest_holders() const {
    std::vector<std::pair<std::size_t, std::string_view>> sizes;
    for (const auto& [name, bytes] : holders_) sizes.emplace_back(bytes, name);
    std::ranges::sort(sizes, std::greater<>{});
    std::string text;
    for (std::size_t i = 0; i < std::min<std::size_t>(3, sizes.size()); ++i)
        text += fmt::format("{}{} {:.1f} MiB", i == 0 ? "; largest holders: " : ", ", sizes[i].second,
                            static_cast<double>(sizes[i].first) / 0x1p20);
    return text;
}

MemoryBudget::Usage MemoryBudget::total() const {
    const std::lock_guard lock(mutex_);
    return total_;
}

MemoryBudget::Usage MemoryBudget::usage(MemoryTag tag) const {
    const std::lock_guard lock(mutex_);
    return by_tag_[static_cast<std::size_t>(tag)];
}

std::size_t MemoryBudget::limit() const {
    const std::lock_guard lock(mutex_);
    return limit_;
}

void MemoryBudget::set_limit(std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    limit_ = bytes;
}

}  // namespace spectral
