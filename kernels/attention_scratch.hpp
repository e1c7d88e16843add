// Working memory of attention as the CPU backend lays it out.
#pragma once

#include <algorithm>

#include "kernels/ops/attention.hpp"

namespace spectral {

/// Keys whose scores are made before they are used: with as many queries, 16 KB of a first-level cache. Sums
/// over keys are made panel by panel, whatever the tile.
inline constexpr std::int64_t kPanelKeys = 64;

/// Queries of a block, at most; the widest vectors have so many in their registers.
inline constexpr std::int64_t kMostBlockQueries = 64;

inline std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// Floats of scratch that one thread needs: forward, of blocks of queries their columns, the sums of the
/// outputs, maxima and sums; scores; and keys and values where they do not lie together.
struct AttentionScratch {
    std::int64_t queries, keys, size;

    AttentionScratch(const AttentionShape& shape, const AttentionTile& tile)
        : queries(
              divide_up(std::max<std::int64_t>(std::min(tile.queries, shape.queries), 1), kMostBlockQueries) *
              kMostBlockQueries),
          keys(divide_up(std::max<std::int64_t>(std::min(tile.keys, shape.keys), 1), kPanelKeys) *
               kPanelKeys),
          size(shape.size) {}
    std::int64_t per_block(std::int64_t width) const { return 2 * width * (size + 1); }
    std::int64_t total() const {
        return padded_columns(queries * 2 * (size + 1) + (kPanelKeys + 1) * kMostBlockQueries +
                              2 * keys * size);
    }
};

/// Backward: of a block of queries q and dy, as columns and as rows, and dq; two panels; L and D. D of all
/// rows comes before.
inline std::int64_t attention_backward_scratch(const AttentionShape& shape) {
    const std::int64_t width = kMostBlockQueries;
    return width * (3 * shape.size + 2 * padded_columns(shape.size) + 2 * kPanelKeys + 2);
}
inline std::int64_t attention_backward_rows(const AttentionShape& shape) {
    return padded_columns(shape.rows());
}

}  // namespace spectral
