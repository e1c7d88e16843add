// Handwritten-looking digits drawn by a simulated pen, so that the program has images to learn from without
// files; and the frame that the generators share.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

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

/// Which random stream draws what, so that no two draws share one.
enum class StreamSet : std::uint64_t { train = 0, test = 1, train_labels = 2, test_labels = 3, classes = 4 };
constexpr std::uint64_t stream_id(StreamSet set, std::uint64_t index) {
    return static_cast<std::uint64_t>(set) << 48 | index;
}

/// train_samples, test_samples and data_seed, as all generators have them.
Schema generator_schema(std::int64_t train_samples, std::int64_t test_samples);

/// Labels in which every run of `classes` samples, counted from the first, holds each class once.
std::vector<std::int32_t> balanced_labels(std::int64_t count, std::int64_t classes, std::uint64_t seed,
                                          StreamSet set);

/// Calls make(i) once for each i in [0, count) on several threads. `progress` is called on this thread alone.
void generate(std::int64_t count, int threads, const std::function<void(std::int64_t)>& make,
              const Progress& progress, std::string_view what);

/// Throws Error when `count` samples of `sample_bytes` are more than a generated set may hold (4 GiB).
Reservation reserve_samples(MemoryBudget* budget, std::int64_t count, std::int64_t sample_bytes,
                            std::string_view holder);

}  // namespace spectral
