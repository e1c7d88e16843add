// The program's exception type, for everything above the kernels.
#pragma once

#include "kernels/error.hpp"

namespace spectral {

/// Thrown when the user cancelled long work; not a failure.
struct Cancelled : std::runtime_error {
    Cancelled() : std::runtime_error("cancelled") {}
};

}  // namespace spectral
