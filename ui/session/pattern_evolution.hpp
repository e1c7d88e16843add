// A copy of a learned pattern that moves step by step, on a thread of its own.
#pragma once

#include <QObject>
#include <QString>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/spectral/pattern_dynamics.hpp"
#include "ui/session/latest_worker.hpp"

namespace spectral::ui {

enum class EvolutionTool { heat, evolution, ricci };

/// Those that the tool does not know mean nothing.
struct EvolutionSettings {
    EvolutionTool tool = EvolutionTool::heat;
    double rate = 0.1, stability = 1, time = 0.5;
    PlaneMetric metric;
};

/// Lives in the GUI thread and never waits there.
class PatternEvolution : public QObject {
    Q_OBJECT

public:
    /// Beyond, about half of them are kept, evenly spread.
    static constexpr std::size_t kMostPoints = 4096;
    struct Point {
        std::int64_t step = 0;
        PatternMeasures measures;
    };

    explicit PatternEvolution(QObject* parent = nullptr);
    ~PatternEvolution() override;

    /// Takes another pattern, at step 0, and measures it; moved() follows.
    void begin(HostTensor pattern);
    /// Forgets the pattern.
    void clear();
    /// One step more; moved() follows, or refused() and nothing has moved. Steps that were asked for while
    /// one is being done are done with the settings of the last of them.
    void step(const EvolutionSettings& settings);
    bool busy() const { return has_start() && (points_.empty() || asked_ > steps()); }

    bool has_start() const { return start_ != nullptr; }
    std::int64_t steps() const { return points_.empty() ? 0 : points_.back().step; }
    /// As it was taken, and as it is now; null: there is none, or it is not measured yet.
    std::shared_ptr<const HostTensor> start() const { return start_; }
    std::shared_ptr<const HostTensor> now() const { return now_; }
    const std::vector<Point>& points() const { return points_; }

Q_SIGNALS:
    void moved();
    /// `field` is the setting that cannot be, as PatternDynamics names it; empty where it is none of them.
    void refused(const QString& field, const QString& what);

private:
    struct State;
    struct Request;
    void submit(const EvolutionSettings& settings);
    static void work(const Request& request, const std::atomic<bool>& unwanted);
    void take(std::int64_t generation, Point point, std::shared_ptr<const HostTensor> pattern);
    void take_refusal(std::int64_t generation, const QString& field, const QString& what);

    std::shared_ptr<State> state_;  ///< the worker's own, between two requests nobody's
    std::int64_t generation_ = 0;   ///< of patterns taken
    std::int64_t asked_ = 0;        ///< steps of this one
    std::shared_ptr<const HostTensor> start_, now_;
    std::vector<Point> points_;
    LatestWorker worker_;  // last: what it does ends before the rest goes
};

}  // namespace spectral::ui
