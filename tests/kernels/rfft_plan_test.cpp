// Plans of the transform in shared memory.
#include "kernels/cuda/rfft_plan.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace spectral::cuda {
namespace {

constexpr std::size_t kShared = std::size_t{227} << 10;  ///< of a block on an H100

std::vector<int> radices(std::int64_t samples) {
    const RfftPlan plan = rfft_plan(samples, kShared);
    std::vector<int> result;
    result.reserve(RfftPlan::kMostPasses);
    for (int p = 0; p < plan.passes; ++p) result.push_back(plan.pass[p].radix);
    return result;
}

TEST(RfftPlan, BeginsWithAnOddRadixAndGoesOnWithEvenOnes) {
    EXPECT_EQ(radices(784), (std::vector{7, 8, 7}));
    EXPECT_EQ(radices(1000), (std::vector{5, 4, 5, 5}));
    EXPECT_EQ(radices(4096), (std::vector{8, 8, 8, 4}));
    EXPECT_EQ(radices(256), (std::vector{8, 4, 4}));
    EXPECT_EQ(radices(105), (std::vector{7, 5, 3}));
    EXPECT_EQ(radices(2187), std::vector(7, 3));
    EXPECT_EQ(radices(26), (std::vector{13}));
    EXPECT_EQ(radices(2), (std::vector{1}));
    EXPECT_EQ(radices(1), (std::vector{1}));
}

TEST(RfftPlan, ThereIsNoneForOtherPrimesAndLongRows) {
    for (const std::int64_t samples : {0, 17, 34, 97, 361, 1 << 15, 1 << 20})
        EXPECT_TRUE(radices(samples).empty()) << samples;
    EXPECT_TRUE(radices(std::int64_t{1} << 40).empty());
    EXPECT_EQ(rfft_plan(8192, std::size_t{48} << 10).passes, 0);
    EXPECT_EQ(rfft_plan(8192, kShared).passes, 4);
}

TEST(RfftPlan, RowsFillABlock) {
    const RfftPlan plan = rfft_plan(784, kShared);
    EXPECT_TRUE(plan.packed);
    EXPECT_FALSE(plan.padded);
    EXPECT_EQ(plan.points, 392);
    EXPECT_EQ(plan.rows, 4);
    EXPECT_EQ(plan.threads, 4 * 56);
    EXPECT_EQ(plan.shared_bytes, 8U * (392 + 197 + 2 * 4 * 392));
    EXPECT_TRUE(rfft_plan(1024, kShared).padded);
}

TEST(RfftPlan, StaysWithinItsLimits) {
    for (const std::size_t shared_bytes : {std::size_t{48} << 10, std::size_t{64} << 10, kShared}) {
        for (std::int64_t samples = 1; samples <= 20'000; ++samples) {
            const RfftPlan plan = rfft_plan(samples, shared_bytes);
            if (plan.passes == 0) continue;
            int points = 1;
            for (int p = 0; p < plan.passes; ++p) {
                EXPECT_EQ(plan.pass[p].by_before.value, static_cast<unsigned>(points));
                points *= plan.pass[p].radix;
                EXPECT_EQ(plan.pass[p].by_butterflies.value,
                          static_cast<unsigned>(plan.points / plan.pass[p].radix));
            }
            ASSERT_EQ(points, plan.points);
            ASSERT_EQ(plan.samples, samples);
            ASSERT_EQ(plan.points, samples % 2 == 0 ? samples / 2 : samples);
            ASSERT_GE(plan.rows, 1);
            ASSERT_LE(plan.rows * plan.points, 1 << 15);
            ASSERT_LE(plan.shared_bytes, shared_bytes);
            ASSERT_EQ(plan.threads % 32, 0);
            ASSERT_GE(plan.threads, 32);
            ASSERT_LE(plan.threads, RfftPlan::kMostThreads);
        }
    }
}

TEST(RfftPlan, DivisorsAreExact) {
    for (std::uint32_t value = 1; value < 10'000; value = value * 5 / 4 + 1) {
        const Divisor by = divisor(static_cast<int>(value));
        for (std::uint32_t i = 0; i < 1 << 15; ++i)
            ASSERT_EQ((std::uint64_t{i} * by.reciprocal) >> 31, i / value) << i << " / " << value;
    }
}

}  // namespace
}  // namespace spectral::cuda
