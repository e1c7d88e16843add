// PNG and JPEG pictures, told by how they begin.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "engine/core/memory_budget.hpp"
#include "engine/io/png.hpp"

namespace spectral {

/// Most pixels of a picture from outside; more come from a damaged file, or one made to fill the memory.
inline constexpr std::int64_t kImageMaximumPixels = std::int64_t{1} << 26;

bool is_image_name(std::string_view name);  ///< by its ending: png, jpg, jpeg

/// 8-bit RGB, row by row; what is transparent becomes black, and how a camera was held is not heeded. Size
/// and `budget`, of which it takes `room`, are checked before the pixels are allocated. Throws Error, whose
/// why() says what is wrong: neither PNG nor JPEG, damaged, truncated, too large, CMYK.
Picture read_image(std::span<const std::uint8_t> bytes, MemoryBudget& budget, Reservation& room);

/// The middle square of `picture` brought to side × side by a triangle as wide as the pixels it makes:
///   y[i] = Σ_n x[n] w((i + ½) s − ½ − n) / Σ_n w(…),   w(t) = max(0, 1 − |t| / max(1, s)),   s = square /
///   side,
/// along columns, then rows, then rounded.
Picture fitted(const Picture& picture, std::int64_t side);
/// What that takes on the way.
std::size_t fitting_bytes(const Picture& picture, std::int64_t side);

}  // namespace spectral
