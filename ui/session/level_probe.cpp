#include "ui/session/level_probe.hpp"

#include <QMetaObject>
#include <utility>

namespace spectral::ui {

LevelProbe::LevelProbe(QObject* parent) : QObject(parent) {
    connect(&background_, &Background::failed, this, [this](const QString& what, const QString& hint) {
        active_ = false;
        Q_EMIT ended(what, hint);
    });
}

LevelProbe::~LevelProbe() { cancel(); }

void LevelProbe::compare(const std::string& op, const Json& sizes) {
    if (active_) return;
    active_ = true;
    cancelled_->store(false);
    background_.run(
        [this, op, sizes, stop = cancelled_]() -> Background::Ending {
            BenchRequest request;
            request.ops = {op};
            request.sizes = sizes;
            MemoryBudget budget;
            auto results = std::make_shared<std::vector<BenchResult>>(
                run_bench(request, budget, [&](std::string_view what, double fraction) {
                    QMetaObject::invokeMethod(
                        this,
                        [this, fraction, text = QString::fromUtf8(what.data(), qsizetype(what.size()))] {
                            Q_EMIT progressed(fraction, text);
                        },
                        Qt::QueuedConnection);
                    return !stop->load();
                }));
            return [this, results] {
                active_ = false;
                Q_EMIT compared(*results);
                Q_EMIT ended({}, {});
            };
        },
        [this] {
            active_ = false;
            Q_EMIT ended({}, {});
        });
}

void LevelProbe::find_ceiling(const std::string& backend, bool measure) {
    background_.run([this, backend, measure]() -> Background::Ending {
        const std::optional<Ceiling> ceiling = ceiling_of(backend, measure);
        if (!ceiling) return {};
        return [this, ceiling = *ceiling] { Q_EMIT ceilingKnown(ceiling); };
    });
}

}  // namespace spectral::ui
