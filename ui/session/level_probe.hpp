// Runs the levels of one operation side by side, and measures what the machine can do at most.
#pragma once

#include <QObject>
#include <QString>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "engine/core/schema.hpp"
#include "engine/profile/bench.hpp"
#include "ui/session/background.hpp"

namespace spectral::ui {

class LevelProbe : public QObject {
    Q_OBJECT

public:
    explicit LevelProbe(QObject* parent = nullptr);
    ~LevelProbe() override;

    /// One at a time; ends in compared() or ended().
    void compare(const std::string& op, const Json& sizes);
    /// From the cache, or measured when `measure` says so; ends in ceilingKnown(), or in nothing when it is
    /// in no cache and was not to be measured.
    void find_ceiling(const std::string& backend, bool measure);
    void cancel() { cancelled_->store(true); }
    bool active() const { return active_; }

Q_SIGNALS:
    void progressed(double fraction, const QString& activity);
    void compared(const std::vector<spectral::BenchResult>& results);
    void ceilingKnown(const spectral::Ceiling& ceiling);
    /// Over; `problem` is empty when it went well or was cancelled.
    void ended(const QString& problem, const QString& hint);

private:
    std::shared_ptr<std::atomic<bool>> cancelled_ = std::make_shared<std::atomic<bool>>(false);
    bool active_ = false;
    Background background_;
};

}  // namespace spectral::ui
