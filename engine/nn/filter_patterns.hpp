// Filters as pictures: in frequency and in space.
#pragma once

#include <string>
#include <vector>

#include "engine/core/tensor.hpp"
#include "engine/nn/pattern_snapshot.hpp"
#include "kernels/ops/fft.hpp"

namespace spectral {

inline constexpr std::int64_t kMostShownFilters = 16;

/// The filters are those of a `parameter`, one every `apart` of its values; `filters`: half spectra of
/// filters for signals of that shape, count × bins × 2; `kernels`: the same in space, count × size. Of
/// signals with one axis a row for each filter; of those with more, sheets of tiles with frequency 0 and the
/// origin in their middle, along the last two axes (at 0 of the others).
std::vector<PatternSnapshot::Matrix> filter_patterns(const SignalShape& signal, const std::string& parameter,
                                                     std::int64_t apart, const HostTensor& filters,
                                                     const HostTensor& kernels);

/// The half spectrum, real and imaginary parts, of a kernel of one or two axes as filter_patterns() shows it
/// in space. What no real kernel has, as an imaginary part at frequency 0, a filter loses on the way here and
/// back.
std::vector<float> spectrum_of_shown(Device device, const HostTensor& kernel);

}  // namespace spectral
