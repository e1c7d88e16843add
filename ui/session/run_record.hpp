// What the window knows about the run on show: every point for the charts, the newest evaluation, and a
// thinned series of pattern snapshots. Plain data; no thread and no widget.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/train/events.hpp"

namespace spectral::ui {

class RunRecord {
public:
    /// Of one kind; beyond, half of them are kept, evenly spread over the run: more than a chart can show,
    /// and quick to draw.
    static constexpr std::size_t kMaxPoints = 16384;
    static constexpr std::size_t kMaxSnapshots = 240;
    static constexpr std::size_t kMaxSnapshotBytes = std::size_t{128} << 20;

    using Snapshot = std::shared_ptr<const PatternSnapshot>;

    void clear() { *this = RunRecord(); }
    /// Appends what arrived. Points that begin at or before a step already recorded replace everything from
    /// there on (the run went back to an earlier state).
    void add(const Updates& updates);
    /// Ascending in step; thinned so that the kept ones stay evenly spread and the first and newest remain.
    void add_snapshot(Snapshot snapshot);

    const std::optional<RunInfo>& info() const { return info_; }
    /// What a token of the data is called; empty: they are no text.
    const std::string& token_unit() const { return info_ ? info_->token_unit : token_unit_; }
    /// Of a file, which has no info().
    void set_token_unit(std::string unit) { token_unit_ = std::move(unit); }
    /// Trained so far, the one under way by its share. The points of a file are where they are on average:
    /// what it says itself is exact, also once a run goes on from there.
    double epochs() const { return std::max(file_epochs_, steps_.empty() ? 0 : steps_.back().epoch); }
    /// Of a file that says it: its history knows steps alone.
    void set_epochs(double epochs) { file_epochs_ = epochs; }
    /// Files keep the history of a run and not what its evaluations looked at.
    bool from_file() const { return !info_ && !empty(); }
    const std::vector<StepPoint>& steps() const { return steps_; }
    const std::vector<EvaluationPoint>& evaluations() const { return evaluations_; }
    const std::vector<ThroughputPoint>& throughput() const { return throughput_; }
    const std::vector<Snapshot>& snapshots() const { return snapshots_; }
    const std::shared_ptr<const Evaluation>& evaluation() const { return evaluation_; }
    const std::optional<TextSample>& text() const { return text_; }
    /// What was last seen of the model's attention; null where nobody looked.
    const std::shared_ptr<const AttentionView>& attention() const { return attention_; }
    bool empty() const { return steps_.empty() && evaluations_.empty() && snapshots_.empty(); }
    /// How often points were taken back; a chart that appends starts over when it changes.
    std::int64_t revision() const { return revision_; }

private:
    void forget_from(std::int64_t step, double epoch);
    std::size_t snapshot_bytes() const;

    std::optional<RunInfo> info_;
    std::string token_unit_;
    double file_epochs_ = 0;
    std::vector<StepPoint> steps_;
    std::vector<EvaluationPoint> evaluations_;
    std::vector<ThroughputPoint> throughput_;
    std::vector<Snapshot> snapshots_;
    std::shared_ptr<const Evaluation> evaluation_;
    std::optional<TextSample> text_;
    std::shared_ptr<const AttentionView> attention_;
    std::int64_t revision_ = 0;
};

}  // namespace spectral::ui
