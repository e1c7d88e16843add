// What the machine has left.
#pragma once

#include <cstddef>

namespace spectral {

/// Bytes that the machine can give without swapping, as the system estimates; SIZE_MAX where it does not
/// tell.
std::size_t available_memory();

}  // namespace spectral
