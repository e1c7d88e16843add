// Extents of one to three axes as those of three.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

namespace spectral::cpu {

using ThreeExtents = std::array<std::int64_t, 3>;

/// The missing ones in front.
template <class From>
ThreeExtents three(int rank, const From& extents, std::int64_t missing) {
    ThreeExtents result;
    result.fill(missing);
    std::copy_n(extents.begin(), rank, result.end() - rank);
    return result;
}

}  // namespace spectral::cpu
