// Measures attention by the size of its tiles, off the GUI thread.
#pragma once

#include <QObject>
#include <QString>
#include <atomic>
#include <memory>

#include "engine/profile/tile_sweep.hpp"
#include "ui/session/background.hpp"

namespace spectral::ui {

class TileProbe : public QObject {
    Q_OBJECT

public:
    explicit TileProbe(QObject* parent = nullptr);
    ~TileProbe() override;

    /// One at a time; ends in measured() or not, then in ended().
    void measure(const TileSweepRequest& request);
    void cancel() { cancelled_->store(true); }
    bool active() const { return active_; }

Q_SIGNALS:
    void progressed(double fraction, const QString& activity);
    void measured(const spectral::TileSweep& sweep);
    /// Over; `problem` is empty when it went well or was cancelled.
    void ended(const QString& problem, const QString& hint);

private:
    void end(const QString& problem, const QString& hint);

    std::shared_ptr<std::atomic<bool>> cancelled_ = std::make_shared<std::atomic<bool>>(false);
    bool active_ = false;
    Background background_;
};

}  // namespace spectral::ui
