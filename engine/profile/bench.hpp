// Levels of operations side by side: time, bandwidth, distance from the machine's ceiling, and how far apart
// the results are.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/core/memory_budget.hpp"
#include "engine/core/progress.hpp"
#include "engine/core/schema.hpp"
#include "engine/profile/ceiling.hpp"

namespace spectral {

struct BenchRequest {
    std::vector<std::string> ops;       ///< empty: all
    std::optional<int> level;           ///< none: all that a backend has
    std::vector<std::string> backends;  ///< empty: all usable ones
    Json sizes = Json::object();        ///< of the cases' inputs; each case takes the names that it knows
    double seconds_per_level = 0.2;     ///< of timing, at least
    bool fresh_ceiling = false;         ///< measured anew instead of remembered
    int threads = 0;                    ///< of the CPU backend; 0: one per core
};

struct BenchResult {
    std::string op, backend, shape, level_name;
    std::string change;  ///< what the level does differently from the one below
    int level = 0;
    double ms = 0;  ///< median of one call
    double gb_per_s = 0, gflop_per_s = 0;
    double percent_of_ceiling = 0;
    double speedup_over_level_1 = 0;  ///< over the lowest level where there is no level 1
    double max_abs_diff = 0;          ///< from the lowest level of the first backend
};

/// Throws Error on an unknown operation, level or backend, and on a size that no chosen operation has;
/// Cancelled.
std::vector<BenchResult> run_bench(const BenchRequest& request, MemoryBudget& budget,
                                   const Progress& progress = {});

Json to_json(const BenchResult& result);

}  // namespace spectral
