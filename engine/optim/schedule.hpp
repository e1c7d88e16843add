// How the learning rate moves through a run.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace spectral {

/// "constant" and "cosine" (Loshchilov & Hutter 2017, without restarts).
const std::vector<std::string>& schedule_names();

/// What the learning rate is multiplied by when the share `progress` of a run is done: 1 at 0; constant: 1,
/// cosine: ½(1 + cos π·progress). Above 1 as at 1. Throws Error on an unknown name.
double schedule_factor(std::string_view schedule, double progress);

}  // namespace spectral
