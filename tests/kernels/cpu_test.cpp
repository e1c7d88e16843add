// What only the CPU backend has: its plan cache; and the table of operations by its example.
#include <gtest/gtest.h>

#include "kernels/backend.hpp"
#include "kernels/cpu/plan_cache.hpp"
#include "kernels/ops/dense.hpp"
#include "tests/support/backend_under_test.hpp"

namespace spectral::test {
namespace {

TEST(PlanCache, KeepsTheNewestAndPlansEachShapeOnce) {
    PlanCache cache;
    const auto first = cache.get({FftwTransform::real_forward, {1, {8, 1, 1}}});
    EXPECT_EQ(cache.get({FftwTransform::real_forward, {1, {8, 1, 1}}}), first);
    EXPECT_NE(cache.get({FftwTransform::real_backward, {1, {8, 1, 1}}}), first);
    for (std::int64_t n = 1; n <= 40; ++n) cache.get({FftwTransform::real_forward, {1, {n + 100, 1, 1}}});
    EXPECT_EQ(cache.size(), PlanCache::kMaxEntries);
    EXPECT_THROW(cache.get({FftwTransform::real_forward, {1, {0, 1, 1}}}), Error);
}

TEST(OpTable, NamesWhatIsMissing) {
    const auto backend = open_backend("cpu", 1);
    EXPECT_THROW(backend->run(ColumnSum{}, Level::compiled), Error);
    EXPECT_THROW(open_backend("abacus"), Error);
    for (const std::string& name : backend->operations().names())
        for (const Level level : backend->operations().levels(name))
            EXPECT_FALSE(backend->operations().change(name, level).empty()) << name;
}

}  // namespace
}  // namespace spectral::test
