// Attention in tiles of every size: the time and the memory that each takes, for the same result.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/core/memory_budget.hpp"
#include "engine/core/progress.hpp"
#include "engine/core/schema.hpp"
#include "engine/nn/tiled_attention.hpp"

namespace spectral {

/// Causal attention, forward.
struct TileSweepRequest {
    std::int64_t sequence = 2048, batch = 4, heads = 8, head_size = 64;
    std::string backend = "auto";
    int threads = 0;                 ///< of the CPU backend; 0: one per core
    double seconds_per_tile = 0.05;  ///< of timing, at least
};

struct TilePoint {
    AttentionTile tile;
    double ms = 0;               ///< median of one call
    std::size_t work_bytes = 0;  ///< AttentionPlan::work_bytes(): beside queries, keys, values and results
    double max_abs_diff = 0;     ///< from the result of the first tile
    bool chosen = false;         ///< by optimize_tiling()
};

struct TileSweep {
    TileSweepRequest request;
    std::string backend;
    std::vector<TilePoint> points;  ///< ascending in keys, then queries
};

/// The tiles that are tried: powers of two of queries from 16 to 1,024, as far as the sequence needs them, by
/// 64 and by 256 keys, and `chosen`.
std::vector<AttentionTile> tiles_to_sweep(std::int64_t sequence, const AttentionTile& chosen);

/// What is measured in host and device memory is in `budget`. Throws BadValue that names the size where one
/// is not positive, a head has more than kMaxHeadSize values, or one call would take more than some two
/// seconds, for it is stopped only between calls; OutOfMemory;
/// Cancelled.
TileSweep sweep_tiles(const TileSweepRequest& request, MemoryBudget& budget, const Progress& progress = {});

Json to_json(const TileSweep& sweep);

}  // namespace spectral
