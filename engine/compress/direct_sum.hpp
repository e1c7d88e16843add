// A few values of a tensor out of its coefficients, axis by axis, without a transform of anything larger.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/compress/basis.hpp"

namespace spectral {

/// Of every axis of the basis's view the places wanted, each at most once: the values where they cross.
using Crossings = std::vector<std::vector<std::int64_t>>;

/// Complex multiplications of direct_sum() for so many coefficients, at most.
double direct_sum_cost(const Basis& basis, std::int64_t coefficients, const Crossings& wanted);

/// Bytes of its work, at most.
std::size_t direct_sum_bytes(const Basis& basis, std::int64_t coefficients, const Crossings& wanted);

/// The coefficients at `places` of the basis are `numbers` (parts() each), all others zero; the values are
/// row-major over the lists wanted. Axes are summed over one after another, from the one of which fewest
/// places are wanted: x[…,j,…] = Σ_k c[…,k,…]·e^{2πi·k·j/n}/√n, or the cosines of the DCT; what of a
/// half spectrum is not there is the real part's other half. In double. No random basis.
std::vector<float> direct_sum(const Basis& basis, std::span<const std::uint32_t> places,
                              std::span<const float> numbers, const Crossings& wanted);

}  // namespace spectral
