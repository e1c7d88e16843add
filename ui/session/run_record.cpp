#include "ui/session/run_record.hpp"

#include <algorithm>
#include <utility>

#include "engine/core/thin.hpp"

namespace spectral::ui {

void RunRecord::forget_from(std::int64_t step, double epoch) {
    if (steps_.empty() || step > steps_.back().step) return;
    std::erase_if(steps_, [=](const StepPoint& point) { return point.step >= step; });
    std::erase_if(evaluations_, [=](const EvaluationPoint& point) { return point.step >= step; });
    std::erase_if(throughput_, [=](const ThroughputPoint& point) { return point.epoch >= epoch; });
    std::erase_if(snapshots_, [=](const Snapshot& snapshot) { return snapshot->step >= step; });
    ++revision_;
}

void RunRecord::add(const Updates& updates) {
    if (updates.info) info_ = updates.info;
    // One batch of updates may itself hold a step back, so points are taken one at a time.
    for (const StepPoint& point : updates.steps) {
        forget_from(point.step, point.epoch);
        steps_.push_back(point);
    }
    for (const EvaluationPoint& point : updates.evaluations) {
        std::erase_if(evaluations_, [&](const EvaluationPoint& old) { return old.step >= point.step; });
        evaluations_.push_back(point);
    }
    throughput_.insert(throughput_.end(), updates.throughput.begin(), updates.throughput.end());
    const auto by_step = [](const auto& point) { return static_cast<double>(point.step); };
    if (steps_.size() > kMaxPoints) thin_evenly(steps_, by_step);
    if (evaluations_.size() > kMaxPoints) thin_evenly(evaluations_, by_step);
    if (throughput_.size() > kMaxPoints)
        thin_evenly(throughput_, [](const ThroughputPoint& point) { return point.epoch; });
    if (updates.text) text_ = updates.text;
    if (updates.attention) attention_ = updates.attention;
    if (updates.evaluation) evaluation_ = updates.evaluation;
    for (const Snapshot& snapshot : updates.patterns) add_snapshot(snapshot);
}

std::size_t RunRecord::snapshot_bytes() const {
    std::size_t bytes = 0;
    for (const Snapshot& snapshot : snapshots_) bytes += snapshot->bytes();
    return bytes;
}

void RunRecord::add_snapshot(Snapshot snapshot) {
    std::erase_if(snapshots_, [&](const Snapshot& old) { return old->step >= snapshot->step; });
    snapshots_.push_back(std::move(snapshot));
    std::size_t bytes = snapshot_bytes();
    while (snapshots_.size() > 2 && (snapshots_.size() > kMaxSnapshots || bytes > kMaxSnapshotBytes)) {
        // The one whose neighbours are closest together is missed least.
        std::size_t least = 1;
        std::int64_t least_gap = INT64_MAX;
        for (std::size_t i = 1; i + 1 < snapshots_.size(); ++i) {
            const std::int64_t gap = snapshots_[i + 1]->step - snapshots_[i - 1]->step;
            if (gap < least_gap) {
                least_gap = gap;
                least = i;
            }
        }
        bytes -= snapshots_[least]->bytes();
        snapshots_.erase(snapshots_.begin() + static_cast<std::ptrdiff_t>(least));
    }
}

}  // namespace spectral::ui
