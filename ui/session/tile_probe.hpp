// Measures attention by the size of its tiles, off the GUI thread.
#pragma once

#include "engine/profile/tile_sweep.hpp"
#include "ui/session/probe.hpp"

namespace spectral::ui {

class TileProbe : public Probe {
    Q_OBJECT

public:
    using Probe::Probe;

    /// Ends in measured() or not, then in ended().
    void measure(const TileSweepRequest& request);

Q_SIGNALS:
    void measured(const spectral::TileSweep& sweep);
};

}  // namespace spectral::ui
