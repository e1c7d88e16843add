// Runs the levels of one operation side by side, and measures what the machine can do at most.
#pragma once

#include <string>
#include <vector>

#include "engine/core/schema.hpp"
#include "engine/profile/bench.hpp"
#include "ui/session/probe.hpp"

namespace spectral::ui {

class LevelProbe : public Probe {
    Q_OBJECT

public:
    explicit LevelProbe(QObject* parent = nullptr);
    ~LevelProbe() override { cancel(); }  // before the wait for a ceiling

    /// Ends in compared() or not, then in ended().
    void compare(const std::string& op, const Json& sizes);
    /// From the cache, or measured when `measure` says so; ends in ceilingKnown(), ceilingFailed(), or
    /// in nothing when it is in no cache and was not to be measured.
    void find_ceiling(const std::string& backend, bool measure);

Q_SIGNALS:
    void compared(const std::vector<spectral::BenchResult>& results);
    void ceilingKnown(const spectral::Ceiling& ceiling);
    void ceilingFailed(const QString& problem, const QString& hint);

private:
    Background ceilings_;
};

}  // namespace spectral::ui
