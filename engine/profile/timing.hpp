// How calls on a backend are timed.
#pragma once

#include <functional>

#include "kernels/backend.hpp"

namespace spectral {

inline constexpr int kTimingSamples = 9;

/// Median seconds of one call, over `samples` measurements or more, `seconds` long together at least; of a
/// call that takes a second, and as long as `seconds`, its only time.
/// `heed`, where there is one, is called between them; what it throws ends the measurement.
double time_call(Backend& backend, const std::function<void()>& call, double seconds,
                 int samples = kTimingSamples, const std::function<void()>& heed = {});

}  // namespace spectral
