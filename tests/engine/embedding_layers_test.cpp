// Positional encodings, embeddings of tokens and the golden norm: values against definitions in double
// precision, gradients against difference quotients, and what is refused.
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <numeric>

#include "engine/core/error.hpp"
#include "engine/nn/batch_norm_layer.hpp"
#include "engine/nn/embedding.hpp"
#include "engine/nn/positional_encoding.hpp"
#include "tests/support/backend_under_test.hpp"
#include "tests/support/layer_slopes.hpp"
#include "tests/support/transformer_definitions.hpp"

namespace spectral::test {
namespace {

using definition::Doubles;

constexpr double kPhi = 1.6180339887498949;

class EmbeddingLayers : public LayerTest {
protected:
    Doubles value(Layer& layer, std::string_view name) {
        for (Parameter* parameter : layer.parameters())
            if (parameter->name == name) return to_doubles(parameter->value.to_host(*backend_).values);
        ADD_FAILURE() << name;
        return {};
    }
    void fill(Layer& layer) {
        std::uint64_t seed = 1;
        for (Parameter* parameter : layer.parameters())
            parameter->value.assign(*backend_, {parameter->value.shape(),
                                                normal_values(parameter->value.size(), seed++, 0.5, 0.1)});
    }
    /// W·x + b for every row of x.
    Doubles linear(Layer& layer, const std::string& name, const Doubles& x, std::size_t inputs) {
        const Doubles weight = value(layer, name + ".weight"), bias = value(layer, name + ".bias");
        Doubles y;
        for (std::size_t row = 0; row * inputs < x.size(); ++row)
            for (std::size_t o = 0; o < bias.size(); ++o) {
                y.push_back(bias[o]);
                for (std::size_t i = 0; i < inputs; ++i)
                    y.back() += weight[o * inputs + i] * x[row * inputs + i];
            }
        return y;
    }
    Doubles normed(Layer& layer, const Doubles& x) {
        return definition::layer_norm(x, value(layer, "norm.scale"), value(layer, "norm.shift"), 1e-5,
                                      std::sqrt(1 / kPhi));
    }
};

TEST_F(EmbeddingLayers, PositionsAreAddedToSequencesAndBatches) {
    for (const PositionKind kind : {PositionKind::golden, PositionKind::standard}) {
        const double base = kind == PositionKind::golden ? kPhi : 10000;
        PositionCache cache(device_, kind, 6);
        for (const Shape& shape : {Shape{4, 6}, Shape{3, 4, 6}, Shape{0, 4, 6}}) {
            const std::vector<float> values = normal_values(shape.size(), 1);
            Tensor x(device_, MemoryTag::data, shape, "x"), y(device_, MemoryTag::data, shape, "y");
            x.assign(*backend_, {shape, values});
            cache.add(x, y);
            Doubles expected;
            for (std::size_t at = 0; at < values.size(); ++at) {
                const double position = static_cast<double>(at / 6 % 4);
                const double angle = position / std::pow(base, static_cast<double>(at % 6 / 2 * 2) / 6);
                expected.push_back(static_cast<double>(values[at]) +
                                   (at % 2 == 0 ? std::sin(angle) : std::cos(angle)));
            }
            EXPECT_LE(relative_energy_error(y.to_host(*backend_).values, expected), 1e-12);
            cache.add(x, x);
            EXPECT_EQ(x.to_host(*backend_).values, y.to_host(*backend_).values);
        }
        Tensor other(device_, MemoryTag::data, {4, 5}, "x"), flat(device_, MemoryTag::data, {24}, "x");
        EXPECT_THROW(cache.add(other, other), Error);
        EXPECT_THROW(cache.add(flat, flat), Error);
    }
}

TEST_F(EmbeddingLayers, TheCacheGrowsWithALongerSequence) {
    PositionCache cache(device_, PositionKind::golden, 2);
    EXPECT_EQ(cache.positions(), 5000);
    Tensor x(device_, MemoryTag::data, {5003, 2}, "x");
    cache.add(x, x);
    EXPECT_EQ(cache.positions(), 5003);
    const std::vector<float> y = x.to_host(*backend_).values;
    for (const std::int64_t position : {4999, 5000, 5002}) {
        EXPECT_NEAR(static_cast<double>(y[static_cast<std::size_t>(2 * position)]),
                    std::sin(static_cast<double>(position)), 1e-6);
        EXPECT_EQ(y[static_cast<std::size_t>(2 * position + 1)],
                  static_cast<float>(position_value(PositionKind::golden, position, 1, 2)));
    }
}

TEST_F(EmbeddingLayers, OddWidthsHaveNoPositions) {
    for (const std::int64_t width : {0, 1, 7}) try {
            PositionCache cache(device_, PositionKind::standard, width);
            FAIL() << width;
        } catch (const BadValue& failure) {
            EXPECT_EQ(failure.field(), "width");
        }
}

TEST_F(EmbeddingLayers, PositionalEncodingHasItsSlopes) {
    PositionalEncoding layer(device_, "position", PositionKind::golden, {3, 4}, 2);
    expect_slopes(*backend_, layer, 2);
    EXPECT_TRUE(layer.parameters().empty());
}

TEST_F(EmbeddingLayers, LookupTakesItsRows) {
    LookupEmbedding layer(device_, "tokens", {3, 4}, 5, 2, 1, 1);
    expect_slopes(*backend_, layer, 2, {0, 4, 2, 2, 1, 2});
    const Doubles table = value(layer, "table");
    const std::vector<float> y = run(layer, 1, {4, 0, 5});
    for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_EQ(static_cast<double>(y[i]), table[16 + i]);
        EXPECT_EQ(static_cast<double>(y[4 + i]), table[i]);
        EXPECT_TRUE(std::isnan(y[8 + i]));
    }
    Array<float> dx(*backend_, 3), dy(*backend_, 12);
    EXPECT_THROW(layer.backward(1, dy.data(), dx.data()), Error);
}

TEST_F(EmbeddingLayers, SyntonicIsTheDefinition) {
    const std::vector<float> tokens{0, 4, 2, 2, 1, 2};
    for (const bool harmonise : {false, true}) {
        SCOPED_TRACE(harmonise);
        SyntonicEmbedding layer(device_, "tokens", {3, 4}, 5, {.harmonise = harmonise}, 2, 1, 1);
        expect_slopes(*backend_, layer, 2, tokens);
        fill(layer);
        const Doubles table = value(layer, "table");
        Doubles x;
        for (const float token : tokens)
            for (std::size_t i = 0; i < 4; ++i)
                x.push_back(2 * table[static_cast<std::size_t>(token) * 4 + i]);
        if (harmonise) {
            const Doubles h = linear(layer, "harmony", x, 4), s = linear(layer, "syntony", x, 4);
            const double beta = value(layer, "beta")[0], gamma = value(layer, "gamma")[0];
            for (std::size_t i = 0; i < x.size(); ++i)
                x[i] += gamma * std::tanh(s[i]) - beta / (1 + std::exp(-h[i]));
        }
        EXPECT_LE(relative_energy_error(run(layer, 2, tokens), normed(layer, x)), 1e-10);
    }
}

TEST_F(EmbeddingLayers, SyntonicTablesStartWithTheirDeviation) {
    SyntonicEmbedding layer(device_, "tokens", {1, 64}, 400, {}, 1, 7, 1);
    double squares = 0;
    for (const double value : value(layer, "table")) squares += value * value;
    EXPECT_NEAR(squares / (400 * 64), 1 / (kPhi * kPhi * 64), 2e-4 * 0.4);  // five deviations of the estimate
}

TEST_F(EmbeddingLayers, PaddingStaysZeroAndIsNotLearned) {
    SyntonicEmbedding layer(device_, "tokens", {3, 4}, 5, {.padding = 2, .harmonise = true}, 2, 1, 1);
    Parameter& table = *layer.parameters().front();
    run(layer, 2, {0, 2, 2, 1, 2, 4}, true);
    const std::vector<float> c = normal_values(24, 3);
    Array<float> dy(*backend_, std::span<const float>(c));
    layer.backward(2, dy.data(), nullptr);
    const std::vector<float> rows = table.value.to_host(*backend_).values,
                             gradient = table.gradient.to_host(*backend_).values;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const bool padding = i / 4 == 2;
        EXPECT_EQ(rows[i] == 0, padding);
        EXPECT_EQ(gradient[i] == 0, padding || i / 4 == 3) << i;
    }
    for (const std::int64_t beyond : {5, -2}) try {
            SyntonicEmbedding(device_, "tokens", {3, 4}, 5, {.padding = beyond}, 2, 1, 1);
            FAIL() << beyond;
        } catch (const BadValue& failure) {
            EXPECT_EQ(failure.field(), "padding");
        }
}

