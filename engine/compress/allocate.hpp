// Which method and rate each tensor gets, so that all of them together stay within a number of bytes at the
// least damage: Lagrangian rate–distortion (Shoham & Gersho 1988, "Efficient bit allocation for an arbitrary
// set of quantizers").
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace spectral {

/// One way to store a tensor.
struct OperatingPoint {
    std::size_t choice = 0;  ///< whatever tells the caller what it stands for
    std::size_t bytes = 0;
    double damage = 0;
};

/// Of the points those that some price of a byte makes the best: ascending bytes, falling damage, each byte
/// bringing less than the one before.
std::vector<OperatingPoint> lower_hull(std::vector<OperatingPoint> points);

/// For every tensor the index of a point of its hull, all at about the same price of a byte, so that the
/// bytes together are at most `budget`: up to the first step that does not fit. Nothing where even the
/// smallest points are more. `hulls` hold at least one point each.
std::optional<std::vector<std::size_t>> allocate(const std::vector<std::vector<OperatingPoint>>& hulls,
                                                 std::size_t budget);

}  // namespace spectral
