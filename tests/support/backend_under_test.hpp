// The agreement tests are built once for each backend; this is the one that a test program tests.
#pragma once

#include <memory>

#include "kernels/backend.hpp"

namespace spectral::test {

/// `variant` 1, 2, 3: threads of the CPU backend; on an emulated device, how the order of its threads is
/// shuffled.
std::unique_ptr<Backend> open_tested(int variant);

}  // namespace spectral::test
