// Definitions of the sparse operations, in double precision where numbers are rounded and with ordered maps
// and sorting where indices are chosen.
#pragma once

#include <complex>
#include <cstdint>
#include <map>
#include <vector>

#include "kernels/types.hpp"
#include "tests/support/definitions.hpp"

namespace spectral::definition {

using Sparse = std::map<std::uint32_t, std::complex<double>>;
using Indices = std::vector<std::uint32_t>;

/// The indices that a and b share.
Sparse sparse_multiply(const Sparse& a, const Sparse& b);

/// The indices that a or b has, exact zeros kept.
Sparse sparse_add(double alpha, const Sparse& a, double beta, const Sparse& b);

/// Rank of a magnitude: the float32 value of re·re + im·im rounded as fmaf(re, re, im·im), infinity above all
/// numbers and every NaN above infinity.
double magnitude_rank(Complex x);

/// Ascending indices with magnitude_rank(x) ≥ magnitude_rank(threshold).
Indices select_above(const std::vector<Complex>& x, float threshold);

/// Ascending indices of the longest beginning, in the order of falling rank and rising index, whose weights
/// sum to at most k; values of weight 0 are left out. `weight` empty: 1 each.
Indices top_k(const std::vector<Complex>& x, const std::vector<std::uint8_t>& weight, std::int64_t k);

/// √(Σ weight·|x|²); `weight` empty: 1 each.
double norm(const ComplexDoubles& x, const std::vector<std::uint8_t>& weight);

/// x / (norm(x) + ε).
ComplexDoubles normalise(ComplexDoubles x, const std::vector<std::uint8_t>& weight, double epsilon);

/// Per column of batch × size values.
struct BatchNorm {
    ComplexDoubles y, mean;
    Doubles variance;  ///< Σ|x − mean|²/batch
};
BatchNorm batch_norm(const ComplexDoubles& x, const Doubles& scale, const ComplexDoubles& shift,
                     double epsilon);

}  // namespace spectral::definition
