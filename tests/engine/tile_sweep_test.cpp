// Attention by the size of its tiles: which are tried, what they take, that all give the same; no times.
#include "engine/profile/tile_sweep.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "engine/core/error.hpp"
#include "engine/profile/difference.hpp"

namespace spectral::test {
namespace {

constexpr std::size_t kValues = 2 * 3 * 200 * 16;

TileSweepRequest small() {
    return {.sequence = 200,
            .batch = 2,
            .heads = 3,
            .head_size = 16,
            .backend = "cpu",
            .threads = 2,
            .seconds_per_tile = 1e-4};
}

TEST(TileSweep, EveryTileGivesTheSameInMemoryThatIsExact) {
    MemoryBudget budget;
    const TileSweep sweep = sweep_tiles(small(), budget);
    EXPECT_EQ(budget.total().current, 0U);
    std::size_t most_work = 0;
    for (const TilePoint& point : sweep.points) most_work = std::max(most_work, point.work_bytes);
    // Four tensors, and the two results that are compared.
    EXPECT_GE(budget.total().peak, most_work + 6 * kValues * sizeof(float));
    // 16 to 256 queries by 64 and by 256 keys.
    ASSERT_EQ(sweep.points.size(), 10U);
    EXPECT_EQ(sweep.backend, "cpu");
    std::size_t chosen = 0;
    const auto backend = open_backend("cpu", 2);
    const AttentionTile best = optimize_tiling({*backend, budget}, 200, 2, 3, 16);
    for (const TilePoint& point : sweep.points) {
        EXPECT_EQ(point.max_abs_diff, 0);
        EXPECT_GT(point.ms, 0);
        AttentionShape shape;
        shape.batch = 2;
        shape.heads = 3;
        shape.queries = shape.keys = 200;
        shape.size = 16;
        const auto floats = static_cast<std::size_t>(Attention::scratch_size(shape, point.tile, 2) + 1200);
        EXPECT_EQ(point.work_bytes, floats * sizeof(float));
        if (!point.chosen) continue;
        ++chosen;
        EXPECT_EQ(point.tile.queries, best.queries);
        EXPECT_EQ(point.tile.keys, best.keys);
    }
    EXPECT_EQ(chosen, 1U);
    EXPECT_GT(sweep.points[4].work_bytes, sweep.points[0].work_bytes);
}

TEST(TileSweep, TilesReachTheSequenceAndHoldTheChosenOne) {
    const auto short_ones = tiles_to_sweep(10, {16, 64});
    ASSERT_EQ(short_ones.size(), 1U);
    EXPECT_EQ(short_ones[0].queries, 16);
    const auto with_chosen = tiles_to_sweep(10, {8, 64});
    ASSERT_EQ(with_chosen.size(), 2U);
    EXPECT_EQ(with_chosen[0].queries, 8);
    const auto long_ones = tiles_to_sweep(1 << 20, {128, 64});
    ASSERT_EQ(long_ones.size(), 14U);
    EXPECT_EQ(long_ones[6].queries, 1024);
    EXPECT_EQ(long_ones[6].keys, 64);
    EXPECT_EQ(long_ones[7].keys, 256);
}

TEST(TileSweep, StopsWhenItIsTold) {
    MemoryBudget budget;
    int calls = 0;
    EXPECT_THROW(sweep_tiles(small(), budget, [&](std::string_view, double) { return ++calls < 6; }),
                 Cancelled);
    EXPECT_EQ(calls, 6);
    EXPECT_EQ(budget.total().current, 0U);
}

TEST(TileSweep, StopsWhileItDraws) {
    TileSweepRequest request = small();
    request.sequence = 1 << 13;
    MemoryBudget budget;
    std::vector<std::string> told;
    EXPECT_THROW(sweep_tiles(request, budget,
                             [&](std::string_view what, double) {
                                 told.emplace_back(what);
                                 return told.size() < 2;
                             }),
                 Cancelled);
    EXPECT_EQ(told, std::vector<std::string>(2, "drawing queries, keys and values"));
    EXPECT_EQ(budget.total().current, 0U);
}

TEST(TileSweep, WhatIsDrawnIsCountedBesideItsTensor) {
    MemoryBudget budget;
    std::size_t held = 0;
    EXPECT_THROW(sweep_tiles(small(), budget,
                             [&](std::string_view, double) {
                                 held = budget.total().current;
                                 return false;
                             }),
                 Cancelled);
    EXPECT_GE(held, 2 * kValues * sizeof(float));
}

TEST(TileSweep, CallsThatCouldNotBeStoppedInTimeAreRefused) {
    const auto refused = [](TileSweepRequest request) -> std::string {
        MemoryBudget budget(1 << 16);  // whatever is let through finds no memory
        try {
            sweep_tiles(request, budget);
        } catch (const BadValue& error) {
            EXPECT_EQ(error.field(), "sequence");
            EXPECT_EQ(budget.total().peak, 0U);
            return error.hint();
        } catch (const OutOfMemory&) {
        }
        return "nothing";
    };
    TileSweepRequest request;
    request.backend = "cpu";
    EXPECT_EQ(refused(request), "nothing");
    request.sequence = 1 << 17;
    request.batch = 4096;
    request.heads = 256;
    EXPECT_NE(refused(request).find("at most 11 places"), std::string::npos) << refused(request);
    // What the sentence says fits does.
    request.sequence = 11;
    EXPECT_EQ(refused(request), "nothing");
    request.sequence = 12;
    EXPECT_NE(refused(request), "nothing");
    request = TileSweepRequest{.sequence = 4941, .backend = "cpu"};
    EXPECT_EQ(refused(request), "nothing");
    request.sequence = 4942;
    EXPECT_NE(refused(request).find("at most 4941 places"), std::string::npos) << refused(request);
    request.batch = 1 << 24;
    EXPECT_EQ(refused(request).find("at most"), std::string::npos) << refused(request);
}

TEST(TileSweep, NamesTheSizeThatIsWrong) {
    MemoryBudget budget;
    const auto refused = [&](TileSweepRequest request) -> std::string {
        try {
            sweep_tiles(request, budget);
        } catch (const BadValue& error) {
            return error.field();
        }
        return "nothing";
    };
    TileSweepRequest request = small();
    request.sequence = 0;
    EXPECT_EQ(refused(request), "sequence");
    request = small();
    request.heads = -1;
    EXPECT_EQ(refused(request), "heads");
    request = small();
    request.head_size = kMaxHeadSize + 1;
    EXPECT_EQ(refused(request), "head_size");
}

TEST(TileSweep, MemoryThatIsNotThereIsSaid) {
    MemoryBudget budget;
    budget.set_limit(1 << 16);
    EXPECT_THROW(sweep_tiles(small(), budget), OutOfMemory);
    EXPECT_EQ(budget.total().current, 0U);
}

TEST(Difference, WhatIsNoNumberIsNotForgotten) {
    const float none = std::numeric_limits<float>::quiet_NaN();
    EXPECT_EQ(largest_difference<float>({1, 2, 3}, {1, 4, 2}), 2);
    EXPECT_TRUE(std::isnan(largest_difference<float>({1, none, 3}, {1, 2, 1})));
    EXPECT_TRUE(std::isnan(largest_difference<double>({1, 2, 3}, {5, std::nan(""), 3})));
    EXPECT_EQ(largest_difference<double>({1, 2}, {1}), std::numeric_limits<double>::infinity());
    EXPECT_EQ(largest_difference<double>({}, {}), 0);
}

TEST(TileSweep, ItsReportHoldsEveryPoint) {
    const TileSweep sweep{small(), "cpu", {{{16, 64}, 2.5, 1000, 0, false}, {{32, 64}, 1.5, 1000, 0, true}}};
    const Json report = to_json(sweep);
    EXPECT_EQ(report.at("sequence"), 200);
    ASSERT_EQ(report.at("tiles").size(), 2U);
    EXPECT_EQ(report.at("tiles")[1].at("queries"), 32);
    EXPECT_EQ(report.at("tiles")[1].at("chosen"), true);
    EXPECT_EQ(report.at("tiles")[0].at("ms"), 2.5);
}

}  // namespace
}  // namespace spectral::test
