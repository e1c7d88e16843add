#include "ui/session/probe.hpp"

#include <QMetaObject>
#include <string_view>
#include <utility>

#include "ui/session/progress_pace.hpp"

namespace spectral::ui {

Probe::Probe(QObject* parent) : QObject(parent) {
    connect(&background_, &Background::failed, this, &Probe::end);
}

Probe::~Probe() { cancel(); }

void Probe::end(const QString& problem, const QString& hint) {
    active_ = false;
    Q_EMIT ended(problem, hint);
}

void Probe::start(Measuring measuring) {
    if (active_) return;
    active_ = true;
    cancelled_->store(false);
    background_.run(
        [this, measuring = std::move(measuring), stop = cancelled_]() -> Background::Ending {
            ProgressPace pace;
            Background::Ending then = measuring([&](std::string_view what, double fraction) {
                if (pace.is_due(what))
                    QMetaObject::invokeMethod(
                        this,
                        [this, fraction, text = QString::fromUtf8(what.data(), qsizetype(what.size()))] {
                            Q_EMIT progressed(fraction, text);
                        },
                        Qt::QueuedConnection);
                return !stop->load();
            });
            return [this, then = std::move(then)] {
                then();
                end({}, {});
            };
        },
        [this] { end({}, {}); });
}

}  // namespace spectral::ui
