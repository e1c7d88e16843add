// Trade-off curves as one SVG.
#pragma once

#include <string>
#include <vector>

#include "engine/compress/tradeoff.hpp"

namespace spectral::app {

/// A panel of relative error, and one of accuracy where there is some, over the ratio (logarithmic). Nulls
/// are dashed grey.
std::string curves_svg(const std::string& title, const std::vector<Curve>& curves);

}  // namespace spectral::app
