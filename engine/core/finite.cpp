#include "engine/core/finite.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

namespace spectral {

float largest_magnitude(std::span<const float> values) {
    // The bits of magnitudes order as they do, and those of what is not finite are the largest; as whole
    // numbers, so that the compiler makes vectors of it.
    constexpr std::uint32_t kMagnitude = 0x7FFFFFFF;
    std::uint32_t largest = 0;
    for (const float value : values)
        largest = std::max(largest, std::bit_cast<std::uint32_t>(value) & kMagnitude);
    return std::bit_cast<float>(largest);
}

std::optional<std::size_t> first_not_finite(std::span<const float> values) {
    if (std::isfinite(largest_magnitude(values))) return std::nullopt;
    const auto found = std::ranges::find_if(values, [](float value) { return !std::isfinite(value); });
    return static_cast<std::size_t>(found - values.begin());
}

}  // namespace spectral
