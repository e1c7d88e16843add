// Orders of a matrix's rows and columns in which neighbours are alike, so that its spectrum is concentrated
// at low frequencies.
#pragma once

#include "engine/compress/matrix_order.hpp"
#include "engine/core/memory_budget.hpp"
#include "engine/core/progress.hpp"

namespace spectral {

/// What may be put in another order.
struct OrderSides {
    bool rows = false, columns = false;
    bool operator==(const OrderSides&) const = default;
};

/// Longer sides stay as they are: to order them takes minutes.
inline constexpr std::int64_t kLongestOrdered = 1024;

/// Of the matrix (first axis × all others). A side is ordered by the Fiedler vector of its rows' similarities
/// max(0, cos) (Atkins, Boman & Hendrickson 1998), or along a chain from one end of that order to the nearest
/// row left; whichever has the smaller Σ‖rᵢ − rᵢ₊₁‖². A side that is at its smoothest as it is stays so.
/// Throws OutOfMemory as the budget does, and Cancelled when `progress` says so.
MatrixOrder find_order(const HostTensor& dense, OrderSides sides, MemoryBudget& budget,
                       const Progress& progress);

}  // namespace spectral