TEST_F(EmbeddingLayers, WindingsFollowTheirRule) {
    EXPECT_EQ(winding_numbers(8), (std::vector<std::int64_t>{1, 2, 5, 9, 17, 29, 47, 77}));
    const std::vector<std::int64_t> all = winding_numbers(kMostWindings);
    for (std::size_t j = 1; j + 1 < all.size(); ++j) {
        // ⌊w·φ⌋ in whole numbers: the largest n with (2n − w)² ≤ 5w².
        std::int64_t next = all[j] * 3 / 2;
        while ((2 * (next + 1) - all[j]) * (2 * (next + 1) - all[j]) <= 5 * all[j] * all[j]) ++next;
        ++next;
        while (std::any_of(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(j) + 1,
                           [&](std::int64_t w) { return std::gcd(w, next) > 1; }))
            ++next;
        EXPECT_EQ(all[j + 1], next);
    }
}

TEST_F(EmbeddingLayers, WindingIsTheDefinitionForAnyToken) {
    WindingEmbedding layer(device_, "tokens", {3, 4}, 7, 3, 2, 1, 1);
    const std::vector<float> tokens{0, 6, -1, 13, -700'001, 1'000'000};
    expect_slopes(*backend_, layer, 2, tokens);
    fill(layer);
    Doubles features;
    for (const float token : tokens)
        for (const int winding : {1, 2, 5}) {
            const double angle =
                2 * std::numbers::pi * std::fmod(winding * static_cast<double>(token), 7) / 7;
            features.push_back(std::cos(angle));
            features.push_back(std::sin(angle));
        }
    const std::vector<float> y = run(layer, 2, tokens);
    EXPECT_LE(relative_energy_error(y, normed(layer, linear(layer, "projection", features, 6))), 1e-10);
    for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_EQ(y[4 + i], y[8 + i]);  // 6, −1 and 13
        EXPECT_EQ(y[4 + i], y[12 + i]);
    }
}

