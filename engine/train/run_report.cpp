// What a run tells while it goes on: its mailbox, and the pace at which it is filled.
#include <algorithm>
#include <utility>

#include "engine/core/error.hpp"
#include "engine/core/thin.hpp"
#include "engine/train/attention_view.hpp"
#include "engine/train/run.hpp"

namespace spectral {

namespace {

constexpr std::chrono::milliseconds kSnapshotInterval(200);
constexpr double kSnapshotShare = 0.005, kSnapshotGrowth = 1.1;
constexpr std::size_t kMaxWaitingSnapshots = 64, kMaxWaitingBytes = std::size_t{32} << 20;
constexpr double kThroughputSeconds = 0.02;  ///< of training, per point; every epoch ends with one too
constexpr std::int64_t kTextLength = 240;

/// Where nobody takes them, every second one goes; the newest stays.
void add_snapshot(std::vector<std::shared_ptr<const PatternSnapshot>>& waiting,
                  std::shared_ptr<const PatternSnapshot> snapshot) {
    std::erase_if(waiting, [&](const auto& old) { return old->step >= snapshot->step; });
    waiting.push_back(std::move(snapshot));
    const auto bytes = [&] {
        std::size_t sum = 0;
        for (const auto& each : waiting) sum += each->bytes();
        return sum;
    };
    while (waiting.size() > 1 && (waiting.size() > kMaxWaitingSnapshots || bytes() > kMaxWaitingBytes))
        halve(waiting);
}

}  // namespace

Updates TrainingRun::take_updates() {
    const std::lock_guard lock(mailbox_mutex_);
    mailbox_filled_ = false;
    return std::exchange(mailbox_, {});
}

bool TrainingRun::wait_for_updates(std::chrono::milliseconds timeout) {
    std::unique_lock lock(mailbox_mutex_);
    return mailbox_changed_.wait_for(lock, timeout, [this] { return mailbox_filled_; });
}

void TrainingRun::set_state(RunState state, std::string message, std::string hint,
                            const std::function<void(Updates&)>& with_it) {
    state_ = state;
    post([&](Updates& updates) {
        updates.state = state;
        updates.message = std::move(message);
        updates.hint = std::move(hint);
        updates.activity.clear();
        if (with_it) with_it(updates);
    });
}

/// Somebody who gives a command is not kept waiting: that text is left out.
void TrainingRun::show_text(Trainer& trainer) {
    if (last_text_step_ == trainer.step_count()) return;
    last_text_step_ = trainer.step_count();
    try {
        const auto heed = [this](std::string_view, double) { return !commands_waiting_.load(); };
        if (auto sample = trainer.write_text(kTextLength, heed))
            post([&](Updates& updates) { updates.text = std::move(sample); });
    } catch (const Cancelled&) {
    } catch (const OutOfMemory&) {
        // As with pictures: what the run itself needs says so when it is short.
    }
}

void TrainingRun::show_attention(Trainer& trainer) {
    if (!attention_) return;
    auto view = std::make_shared<AttentionView>(trainer.attention(*attention_));
    count_maps(*view, options_.workspace);
    post([&](Updates& updates) { updates.attention = std::move(view); });
}

/// Densely at first, when most is learned, then ever further apart in steps but not in time; never so often
/// that taking them costs more than kSnapshotShare.
bool TrainingRun::snapshot_due(const Trainer& trainer) const {
    const Clock::duration since = Clock::now() - last_snapshot_;
    if (since * kSnapshotShare < snapshot_cost_) return false;
    return since >= kSnapshotInterval || static_cast<double>(trainer.step_count()) >=
                                             kSnapshotGrowth * static_cast<double>(last_snapshot_step_);
}

void TrainingRun::flush(Trainer& trainer, bool with_patterns) {
    std::shared_ptr<const PatternSnapshot> patterns;
    if (with_patterns) {
        const Clock::time_point start = Clock::now();
        try {
            patterns = std::make_shared<const PatternSnapshot>(PatternSnapshot{
                trainer.step_count(), trainer.epoch(), trainer.patterns(), trainer.syntony()});
        } catch (const OutOfMemory&) {
            // One picture less is no reason to stand still; what the run itself needs says so when it is
            // short.
        }
        show_attention(trainer);
        last_snapshot_ = Clock::now();
        last_snapshot_step_ = trainer.step_count();
        snapshot_cost_ = last_snapshot_ - start;
    }
    if (options_.profiler) options_.profiler->collect();
    std::vector<PlanInfo> plans = trainer.plans();
    const bool plans_changed = plans != plans_;
    plans_ = std::move(plans);
    post([&](Updates& updates) {
        updates.steps.insert(updates.steps.end(), pending_steps_.begin(), pending_steps_.end());
        if (throughput_seconds_ >= kThroughputSeconds) report_throughput(trainer, updates);
        if (patterns) add_snapshot(updates.patterns, patterns);
        if (plans_changed) updates.plans = plans_;
    });
    pending_steps_.clear();
    last_flush_ = Clock::now();
}

void TrainingRun::report_throughput(const Trainer& trainer, Updates& updates) {
    if (throughput_seconds_ <= 0) return;
    updates.throughput.push_back(
        {trainer.epoch(), static_cast<double>(throughput_samples_) / throughput_seconds_});
    throughput_seconds_ = 0;
    throughput_samples_ = 0;
}

}  // namespace spectral
