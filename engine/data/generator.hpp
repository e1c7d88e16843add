// What the generated data sets share: options, random streams, labels, and the work split over threads.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "engine/core/progress.hpp"
#include "engine/core/schema.hpp"

namespace spectral {

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

}  // namespace spectral
