// Handwritten-looking digits drawn by a simulated pen, so that the program has images to learn from without
// files.
#pragma once

#include <cstdint>

#include "engine/data/dataset.hpp"

namespace spectral {

struct StrokesOptions {
    std::int64_t train_samples = 12000;
    std::int64_t test_samples = 2000;
    std::uint64_t seed = 1;
    double noise = 0.05;  ///< standard deviation of the noise on each pixel; 1 is full ink
    int threads = 0;      ///< 0: one per core; the result does not depend on it
};

const Schema& strokes_schema();

/// 28 × 28 unsigned bytes, ten classes. Each sample depends on the seed, its set and its index alone. Throws
/// Error when the budget has no room, Cancelled when `progress` says so.
Dataset make_strokes(const StrokesOptions& options, MemoryBudget* budget = nullptr,
                     const Progress& progress = {});

Dataset load_strokes(const DatasetRequest& request);
DatasetShape strokes_shape(const Json& options);

}  // namespace spectral
