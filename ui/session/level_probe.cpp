#include "ui/session/level_probe.hpp"

#include <memory>
#include <optional>

namespace spectral::ui {

LevelProbe::LevelProbe(QObject* parent) : Probe(parent) {
    connect(&ceilings_, &Background::failed, this, &LevelProbe::ceilingFailed);
}

void LevelProbe::compare(const std::string& op, const Json& sizes) {
    start([this, op, sizes](const Progress& progress) -> Background::Ending {
        BenchRequest request;
        request.ops = {op};
        request.sizes = sizes;
        MemoryBudget budget;
        const auto results = std::make_shared<std::vector<BenchResult>>(run_bench(request, budget, progress));
        return [this, results] { Q_EMIT compared(*results); };
    });
}

void LevelProbe::find_ceiling(const std::string& backend, bool measure) {
    ceilings_.run([this, backend, measure]() -> Background::Ending {
        const std::optional<Ceiling> ceiling = ceiling_of(backend, measure);
        if (!ceiling) return {};
        return [this, ceiling = *ceiling] { Q_EMIT ceilingKnown(ceiling); };
    });
}

}  // namespace spectral::ui
