// Whether numbers are numbers.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

namespace spectral {

/// 0 of none; not finite where one of the values is not.
float largest_magnitude(std::span<const float> values);

/// Where the first value that is infinite or not a number stands; nothing where all are finite.
std::optional<std::size_t> first_not_finite(std::span<const float> values);

inline bool all_finite(std::span<const float> values) { return !first_not_finite(values); }

}  // namespace spectral
