// Rows or columns of a matrix collected by index.
#pragma once

#include "kernels/types.hpp"

namespace spectral {

/// y[b,:] = x[rows[b],:] over `columns` floats; rows of x are x_stride apart, rows of y are y_stride apart.
/// `rows` null: rows 0, 1, ….
struct GatherRows {
    static constexpr std::string_view name = "gather_rows";
    std::int64_t batch = 0, columns = 0;
    const float* x = nullptr;
    std::int64_t x_stride = 0;
    const std::uint32_t* rows = nullptr;
    float* y = nullptr;
    std::int64_t y_stride = 0;
    Cost cost() const;
};

/// y[b,i] = x[b,columns[i]];  rows of x are x_stride apart, y: batch × count, apart from x.
struct GatherColumns {
    static constexpr std::string_view name = "gather_columns";
    std::int64_t batch = 0, count = 0;
    const float* x = nullptr;
    std::int64_t x_stride = 0;
    const std::uint32_t* columns = nullptr;
    float* y = nullptr;
    Cost cost() const;
};

}  // namespace spectral
