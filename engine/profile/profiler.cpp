#include "engine/profile/profiler.hpp"

#include <algorithm>

namespace spectral {

void Profiler::attach(Backend& backend) {
    detach();
    backend_ = &backend;
    // The hot path must not allocate.
    pending_.reserve(kMaxPending);
    open_.reserve(16);
    const std::lock_guard lock(mutex_);
    backend_name_ = backend.name();
    device_ = backend.device();
}

void Profiler::detach() {
    if (backend_ == nullptr) return;
    collect();
    backend_->set_observer(nullptr);
    backend_ = nullptr;
    watching_ = false;
    const std::lock_guard lock(mutex_);
    running_ = false;
}

void Profiler::reset() {
    const std::lock_guard lock(mutex_);
    totals_.clear();
    known_.clear();
    timings_.clear();
    spans_.clear();
    next_span_ = 0;
    steps_ = 0;
}

void Profiler::apply_wish() {
    if (backend_ == nullptr || wanted_.load(std::memory_order_relaxed) == watching_) return;
    watching_ = !watching_;
    backend_->set_observer(watching_ ? this : nullptr);
    const std::lock_guard lock(mutex_);
    running_ = watching_;
}

void Profiler::begin_step(std::int64_t step) {
    apply_wish();
    step_ = step;
    if (!watching_) return;
    if (pending_.size() > kPendingInCache) collect();
    const std::lock_guard lock(mutex_);
    ++steps_;
}

void Profiler::began(std::string_view op, Level level, const Cost& cost) noexcept {
    // A step with more operations than the buffer holds loses the last of them, not its speed.
    if (pending_.size() == pending_.capacity() || open_.size() == open_.capacity()) {
        ++lost_;
        return;
    }
    open_.push_back(pending_.size());
    pending_.push_back(
        {op, level, cost, static_cast<std::int32_t>(open_.size()) - 1, step_, backend_->mark(), {}});
}

void Profiler::ended() noexcept {
    if (lost_ > 0) {
        --lost_;
        return;
    }
    if (open_.empty()) return;
    pending_[open_.back()].end = backend_->mark();
    open_.pop_back();
}

Profiler::Totals& Profiler::totals_of(const Pending& each) {
    const auto known = std::ranges::find_if(
        known_, [&each](const Known& one) { return one.name == each.op.data() && one.level == each.level; });
    if (known != known_.end()) return *known->totals;
    const auto level = static_cast<int>(each.level);
    const auto [found, added] = totals_.try_emplace({std::string(each.op), level});
    Totals& totals = found->second;
    if (added) {
        totals.index = timings_.size();
        OpTiming timing;
        timing.op = each.op;
        timing.level = level;
        timing.level_name = level_name(each.level);
        timing.change = backend_->operations().change(each.op, each.level);
        timings_.push_back(std::move(timing));
    }
    known_.push_back({each.op.data(), each.level, &totals});
    return totals;
}

void Profiler::collect() {
    if (backend_ == nullptr || pending_.empty() || !open_.empty()) return;
    const std::lock_guard lock(mutex_);
    for (const Pending& each : pending_) {
        Totals& totals = totals_of(each);
        const std::int64_t start = backend_->nanoseconds(each.start);
        const std::int64_t duration = std::max<std::int64_t>(backend_->nanoseconds(each.end) - start, 0);
        totals.durations.add(duration);
        totals.total_ns += duration;
        if (each.depth == 0) totals.outermost_ns += duration;
        totals.bytes += each.cost.bytes;
        totals.flops += each.cost.flops;
        const OpSpan span{static_cast<std::int32_t>(totals.index), each.depth, each.step, start, duration};
        if (spans_.size() < kMaxSpans)
            spans_.push_back(span);
        else
            spans_[next_span_] = span;
        next_span_ = (next_span_ + 1) % kMaxSpans;
    }
    pending_.clear();
}

std::shared_ptr<const Profile> Profiler::profile(std::size_t max_spans) const {
    auto result = std::make_shared<Profile>();
    const std::lock_guard lock(mutex_);
    result->running = running_;
    result->backend = backend_name_;
    result->device = device_;
    result->timings = timings_;
    result->steps = steps_;
    std::int64_t outermost_ns = 0;
    for (const auto& [key, totals] : totals_) outermost_ns += totals.outermost_ns;
    for (const auto& [key, totals] : totals_) {
        OpTiming& timing = result->timings[totals.index];
        timing.calls = totals.durations.count();
        timing.total_ms = 1e-6 * static_cast<double>(totals.total_ns);
        timing.median_us = 1e-3 * totals.durations.quantile(0.5);
        timing.p95_us = 1e-3 * totals.durations.quantile(0.95);
        timing.bytes = totals.bytes;
        timing.flops = totals.flops;
        if (outermost_ns > 0)
            timing.share = static_cast<double>(totals.outermost_ns) / static_cast<double>(outermost_ns);
    }
    const std::size_t count = std::min(spans_.size(), max_spans);
    result->spans.reserve(count);
    const std::size_t first = spans_.size() < kMaxSpans ? 0 : next_span_;
    for (std::size_t i = spans_.size() - count; i < spans_.size(); ++i)
        result->spans.push_back(spans_[(first + i) % spans_.size()]);
    return result;
}

}  // namespace spectral
