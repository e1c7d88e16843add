// How many features and classes an experiment has, before it runs.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/data/dataset.hpp"
#include "engine/train/config.hpp"

namespace spectral::ui {

struct DataShape {
    SignalShape features;
    std::int64_t classes = 0;
};

/// For data sets that are generated. Nothing for a data set read from files, for options that do not fit, and
/// for features that do not fit the signals.
std::optional<DataShape> probe_shape(const ExperimentConfig& config);

/// "auto" replaced by what the model prefers.
std::string resolved_features(const ExperimentConfig& config);

}  // namespace spectral::ui
