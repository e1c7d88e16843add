// Attention as layers use it: its plan, its tiles, and the memory that it takes.
#include "engine/nn/tiled_attention.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "engine/core/error.hpp"
#include "tests/support/arrays.hpp"
#include "tests/support/transformer_definitions.hpp"

namespace spectral::test {
namespace {

class TiledAttention : public testing::Test {
protected:
    std::unique_ptr<Backend> backend_ = open_backend("cpu", 2);
    MemoryBudget budget_;
    Device device_{*backend_, budget_};

    Tensor normal(const Shape& shape, std::uint64_t seed) {
        Tensor tensor(device_, MemoryTag::data, shape, "test");
        tensor.assign(*backend_, {shape, normal_values(shape.size(), seed)});
        return tensor;
    }
    definition::Doubles doubles(const Tensor& tensor) { return to_doubles(tensor.to_host(*backend_).values); }
};

TEST_F(TiledAttention, IsTheDefinitionInEveryMode) {
    const Tensor q = normal({2, 3, 20, 8}, 1), k = normal({2, 3, 30, 8}, 2), v = normal({2, 3, 30, 8}, 3);
    Buffer keep(device_, MemoryTag::data, 60, "mask");
    std::vector<std::uint8_t> kept(60, 1);
    kept[3] = kept[41] = 0;
    backend_->copy_to_device(keep.data(), kept.data(), kept.size());
    const double phi = std::numbers::phi;
    const std::pair<AttentionMode, double> modes[] = {{AttentionMode::standard, 1},
                                                      {AttentionMode::diffuse, phi},
                                                      {AttentionMode::focused, 1 / phi},
                                                      {AttentionMode::absorbed, 1 / (phi * phi)}};
    for (const auto& [mode, factor] : modes) {
        AttentionPlan plan = prepare_attention(device_, q, k, v, {16, 64}, mode);
        const Tensor y = compute_attention(plan, {true, &keep});
        const definition::Attention expected{2, 3, 20, 30, 8, factor / std::sqrt(8.0), true, kept};
        EXPECT_LE(relative_energy_error(y.to_host(*backend_).values,
                                        expected.output(doubles(q), doubles(k), doubles(v))),
                  kEnergyTolerance);
    }
}

TEST_F(TiledAttention, GradientsAreSlopes) {
    const Shape shape{1, 2, 40, 6};
    const Tensor q = normal(shape, 1), k = normal(shape, 2), v = normal(shape, 3), dy = normal(shape, 4);
    AttentionPlan plan = prepare_attention(device_, q, k, v, optimize_tiling(device_, 40, 1, 2, 6));
    const Tensor y = compute_attention(plan, {.causal = true});
    const AttentionGradients found = attention_gradients(plan, {.causal = true}, y, dy);
    definition::Doubles exact_q = doubles(q), exact_k = doubles(k), exact_v = doubles(v);
    const definition::Attention definition{1, 2, 40, 40, 6, 1 / std::sqrt(6.0), true, {}};
    const definition::Doubles slope = doubles(dy);
    const auto loss = [&] { return definition::dot(definition.output(exact_q, exact_k, exact_v), slope); };
    EXPECT_LE(relative_energy_error(found.q.to_host(*backend_).values,
                                    definition::difference_quotients(exact_q, loss)),
              1e-9);
    EXPECT_LE(relative_energy_error(found.k.to_host(*backend_).values,
                                    definition::difference_quotients(exact_k, loss)),
              1e-9);
    EXPECT_LE(relative_energy_error(found.v.to_host(*backend_).values,
                                    definition::difference_quotients(exact_v, loss)),
              1e-9);
}

/// A matrix of scores of one head would be 64 MiB.
TEST_F(TiledAttention, TakesNoMoreMemoryThanItsRows) {
    const std::int64_t sequence = 4096, size = 16;
    const Shape shape{1, 1, sequence, size};
    const Tensor q = normal(shape, 1), k = normal(shape, 2), v = normal(shape, 3);
    const std::size_t held = budget_.total().current;
    budget_.start_over();
    AttentionPlan plan = prepare_attention(device_, q, k, v, optimize_tiling(device_, sequence, 1, 1, size));
    const Tensor y = compute_attention(plan, {.causal = true});
    const AttentionGradients gradients = attention_gradients(plan, {.causal = true}, y, y);
    EXPECT_LE(budget_.total().peak - held, 8 * q.bytes());
}

TEST_F(TiledAttention, RefusesWhatDoesNotFit) {
    const Tensor q = normal({2, 3, 4, 8}, 1), k = normal({2, 3, 5, 8}, 2), v = normal({2, 3, 6, 8}, 3),
                 flat = normal({6, 4, 8}, 4), large = normal({1, 1, 2, 257}, 5);
    EXPECT_THROW(prepare_attention(device_, q, k, v, {}), Error);
    EXPECT_THROW(prepare_attention(device_, flat, flat, flat, {}), Error);
    EXPECT_THROW(prepare_attention(device_, large, large, large, {}), Error);
    EXPECT_THROW(prepare_attention(device_, q, k, k, {0, 64}), Error);
    AttentionPlan plan = prepare_attention(device_, q, k, k, {});
    const Buffer keep(device_, MemoryTag::data, 9, "mask");
    EXPECT_THROW(compute_attention(plan, {false, &keep}), Error);
    const Tensor y = compute_attention(plan);
    EXPECT_THROW(attention_gradients(plan, {}, y, k), Error);
}

TEST(AttentionTiling, FollowsWhatThereIs) {
    const std::size_t plenty = std::size_t{1} << 40;
    const TilingRequest large{4096, 4, 8, 64, plenty, std::size_t{2} << 20, 2};
    EXPECT_EQ(optimize_tiling(large).queries, 512);
    TilingRequest request = large;
    request.fast_bytes = 256 << 10;  // half of it: 32,768 floats for q, y, scores, keys and values
    EXPECT_EQ(optimize_tiling(request).queries, 128);
    request = large;
    request.batch = request.heads = 1;  // eight tiles for each of two threads would be too many for 512
    request.sequence = 1024;
    EXPECT_EQ(optimize_tiling(request).queries, 128);
    request = large;
    request.free_bytes = 400'000;
    EXPECT_LT(optimize_tiling(request).queries, 512);
    request.free_bytes = 0;
    EXPECT_EQ(optimize_tiling(request).queries, 16) << "what is least; the budget will say what is missing";
    request = large;  // of many heads, so that one tile of each is enough
    for (const auto& [sequence, queries] : std::vector<std::pair<std::int64_t, std::int64_t>>{
             {1, 16}, {16, 16}, {17, 32}, {200, 256}, {256, 256}, {257, 512}, {4096, 512}}) {
        request.sequence = sequence;
        EXPECT_EQ(optimize_tiling(request).queries, queries) << sequence;
    }
}

TEST(AttentionTiling, TilesGrowWhereQueriesChangeLittle) {
    EXPECT_EQ(information_density(std::vector<float>{0, 0, 3, 4, 3, 4}, 2), 5.0 / 3);
    EXPECT_EQ(information_density({}, 2), 0);
    EXPECT_EQ(adapted_tile(64, 2, 1, 0.5, 1000), 64);
    EXPECT_EQ(adapted_tile(64, 0, 1, 0.5, 1000), 128);
    EXPECT_EQ(adapted_tile(64, 0.5, 1, 0.5, 1000), 96);
    EXPECT_EQ(adapted_tile(64, 0, 1, 0.125, 100), 100);
    EXPECT_THROW(adapted_tile(64, 0, 0, 0.5, 100), Error);
    EXPECT_THROW(adapted_tile(64, 0, 1, 0, 100), Error);
}

}  // namespace
}  // namespace spectral::test
