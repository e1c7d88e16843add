// One-dimensional signals whose classes differ in their spectra alone: what a spectral model should do well.
#pragma once

#include <cstdint>

#include "engine/data/dataset.hpp"

namespace spectral {

struct TonesOptions {
    std::int64_t train_samples = 8000;
    std::int64_t test_samples = 2000;
    std::uint64_t seed = 1;
    std::int64_t length = 256;  ///< samples in a signal
    std::int64_t classes = 8;
    double noise = 0.5;  ///< standard deviation of the white noise; the chord's is about 1
    int threads = 0;     ///< 0: one per core; the result does not depend on it
};

const Schema& tones_schema();

/// `length` floats per signal. Each sample depends on the seed, its set and its index alone. Throws Error
/// when the budget has no room, Cancelled when `progress` says so.
Dataset make_tones(const TonesOptions& options, MemoryBudget* budget = nullptr,
                   const Progress& progress = {});

Dataset load_tones(const DatasetRequest& request);
DatasetShape tones_shape(const Json& options);

}  // namespace spectral
