// Pixels of three colours as samples: planes of red, green and blue, or one of grey.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/core/memory_budget.hpp"
#include "engine/core/schema.hpp"
#include "engine/data/dataset.hpp"
#include "kernels/ops/fft.hpp"

namespace spectral {

/// "colour": rgb or grey.
Field colour_field();
bool is_grey(const Json& options);

/// 3 × height × width, or height × width.
SignalShape picture_shape(bool grey, std::int64_t height, std::int64_t width);

/// Room for `count` pictures of bytes 0 to 255, which become (byte/255 − mean)/deviation, and their labels.
/// Throws as reserve_samples().
Samples picture_samples(MemoryBudget* budget, const SignalShape& shape, std::size_t count, float mean,
                        float deviation, std::string_view holder);

/// ITU-R BT.601's luma of a pixel, rounded: 0.299 R + 0.587 G + 0.114 B.
constexpr std::uint8_t luma(std::uint8_t red, std::uint8_t green, std::uint8_t blue) {
    return static_cast<std::uint8_t>((299 * red + 587 * green + 114 * blue + 500) / 1000);
}

}  // namespace spectral
