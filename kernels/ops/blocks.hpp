// How operations that reduce or compact cut their input: into blocks of a fixed size, so that the result
// depends neither on the number of threads nor on a grid.
#pragma once

#include <algorithm>

#include "kernels/types.hpp"

namespace spectral {

inline constexpr std::int64_t kBlockSize = 4096;

/// Blocks that `size` values fill, the last one perhaps in part.
constexpr std::int64_t block_count(std::int64_t size) { return (size + kBlockSize - 1) / kBlockSize; }

/// At most so many contiguous parts work on one compaction at a time where parts are threads.
inline constexpr std::int64_t kMaxParts = 64;

/// Parts worth their own state: one for every 2^18 values, at least one.
constexpr std::int64_t part_count(std::int64_t size) {
    return std::clamp<std::int64_t>((size + (1 << 18) - 1) >> 18, 1, kMaxParts);
}

/// Values of scratch that order-preserving compaction of `size` values needs: a count for every block or
/// every part, whichever are more, and the total.
constexpr std::int64_t compaction_scratch_size(std::int64_t size) {
    return std::max(block_count(size), part_count(size)) + 1;
}

}  // namespace spectral
