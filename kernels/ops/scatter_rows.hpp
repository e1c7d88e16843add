// Rows added to a matrix by index: the gradient of rows that were gathered from it.
#pragma once

#include "kernels/types.hpp"

namespace spectral {

/// y[rows[b],:] += x[b,:] over `columns` floats, b ascending for every row of y, except where rows[b] is
/// `left_out` (−1: nowhere). Both matrices lie together; x: batch × columns.
struct ScatterAddRows {
    static constexpr std::string_view name = "scatter_add_rows";
    std::int64_t batch = 0, columns = 0, left_out = -1;
    const float* x = nullptr;
    const std::uint32_t* rows = nullptr;
    float* y = nullptr;
    Cost cost() const;
};

}  // namespace spectral
