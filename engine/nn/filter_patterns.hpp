// Filters as pictures: in frequency and in space.
#pragma once

#include <vector>

#include "engine/nn/pattern_snapshot.hpp"
#include "kernels/ops/fft.hpp"

namespace spectral {

inline constexpr std::int64_t kMostShownFilters = 16;

/// `filters`: half spectra of filters for signals of that shape, count × bins × 2; `kernels`: the same in
/// space, count × size. Of signals with one axis a row for each filter; of those with more, sheets of tiles
/// with frequency 0 and the origin in their middle, along the last two axes (at 0 of the others).
std::vector<PatternSnapshot::Matrix> filter_patterns(const SignalShape& signal, const HostTensor& filters,
                                                     const HostTensor& kernels);

}  // namespace spectral
