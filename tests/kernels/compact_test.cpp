// What the compactions of the CUDA backend are made of, where no operation that tests can afford reaches it.
#include "kernels/cuda/compact.cuh"

#include <gtest/gtest.h>

#include <span>
#include <vector>

#include "tests/support/arrays.hpp"
#include "tests/support/backend_under_test.hpp"

namespace spectral::test {
namespace {

TEST(RunningSums, OfMoreCountsThanABlockTakesAtOnce) {
    constexpr std::int64_t kSize = 20'011, kStride = 20'020;
    std::vector<std::int64_t> counts(3 * kStride, -1), expected = counts;
    std::int64_t sum = 0, total = 0;
    for (std::int64_t i = 0; i < 3 * kStride; ++i) {
        if (i % kStride == 0) sum = 0;
        if (i % kStride >= kSize) continue;
        counts[static_cast<std::size_t>(i)] = i % 7;
        expected[static_cast<std::size_t>(i)] = sum;
        sum += i % 7;
        if (i < kStride) total = sum;
    }
    for (const int variant : {1, 2, 3}) {
        const auto backend = open_tested(variant);
        Array<std::int64_t> sums(*backend, std::span<const std::int64_t>(counts)), first_total(*backend, 1);
        cuda::exclusive_sums(cuda::as_cuda(*backend), kSize, sums.data(), first_total.data(), 3, kStride);
        EXPECT_EQ(sums.host(), expected);
        EXPECT_EQ(first_total.host()[0], total);
    }
}

}  // namespace
}  // namespace spectral::test
