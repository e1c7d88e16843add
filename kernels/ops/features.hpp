// What is done to features once, before training: logarithm, moments of every column, standardisation.
#pragma once

#include "kernels/types.hpp"

namespace spectral {

/// y[i] = log(1 + x[i]);  x[i] > −1; x and y may be the same.
struct Log1p {
    static constexpr std::string_view name = "log1p";
    std::int64_t size = 0;
    const float* x = nullptr;
    float* y = nullptr;
    Cost cost() const;
};

/// mean[f] = Σ_b x[b,f] / batch,  deviation[f] = √(Σ_b (x[b,f] − mean[f])² / batch), summed in double
/// precision; rows of x are x_stride apart, `rows` picks them (null: rows 0, 1, …). An empty batch gives
/// zeros.
struct ColumnMoments {
    static constexpr std::string_view name = "column_moments";
    std::int64_t batch = 0, columns = 0;
    const float* x = nullptr;
    std::int64_t x_stride = 0;
    const std::uint32_t* rows = nullptr;
    float* mean = nullptr;
    float* deviation = nullptr;
    Cost cost() const;
};

/// x[b,f] = (x[b,f] − mean[f]) / deviation[f] in place; 0 where the deviation is 0.
struct Standardise {
    static constexpr std::string_view name = "standardise";
    std::int64_t batch = 0, columns = 0;
    float* x = nullptr;
    std::int64_t x_stride = 0;
    const float* mean = nullptr;
    const float* deviation = nullptr;
    Cost cost() const;
};

}  // namespace spectral
