// Where a model file came from: program, backend, libraries.
#pragma once

#include "engine/io/model_file.hpp"
#include "kernels/backend.hpp"

namespace spectral {

Provenance provenance_of(const Backend& backend);

}  // namespace spectral
