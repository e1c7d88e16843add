// The CPU backend, for the agreement tests.
#include "tests/support/backend_under_test.hpp"

namespace spectral::test {

std::unique_ptr<Backend> open_tested(int variant) { return open_backend("cpu", variant); }

bool too_large_to_test(std::int64_t /*elements*/) { return false; }

}  // namespace spectral::test
