// One measurement at a time, off the GUI thread.
#pragma once

#include <QObject>
#include <QString>
#include <atomic>
#include <functional>
#include <memory>

#include "engine/core/progress.hpp"
#include "ui/session/background.hpp"

namespace spectral::ui {

class Probe : public QObject {
    Q_OBJECT

public:
    explicit Probe(QObject* parent = nullptr);
    ~Probe() override;

    void cancel() { cancelled_->store(true); }
    bool active() const { return active_; }

Q_SIGNALS:
    void progressed(double fraction, const QString& activity);
    /// Over; `problem` is empty when it went well or was cancelled.
    void ended(const QString& problem, const QString& hint);

protected:
    using Measuring = std::function<Background::Ending(const Progress& progress)>;

    /// Nothing while another is under way. What `measuring` returns is run in the GUI thread, just before
    /// ended().
    void start(Measuring measuring);

private:
    void end(const QString& problem, const QString& hint);

    std::shared_ptr<std::atomic<bool>> cancelled_ = std::make_shared<std::atomic<bool>>(false);
    bool active_ = false;
    Background background_;
};

}  // namespace spectral::ui
