// Thinning: what stays of a series that grows for ever.
#include "engine/core/thin.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace spectral {
namespace {

TEST(Thin, EverySecondGoesAndTheNewestStays) {
    std::vector<int> odd{1, 2, 3, 4, 5}, even{1, 2, 3, 4}, none;
    halve(odd);
    halve(even);
    halve(none);
    EXPECT_EQ(odd, (std::vector<int>{1, 3, 5}));
    EXPECT_EQ(even, (std::vector<int>{2, 4}));
    EXPECT_TRUE(none.empty());
}

/// A run of many thousand steps, thinned whenever it has become too long: no part of it fades away.
TEST(Thin, ALongSeriesStaysEvenFromItsFirstValue) {
    constexpr std::size_t kMost = 1024;
    constexpr int kSteps = 200'000;
    std::vector<int> kept;
    for (int step = 1; step <= kSteps; ++step) {
        kept.push_back(step);
        if (kept.size() > kMost) thin_evenly(kept, [](int value) { return static_cast<double>(value); });
        ASSERT_EQ(kept.back(), step);
    }
    EXPECT_EQ(kept.front(), 1);
    EXPECT_LE(kept.size(), kMost);
    int widest = 0;
    for (std::size_t i = 1; i < kept.size(); ++i) {
        ASSERT_GT(kept[i], kept[i - 1]);
        widest = std::max(widest, kept[i] - kept[i - 1]);
    }
    EXPECT_LE(widest, 4 * kSteps / static_cast<int>(kMost / 2));
}

TEST(Thin, ValuesAtOnePlaceAreOneAndTheNewest) {
    std::vector<double> same(10, 3.0);
    thin_evenly(same, [](double value) { return value; });
    EXPECT_LE(same.size(), 2U);
    std::vector<double> two{1, 2};
    thin_evenly(two, [](double value) { return value; });
    EXPECT_EQ(two, (std::vector<double>{1, 2}));
}

}  // namespace
}  // namespace spectral
