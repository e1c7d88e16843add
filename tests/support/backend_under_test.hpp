// The agreement tests are built once for each backend; this is the one that a test program tests.
#pragma once

#include <cstdint>
#include <memory>

#include "kernels/backend.hpp"

namespace spectral::test {

/// `variant` 1, 2, 3: threads of the CPU backend; on an emulated device, how the order of its threads is
/// shuffled.
std::unique_ptr<Backend> open_tested(int variant);

/// Whether `elements` are more than this build gets through in a test: emulated threads are slow, and under
/// ThreadSanitizer very slow.
bool too_large_to_test(std::int64_t elements);

}  // namespace spectral::test
