#include "ui/session/tile_probe.hpp"

#include <memory>

namespace spectral::ui {

void TileProbe::measure(const TileSweepRequest& request) {
    start([this, request](const Progress& progress) -> Background::Ending {
        MemoryBudget budget(available_memory());
        const auto sweep = std::make_shared<TileSweep>(sweep_tiles(request, budget, progress));
        return [this, sweep] { Q_EMIT measured(*sweep); };
    });
}

}  // namespace spectral::ui
