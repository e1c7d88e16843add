#include "ui/session/tile_probe.hpp"

#include <QMetaObject>

#include "ui/session/progress_pace.hpp"

namespace spectral::ui {

TileProbe::TileProbe(QObject* parent) : QObject(parent) {
    connect(&background_, &Background::failed, this, &TileProbe::end);
}

TileProbe::~TileProbe() { cancel(); }

void TileProbe::end(const QString& problem, const QString& hint) {
    active_ = false;
    Q_EMIT ended(problem, hint);
}

void TileProbe::measure(const TileSweepRequest& request) {
    if (active_) return;
    active_ = true;
    cancelled_->store(false);
    background_.run(
        [this, request, stop = cancelled_]() -> Background::Ending {
            MemoryBudget budget(available_memory());
            ProgressPace pace;
            auto sweep = std::make_shared<TileSweep>(
                sweep_tiles(request, budget, [&](std::string_view what, double fraction) {
                    if (pace.is_due(what))
                        QMetaObject::invokeMethod(
                            this,
                            [this, fraction, text = QString::fromUtf8(what.data(), qsizetype(what.size()))] {
                                Q_EMIT progressed(fraction, text);
                            },
                            Qt::QueuedConnection);
                    return !stop->load();
                }));
            return [this, sweep] {
                Q_EMIT measured(*sweep);
                end({}, {});
            };
        },
        [this] { end({}, {}); });
}

}  // namespace spectral::ui