/// Storage does not depend on the vocabulary.
TEST_F(EmbeddingLayers, WindingsNeedNoTable) {
    const auto parameters = [&](std::int64_t vocabulary) {
        WindingEmbedding layer(device_, "tokens", {3, 4}, vocabulary, 8, 2, 1, 1);
        std::int64_t count = 0;
        for (const Parameter* parameter : layer.parameters()) count += parameter->value.size();
        return count;
    };
    EXPECT_EQ(parameters(7), 16 * 4 + 4 + 4 + 4);
    EXPECT_EQ(parameters(1 << 24), parameters(7));
    for (const std::int64_t windings : {std::int64_t{0}, kMostWindings + 1})
        EXPECT_THROW(WindingEmbedding(device_, "tokens", {3, 4}, 7, windings, 2, 1, 1), BadValue);
    EXPECT_THROW(WindingEmbedding(device_, "tokens", {3, 4}, (1 << 24) + 1, 8, 2, 1, 1), BadValue);
}

TEST_F(EmbeddingLayers, ShowTheVectorsOfTheirVocabulary) {
    LookupEmbedding layer(device_, "tokens", {3, 2}, 8, 2, 1, 1);
    const auto patterns = layer.patterns();
    ASSERT_EQ(patterns.size(), 1);
    EXPECT_EQ(patterns.front().values.shape, (Shape{8, 2}));
    EXPECT_EQ(to_doubles(patterns.front().values.values), value(layer, "table"));
    EXPECT_EQ(layer.vectors(1).shape, (Shape{1, 2}));
}

