// How many features and classes an experiment has, before it runs.
#pragma once

#include <optional>
#include <string>

#include "engine/train/config.hpp"
#include "engine/train/file_model.hpp"

namespace spectral::ui {

/// For data sets that are generated. Nothing for a data set read from files, for options that do not fit, and
/// for features that do not fit the signals.
std::optional<NetworkSides> probe_sides(const ExperimentConfig& config);

/// "auto" replaced by what the model prefers.
std::string resolved_features(const ExperimentConfig& config);

}  // namespace spectral::ui
