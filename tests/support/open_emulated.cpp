// The CUDA backend on the emulated device, for the agreement tests.
#include "kernels/cuda/backend.hpp"
#include "tests/cuda_on_cpu/control.hpp"
#include "tests/support/backend_under_test.hpp"

namespace spectral::test {

std::unique_ptr<Backend> open_tested(int variant) {
    cuda_on_cpu::set_seed(static_cast<unsigned>(variant));
    return std::make_unique<cuda::CudaBackend>(0);
}

bool too_large_to_test(std::int64_t elements) {
#ifdef __SANITIZE_THREAD__
    return elements > 1000;
#else
    return elements > 200'000;
#endif
}

}  // namespace spectral::test
