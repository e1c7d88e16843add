// JPEG through libjpeg-turbo.
#pragma once

#include <cstdint>
#include <span>

#include "engine/io/png.hpp"

namespace spectral {

/// As read_png(). What libjpeg would only warn of, such as missing data that it fills with grey, is an error
/// here.
Picture read_jpeg(std::span<const std::uint8_t> bytes, const MakePicture& make);

}  // namespace spectral