TEST_F(EmbeddingLayers, WindingsAreInTuneByTheirProjection) {
    WindingEmbedding layer(device_, "tokens", {3, 2}, 7, 3, 2, 1, 1);
    fill(layer);
    const Doubles weight = value(layer, "projection.weight");
    double in_tune = 0, energy = 0;
    for (std::size_t output = 0; output < 2; ++output)
        for (std::size_t column = 0; column < 6; ++column) {
            const double mode = static_cast<double>(column / 2),
                         part = std::pow(weight[output * 6 + column], 2);
            in_tune += part * std::exp(-mode * mode / kPhi);
            energy += part;
        }
    EXPECT_NEAR(layer.syntony().value(), in_tune / energy, 1e-6);
    LookupEmbedding lookup(device_, "tokens", {3, 2}, 7, 2, 1, 1);
    EXPECT_FALSE(lookup.syntony().has_value());
}

/// What the pull adds to the projection's gradient, against central differences of the layer's own syntony.
TEST_F(EmbeddingLayers, ThePullToSyntonyIsItsSlope) {
    constexpr double kWeight = 0.7;
    WindingEmbedding layer(device_, "tokens", {3, 2}, 7, 3, 2, 1, 1);
    fill(layer);
    Parameter& projection = *layer.parameters().front();
    const std::vector<float> zeros(12);  // no other gradient
    Array<float> dy(*backend_, std::span<const float>(zeros));
    const auto gradient = [&] {
        run(layer, 2, {0, 1, 2, 3, 4, 5}, true);
        layer.backward(2, dy.data(), nullptr);
        return projection.gradient.to_host(*backend_).values;
    };
    for (const float value : gradient()) EXPECT_EQ(value, 0);
    ASSERT_TRUE(layer.pull_to_syntony(kWeight));
    const std::vector<float> pulled = gradient();
    HostTensor weight = projection.value.to_host(*backend_);
    for (std::size_t i = 0; i < pulled.size(); ++i) {
        constexpr float kStep = 1e-2F;
        const float middle = weight.values[i];
        const auto at = [&](float value) {
            weight.values[i] = value;
            projection.value.assign(*backend_, weight);
            return kWeight * (1 - layer.syntony().value());
        };
        const double slope = (at(middle + kStep) - at(middle - kStep)) / (2 * static_cast<double>(kStep));
        at(middle);
        EXPECT_NEAR(static_cast<double>(pulled[i]), slope, 1e-4) << i;
    }
    std::ranges::fill(weight.values, 0.0F);
    projection.value.assign(*backend_, weight);
    for (const float value : gradient()) EXPECT_EQ(value, 0);

    LookupEmbedding lookup(device_, "tokens", {3, 2}, 7, 2, 1, 1);
    SyntonicEmbedding harmonised(device_, "tokens", {3, 2}, 7, {.harmonise = true}, 2, 1, 1);
    EXPECT_FALSE(lookup.pull_to_syntony(kWeight));
    EXPECT_FALSE(harmonised.pull_to_syntony(kWeight));
}

