// The CUDA backend on a real device; without one every test is skipped and says so.
#include <gtest/gtest.h>

#include <cstdio>

#include "kernels/cuda/backend.hpp"
#include "tests/support/arrays.hpp"
#include "tests/support/backend_under_test.hpp"

namespace spectral::test {

std::unique_ptr<Backend> open_tested(int /*variant*/) { return std::make_unique<cuda::CudaBackend>(0); }

bool too_large_to_test(std::int64_t /*elements*/) { return false; }

namespace {

TEST(Device, MarksGiveTheTimeBetweenThem) {
    const auto backend = open_tested(1);
    const Mark first = backend->mark();
    Array<float> x(*backend, 1 << 20);
    const Mark second = backend->mark();
    EXPECT_GT(backend->nanoseconds(second), backend->nanoseconds(first));
}

TEST(Device, RunsOutOfMemoryAndGoesOn) {
    const auto backend = open_tested(1);
    EXPECT_THROW(backend->allocate(std::size_t{1} << 50), std::bad_alloc);
    Array<float> x(*backend, 100);
}

}  // namespace
}  // namespace spectral::test

int main(int argc, char** argv) {
    testing::InitGoogleTest(&argc, argv);
    if (GTEST_FLAG_GET(list_tests)) return RUN_ALL_TESTS();
    try {
        std::printf("device 0: %s\n", spectral::cuda::find_device(0).name.c_str());
    } catch (const spectral::Error& error) {
        std::printf("[  SKIPPED ] every test: %s\n", error.what());
        return 0;
    }
    return RUN_ALL_TESTS();
}
