// The learned matrices of a model file as one PNG.
#pragma once

#include <string>

#include "engine/io/model_file.hpp"

namespace spectral::app {

/// Every matrix of the file as a strip, signed values around white: blue below zero, red above. Throws Error.
void write_patterns_picture(const ModelFile& file, const std::string& path);

}  // namespace spectral::app
