// What sequence models are made of: gradients, masks, what is refused, and the memory that attention takes.
#include <gtest/gtest.h>

#include <numbers>

#include "engine/core/error.hpp"
#include "engine/nn/dropout_layer.hpp"
#include "engine/nn/each_place.hpp"
#include "engine/nn/feed_forward.hpp"
#include "engine/nn/layer_norm_layer.hpp"
#include "engine/nn/long_convolution.hpp"
#include "engine/nn/multi_head_attention.hpp"
#include "engine/nn/rotary.hpp"
#include "engine/nn/transformer_block.hpp"
#include "tests/support/backend_under_test.hpp"
#include "tests/support/layer_slopes.hpp"

namespace spectral::test {
namespace {

class SequenceLayers : public LayerTest {
protected:
    void fill(Layer& layer) {
        std::uint64_t seed = 1;
        for (Parameter* parameter : layer.parameters())
            parameter->value.assign(*backend_, {parameter->value.shape(),
                                                normal_values(parameter->value.size(), seed++, 0.5, 0.1)});
    }
};

TEST_F(SequenceLayers, LayerNormsHaveTheirSlopes) {
    LayerNormLayer plain(device_, "norm", {3, 5}, 2);
    expect_slopes(*backend_, plain, 2);
    LayerNormLayer bent(device_, "norm", {3, 5}, 2, LayerNormLayer::Then::gelu);
    expect_slopes(*backend_, bent, 2);
}

TEST_F(SequenceLayers, LayerNormStartsAsTheNormAlone) {
    LayerNormLayer layer(device_, "norm", {1, 4}, 1);
    const std::vector<float> y = run(layer, 1, {1, 2, 3, 4});
    for (int i = 0; i < 4; ++i)
        EXPECT_NEAR(y[static_cast<std::size_t>(i)], (i - 1.5) / std::sqrt(1.25), 1e-4);
}

TEST_F(SequenceLayers, AttentionHasItsSlopes) {
    for (const bool causal : {false, true}) {
        SCOPED_TRACE(causal);
        MultiHeadAttention plain(device_, "attention", {4, 6}, {.heads = 3, .causal = causal}, 2, 1, 1);
        expect_slopes(*backend_, plain, 2);
    }
    MultiHeadAttention turned(
        device_, "attention", {4, 4},
        {.heads = 2, .causal = true, .mode = AttentionMode::focused, .rotary_base = kRotaryBase}, 2, 1, 1);
    expect_slopes(*backend_, turned, 2);
}

TEST_F(SequenceLayers, AttentionWithPaddingHasItsSlopes) {
    MultiHeadAttention layer(device_, "attention", {4, 4}, {.heads = 2}, 2, 1, 1);
    const std::vector<std::uint8_t> kept{1, 1, 0, 1, 1, 0, 0, 0};
    Array<std::uint8_t> keep(*backend_, std::span<const std::uint8_t>(kept));
    layer.set_padding(keep.data());
    expect_slopes(*backend_, layer, 2);
}

/// What is padding changes no other place's output.
TEST_F(SequenceLayers, NobodyAttendsToPadding) {
    MultiHeadAttention layer(device_, "attention", {4, 4}, {.heads = 2}, 1, 1, 1);
    fill(layer);
    const std::vector<std::uint8_t> kept{1, 1, 1, 0};
    Array<std::uint8_t> keep(*backend_, std::span<const std::uint8_t>(kept));
    std::vector<float> x = normal_values(16, 7);
    const std::vector<float> open = run(layer, 1, x);
    layer.set_padding(keep.data());
    const std::vector<float> before = run(layer, 1, x);
    for (std::size_t i = 12; i < 16; ++i) x[i] += 3;
    const std::vector<float> after = run(layer, 1, x);
    for (std::size_t i = 0; i < 12; ++i) EXPECT_EQ(before[i], after[i]) << i;
    EXPECT_NE(open[0], before[0]);
}

/// Nor does a later place change an earlier one where attention is causal; the last sees all in both.
TEST_F(SequenceLayers, CausalAttentionLooksBackAlone) {
    MultiHeadAttention causal(device_, "attention", {5, 4}, {.heads = 2, .causal = true}, 1, 1, 1),
        full(device_, "attention", {5, 4}, {.heads = 2}, 1, 1, 1);
    fill(causal);
    fill(full);
    std::vector<float> x = normal_values(20, 7);
    const std::vector<float> before = run(causal, 1, x), everything = run(full, 1, x);
    for (std::size_t i = 16; i < 20; ++i) {
        EXPECT_NEAR(before[i], everything[i], 1e-5);
        x[i] += 2;
    }
    const std::vector<float> after = run(causal, 1, x);
    for (std::size_t i = 0; i < 16; ++i) EXPECT_EQ(before[i], after[i]) << i;
    EXPECT_NE(before[16], after[16]);
}

/// Scores of turned queries and keys depend on distances: moved by some places, a sequence in a longer one of
/// padding has the same outputs.
TEST_F(SequenceLayers, RotaryAttentionKnowsDistancesAlone) {
    MultiHeadAttention layer(device_, "attention", {6, 8}, {.heads = 2, .rotary_base = kGoldenRotaryBase}, 1,
                             1, 1);
    fill(layer);
    const std::vector<float> part = normal_values(3 * 8, 7);
    const auto at = [&](std::size_t place) {
        std::vector<float> x(48);
        std::ranges::copy(part, x.begin() + static_cast<std::ptrdiff_t>(8 * place));
        std::vector<std::uint8_t> kept(6);
        std::fill_n(kept.begin() + static_cast<std::ptrdiff_t>(place), 3, std::uint8_t{1});
        Array<std::uint8_t> keep(*backend_, std::span<const std::uint8_t>(kept));
        layer.set_padding(keep.data());
        const std::vector<float> y = run(layer, 1, x);
        const auto first = y.begin() + static_cast<std::ptrdiff_t>(8 * place);
        return std::vector<float>(first, first + 24);
    };
    EXPECT_LE(relative_energy_error(at(0), to_doubles(at(3))), kEnergyTolerance);
}

TEST_F(SequenceLayers, HeadsThatDoNotFitAreRefused) {
    const auto refused = [&](std::int64_t width, const AttentionOptions& options) {
        try {
            MultiHeadAttention(device_, "attention", {2, width}, options, 1, 1, 1);
        } catch (const BadValue& failure) {
            return failure.field();
        }
        return std::string();
    };
    EXPECT_EQ(refused(10, {.heads = 4}), "heads");
    EXPECT_EQ(refused(2 * (kMaxHeadSize + 1), {.heads = 2}), "heads");
    EXPECT_EQ(refused(9, {.heads = 3, .rotary_base = kRotaryBase}), "heads");
    EXPECT_EQ(refused(9, {.heads = 3}), "");
}

/// One matrix of scores would be 4 MiB for each of the eight heads.
TEST_F(SequenceLayers, AttentionTakesNoMatrixOfPlaces) {
    const SequenceSize size{1024, 16};
    MultiHeadAttention layer(device_, "attention", size, {.heads = 8, .causal = true}, 1, 1, 1);
    const std::size_t rows = static_cast<std::size_t>(size.values()) * sizeof(float);
    EXPECT_LT(budget_.usage(MemoryTag::activations).peak, 12 * rows);
    EXPECT_LT(budget_.total().peak, std::size_t{4} << 20);
}

TEST_F(SequenceLayers, FeedForwardHasItsSlopes) {
    for (const FeedForwardKind kind : {FeedForwardKind::gelu, FeedForwardKind::swiglu}) {
        FeedForward layer(device_, "work", {3, 4}, kind, 5, 2, 1, 1);
        expect_slopes(*backend_, layer, 2);
    }
}

TEST_F(SequenceLayers, LongConvolutionIsTheSum) {
    const std::int64_t places = 11, width = 3;
    for (const std::int64_t length : {1, 4, 11}) {
        LongConvolution layer(device_, "convolution", {places, width}, length, 2, 1, 1);
        const std::vector<float> filter = layer.parameters().front()->value.to_host(*backend_).values;
        const std::vector<float> x = normal_values(2 * places * width, 7);
        std::vector<double> expected;
        for (std::int64_t b = 0; b < 2; ++b)
            for (std::int64_t t = 0; t < places; ++t)
                for (std::int64_t c = 0; c < width; ++c) {
                    double sum = 0;
                    for (std::int64_t s = 0; s <= std::min(t, length - 1); ++s)
                        sum += static_cast<double>(filter[static_cast<std::size_t>(c * length + s)]) *
                               static_cast<double>(
                                   x[static_cast<std::size_t>(((b * places) + t - s) * width + c)]);
                    expected.push_back(sum);
                }
        EXPECT_LE(relative_energy_error(run(layer, 2, x), expected), kEnergyTolerance) << length;
    }
}

TEST_F(SequenceLayers, LongConvolutionHasItsSlopes) {
    for (const std::int64_t length : {3, 5}) {
        LongConvolution layer(device_, "convolution", {5, 2}, length, 2, 1, 1);
        expect_slopes(*backend_, layer, 2);
    }
    SpectralMixer mixer(device_, "mixer", {4, 3}, 4, 2, 1, 1);
    expect_slopes(*backend_, mixer, 2);
    EXPECT_THROW(LongConvolution(device_, "convolution", {5, 2}, 6, 2, 1, 1), BadValue);
    EXPECT_THROW(LongConvolution(device_, "convolution", {5, 2}, 0, 2, 1, 1), BadValue);
}

TEST_F(SequenceLayers, DropoutDrawsByStepAndNumber) {
    const std::vector<float> ones(400, 1.0F);
    DropoutLayer layer(device_, "dropout", 0.25, 200, 2, 7, 0), other(device_, "dropout", 0.25, 200, 2, 7, 1);
    layer.begin_step(1);
    other.begin_step(1);
    const std::vector<float> first = run(layer, 2, ones, true);
    EXPECT_EQ(run(layer, 2, ones, true), first);
    EXPECT_NE(run(other, 2, ones, true), first);
    layer.begin_step(2);
    EXPECT_NE(run(layer, 2, ones, true), first);
    layer.begin_step(1);
    EXPECT_EQ(run(layer, 2, ones, true), first);
    EXPECT_EQ(run(layer, 2, ones, false), ones);
    EXPECT_NEAR(static_cast<double>(std::ranges::count(first, 0.0F)), 100, 40);
    EXPECT_THROW(DropoutLayer(device_, "dropout", 1, 2, 2, 1, 0), BadValue);
    expect_slopes(*backend_, layer, 1);
}

TEST_F(SequenceLayers, EachPlaceHasTheSameWeights) {
    EachPlace layer(device_, std::make_unique<Dense>(device_, "output", 3, 2, 8, 1, 1), 4, 2);
    expect_slopes(*backend_, layer, 2);
    const std::vector<float> x = normal_values(12, 3);
    const std::vector<float> y = run(layer, 1, x);
    std::vector<float> moved(x.begin() + 3, x.end());
    moved.insert(moved.end(), 3, 0.0F);
    const std::vector<float> z = run(layer, 1, moved);
    for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(z[i], y[i + 2]);
}

TEST_F(SequenceLayers, TransformerBlockHasItsSlopes) {
    const SequenceSize size{3, 4};
    for (const float scale : {1.0F, static_cast<float>(kGoldenResidual)}) {
        SCOPED_TRACE(scale);
        TransformerBlock block(
            device_, "block1", size,
            std::make_unique<MultiHeadAttention>(device_, "attention", size,
                                                 AttentionOptions{.heads = 2, .causal = true}, 2, 1, 1),
            std::make_unique<FeedForward>(device_, "feed_forward", size, FeedForwardKind::gelu, 5, 2, 1, 3),
            {.residual_scale = scale, .dropout = scale == 1 ? 0.3 : 0, .seed = 5}, 2);
        expect_slopes(*backend_, block, 2);
    }
}

TEST_F(SequenceLayers, TransformerBlockNamesItsParts) {
    const SequenceSize size{3, 4};
    TransformerBlock block(
        device_, "block1", size,
        std::make_unique<MultiHeadAttention>(device_, "attention", size, AttentionOptions{.heads = 2}, 2, 1,
                                             1),
        std::make_unique<FeedForward>(device_, "feed_forward", size, FeedForwardKind::gelu, 5, 2, 1, 3), {},
        2);
    std::vector<std::string> names;
    for (const Parameter* parameter : block.parameters()) names.push_back(parameter->name);
    EXPECT_EQ(names,
              (std::vector<std::string>{
                  "attention.norm.scale", "attention.norm.shift", "attention.qkv.weight",
                  "attention.qkv.bias", "attention.output.weight", "attention.output.bias",
                  "feed_forward.norm.scale", "feed_forward.norm.shift", "feed_forward.expand.weight",
                  "feed_forward.expand.bias", "feed_forward.contract.weight", "feed_forward.contract.bias"}));
}

}  // namespace
}  // namespace spectral::test
