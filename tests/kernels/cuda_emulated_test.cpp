// The CUDA backend on the emulated device: what it does beyond its operations.
#include <gtest/gtest.h>

#include "kernels/cuda/backend.hpp"
#include "tests/cuda_on_cpu/control.hpp"
#include "tests/support/backend_under_test.hpp"

namespace spectral::test {

std::unique_ptr<Backend> open_tested(int variant) {
    cuda_on_cpu::set_seed(static_cast<unsigned>(variant));
    return std::make_unique<cuda::CudaBackend>(0);
}

namespace {}  // namespace
}  // namespace spectral::test
