#include "engine/core/memory_budget.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace spectral {

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

void Reservation::grow(std::size_t bytes) {
    if (budget_ == nullptr) return;
    const std::lock_guard lock(budget_->mutex_);
    budget_->require_room(tag_, bytes, holder_);
    budget_->add(*this, bytes);
}

void MemoryBudget::require_room(MemoryTag tag, std::size_t bytes, std::string_view holder) const {
    // Nothing is always there: a reservation that is to grow begins so.
    if (bytes == 0 || (bytes <= limit_ && total_.current <= limit_ - bytes)) return;
    const auto mib = [](std::size_t count) { return static_cast<double>(count) / 0x1p20; };
    std::string largest;
    const std::vector<MemoryHolder> all = holders();
    for (std::size_t i = 0; i < std::min<std::size_t>(3, all.size()); ++i)
        largest += fmt::format("{}{} {:.1f} MiB", i == 0 ? "; largest holders: " : ", ", all[i].name,
                               mib(all[i].bytes));
    throw OverLimit(fmt::format("{} ({})", holder, memory_tag_name(tag)),
                    fmt::format("{:.1f} MiB asked for with {:.1f} MiB of the {:.1f} MiB limit in use{}",
                                mib(bytes), mib(total_.current), mib(limit_), largest),
                    "lower the batch size or the number of samples, or raise the memory limit");
}

void MemoryBudget::add(Reservation& reservation, std::size_t bytes) {
    const auto tag = static_cast<std::size_t>(reservation.tag_);
    holders_[tag].try_emplace(reservation.holder_, 0).first->second += bytes;
    for (MemoryUsage* usage : {&total_, &by_tag_[tag]}) {
        usage->current += bytes;
        usage->peak = std::max(usage->peak, usage->current);
    }
    reservation.bytes_ += bytes;
    record();
}

Reservation MemoryBudget::take(MemoryTag tag, std::size_t bytes, std::string_view holder,
                               bool even_past_limit) {
    Reservation reservation;
    reservation.tag_ = tag;
    reservation.holder_ = holder;
    const std::lock_guard lock(mutex_);
    if (!even_past_limit) require_room(tag, bytes, holder);
    add(reservation, bytes);
    ++total_.count;
    ++by_tag_[static_cast<std::size_t>(tag)].count;
    reservation.budget_ = this;
    return reservation;
}

Reservation MemoryBudget::reserve(MemoryTag tag, std::size_t bytes, std::string_view holder) {
    return take(tag, bytes, holder, false);
}

Reservation MemoryBudget::count(MemoryTag tag, std::size_t bytes, std::string_view holder) {
    return take(tag, bytes, holder, true);
}

void MemoryBudget::give_back(const Reservation& reservation) noexcept {
    const std::lock_guard lock(mutex_);
    const auto tag = static_cast<std::size_t>(reservation.tag_);
    for (MemoryUsage* usage : {&total_, &by_tag_[tag]}) {
        usage->current -= reservation.bytes_;
        usage->count -= 1;
    }
    const auto holder = holders_[tag].find(reservation.holder_);
    if (holder != holders_[tag].end()) {
        holder->second -= reservation.bytes_;
        if (holder->second == 0) holders_[tag].erase(holder);
    }
    record();
}

void MemoryBudget::record() noexcept {
    BytesByTag bytes;
    for (std::size_t tag = 0; tag < kMemoryTagCount; ++tag) bytes[tag] = by_tag_[tag].current;
    timeline_.add(now_ns(), bytes);
    ++revision_;
}

std::int64_t MemoryBudget::now_ns() const {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start_).count();
}

std::vector<MemoryHolder> MemoryBudget::holders() const {
    std::vector<MemoryHolder> result;
    for (std::size_t tag = 0; tag < kMemoryTagCount; ++tag)
        for (const auto& [name, bytes] : holders_[tag])
            if (bytes > 0) result.push_back({name, static_cast<MemoryTag>(tag), bytes});
    std::ranges::stable_sort(result, std::greater<>{}, &MemoryHolder::bytes);
    return result;
}

MemoryUsage MemoryBudget::total() const {
    const std::lock_guard lock(mutex_);
    return total_;
}

MemoryUsage MemoryBudget::usage(MemoryTag tag) const {
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
    ++revision_;
}

MemorySnapshot MemoryBudget::snapshot() const {
    const std::lock_guard lock(mutex_);
    return {total_, by_tag_, limit_, holders(), timeline_.points(), timeline_.interval_ns(), now_ns()};
}

std::uint64_t MemoryBudget::revision() const {
    const std::lock_guard lock(mutex_);
    return revision_;
}

std::int64_t MemoryBudget::elapsed_ns() const {
    const std::lock_guard lock(mutex_);
    return now_ns();
}

void MemoryBudget::start_over() {
    const std::lock_guard lock(mutex_);
    for (MemoryUsage& usage : by_tag_) usage.peak = usage.current;
    total_.peak = total_.current;
    timeline_.clear();
    start_ = Clock::now();
    record();
}

}  // namespace spectral