TEST_F(EmbeddingLayers, HarmonisedVectorsAreInTuneByTheirLayer) {
    SyntonicEmbedding layer(device_, "tokens", {3, 2}, 4, {.harmonise = true}, 2, 1, 1);
    fill(layer);
    const Doubles table = value(layer, "table");
    Doubles x;
    for (const double entry : table) x.push_back(std::sqrt(2) * entry);
    const double beta = value(layer, "beta")[0], gamma = value(layer, "gamma")[0];
    Doubles moved = x;
    const Doubles s = linear(layer, "syntony", x, 2);
    for (std::size_t i = 0; i < x.size(); ++i) moved[i] += gamma * std::tanh(s[i]);
    Doubles back = moved;
    const Doubles h = linear(layer, "harmony", moved, 2);
    for (std::size_t i = 0; i < x.size(); ++i) back[i] -= beta / (1 + std::exp(-h[i]));
    double sum = 0;
    for (std::size_t token = 0; token < 8; token += 2) {
        const double out = std::hypot(moved[token] - x[token], moved[token + 1] - x[token + 1]),
                     home = std::hypot(moved[token] - back[token], moved[token + 1] - back[token + 1]);
        sum += std::clamp(1 - out / (home + 1e-6), 0.0, 1.0);
    }
    EXPECT_NEAR(layer.syntony().value(), sum / 4, 1e-4);
    SyntonicEmbedding plain(device_, "tokens", {3, 2}, 4, {}, 2, 1, 1);
    EXPECT_FALSE(plain.syntony().has_value());
}

TEST_F(EmbeddingLayers, OnlyRunTheyHoldNoGradients) {
    MemoryBudget budget;
    const Device device{*backend_, budget};
    LookupEmbedding lookup(device, "tokens", {3, 4}, 5, 2, 1, 1, Use::run);
    SyntonicEmbedding syntonic(device, "tokens", {3, 4}, 5, {.harmonise = true}, 2, 1, 1, Use::run);
    WindingEmbedding winding(device, "tokens", {3, 4}, 5, 3, 2, 1, 1, Use::run);
    BatchNormLayer norm(device, "norm", 3, 4, 2, Use::run);
    for (Layer* layer : std::initializer_list<Layer*>{&lookup, &syntonic, &winding}) {
        fill(*layer);
        for (const float value : run(*layer, 2, {0, 1, 2, 3, 4, 0})) EXPECT_TRUE(std::isfinite(value));
        EXPECT_THROW(layer->backward(2, nullptr, nullptr), Error);
    }
    EXPECT_THROW(norm.backward(2, nullptr, nullptr), Error);
    EXPECT_EQ(budget.usage(MemoryTag::gradients).peak, 0);
}

TEST_F(EmbeddingLayers, GoldenNormHasItsSlopesAndItsVariance) {
    BatchNormLayer slopes(device_, "norm", 2, 5, 3, Use::train, kSyntonicGain);
    expect_slopes(*backend_, slopes, 3);
    BatchNormLayer layer(device_, "norm", 2, 5, 100, Use::train, kSyntonicGain);
    EXPECT_EQ(layer.kind(), "golden-norm");
    const std::vector<float> x = normal_values(1000, 5, 3, 7);
    const auto variance = [](const std::vector<float>& y) {
        double sum = 0, squares = 0;
        for (std::size_t at = 0; at < y.size(); ++at)
            if (at / 5 % 2 == 1) sum += static_cast<double>(y[at]);
        const double mean = sum / 500;
        for (std::size_t at = 0; at < y.size(); ++at)
            if (at / 5 % 2 == 1) squares += std::pow(static_cast<double>(y[at]) - mean, 2);
        return squares / 500;
    };
    EXPECT_NEAR(variance(run(layer, 100, x, true)), 1 / kPhi, 1e-4);
    // One pass moves the running ones a tenth of the way; sixty, all of it.
    EXPECT_NEAR(value(layer, "running_mean")[0], 0.7, 0.1);
    for (int pass = 0; pass < 150; ++pass) run(layer, 100, x, true);
    EXPECT_NEAR(variance(run(layer, 100, x, false)), 1 / kPhi * 499 / 500, 1e-4);
}

}  // namespace
}  // namespace spectral::test
