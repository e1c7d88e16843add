// Complex values reduced to one, in an order fixed by the size alone: every block of kBlockSize values, then
// the blocks in their order. Results stay in device memory; an infinite or NaN value makes them infinite or
// NaN.
#pragma once

#include "kernels/ops/blocks.hpp"
#include "kernels/types.hpp"

namespace spectral {

/// *y = Σ weight[i]·|x[i]|², squares and sum in double. `weight` null: 1 each; for a half spectrum as in
/// TopK. `scratch`: scratch_size(size) values.
struct ComplexEnergy {
    static constexpr std::string_view name = "complex_energy";
    std::int64_t size = 0;
    const Complex* x = nullptr;
    const std::uint8_t* weight = nullptr;
    double* y = nullptr;
    double* scratch = nullptr;
    static constexpr std::int64_t scratch_size(std::int64_t size) { return block_count(size); }
    Cost cost() const;
};

/// *y = Σ x[i] in double. `scratch`: scratch_size(size) values.
struct ComplexSum {
    static constexpr std::string_view name = "complex_sum";
    std::int64_t size = 0;
    const Complex* x = nullptr;
    std::complex<double>* y = nullptr;
    std::complex<double>* scratch = nullptr;
    static constexpr std::int64_t scratch_size(std::int64_t size) { return block_count(size); }
    Cost cost() const;
};

struct Peak {
    float magnitude = 0;
    std::int64_t index = -1;  ///< −1: there is no value
};

/// The value with the largest energy_key, of equal ones the lowest index: the first NaN if there is one.
/// magnitude = √energy in float32. size ≤ 2^32. `scratch`: scratch_size(size) values.
struct PeakMagnitude {
    static constexpr std::string_view name = "peak_magnitude";
    std::int64_t size = 0;
    const Complex* x = nullptr;
    Peak* y = nullptr;
    std::uint64_t* scratch = nullptr;
    static constexpr std::int64_t scratch_size(std::int64_t size) { return block_count(size); }
    Cost cost() const;
};

}  // namespace spectral
