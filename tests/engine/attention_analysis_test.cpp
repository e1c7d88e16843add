// Attention maps against a definition of their own in double precision, from the tokens on; and against what
// the layer makes of them.
#include "engine/nn/attention_analysis.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <numbers>
#include <numeric>

#include "engine/core/error.hpp"
#include "engine/nn/dense.hpp"
#include "engine/nn/each_place.hpp"
#include "engine/nn/embedding.hpp"
#include "engine/nn/feed_forward.hpp"
#include "engine/nn/network_model.hpp"
#include "engine/nn/registry.hpp"
#include "engine/nn/rotary.hpp"
#include "engine/nn/transformer_block.hpp"
#include "tests/support/backend_under_test.hpp"
#include "tests/support/layer_slopes.hpp"
#include "tests/support/transformer_definitions.hpp"

namespace spectral::test {
namespace {

using definition::Doubles;

constexpr std::int64_t kPlaces = 12, kWidth = 12, kHeads = 3, kVocabulary = 7, kBatch = 2;

struct Variant {
    bool causal = true, rotary = false;
    AttentionMode mode = AttentionMode::standard;
};

class AttentionAnalyses : public LayerTest {
protected:
    ModelRequest request(std::int64_t places = kPlaces) {
        return {device_, Json::object(), {1, {places, 1, 1}}, kVocabulary, kBatch, 1, 1, Use::run};
    }

    /// Two blocks of attention over looked-up tokens, their parameters of no special values.
    std::unique_ptr<Model> make(const Variant& variant, std::int64_t places = kPlaces) {
        const SequenceSize size{places, kWidth};
        AttentionOptions options{.heads = kHeads, .causal = variant.causal, .mode = variant.mode};
        if (variant.rotary) options.rotary_base = kRotaryBase;
        std::vector<std::unique_ptr<Layer>> layers;
        layers.push_back(std::make_unique<LookupEmbedding>(device_, "embedding", size, kVocabulary, kBatch, 1,
                                                           1, Use::run));
        for (const char* name : {"first", "second"})
            layers.push_back(std::make_unique<TransformerBlock>(
                device_, name, size,
                std::make_unique<MultiHeadAttention>(device_, "attention", size, options, kBatch, 1, 2,
                                                     Use::run),
                std::make_unique<FeedForward>(device_, "work", size, FeedForwardKind::gelu, 2 * kWidth,
                                              kBatch, 1, 4, Use::run),
                BlockOptions{}, kBatch, Use::run));
        layers.push_back(std::make_unique<EachPlace>(
            device_,
            std::make_unique<Dense>(device_, "output", kWidth, kVocabulary, kBatch * places, 1, 9, Use::run),
            places, kBatch, Use::run));
        auto model = std::make_unique<NetworkModel>(request(places), std::move(layers), places);
        std::uint64_t seed = 1;
        for (Parameter* parameter : model->parameters())
            parameter->value.assign(*backend_, {parameter->value.shape(),
                                                normal_values(parameter->value.size(), seed++, 0.7, 0.1)});
        return model;
    }

    Doubles parameter(Model& model, std::size_t layer, const std::string& name) {
        for (Parameter* each : model.layers()[layer]->parameters())
            if (each->name == name) return to_doubles(each->value.to_host(*backend_).values);
        ADD_FAILURE() << "no parameter " << name;
        return {};
    }

    /// The weights of the first block for the tokens: heads × count × count.
    Doubles expected_weights(Model& model, const Variant& variant, const std::vector<std::int32_t>& tokens) {
        const auto count = std::ssize(tokens);
        const std::int64_t size = kWidth / kHeads;
        const Doubles table = parameter(model, 0, "table");
        Doubles x;
        for (const std::int32_t token : tokens)
            x.insert(x.end(), table.begin() + token * kWidth, table.begin() + (token + 1) * kWidth);
        const Doubles normed =
            definition::layer_norm(x, parameter(model, 1, "attention.norm.scale"),
                                   parameter(model, 1, "attention.norm.shift"), kEpsilon, 1);
        const Doubles weight = parameter(model, 1, "attention.qkv.weight"),
                      bias = parameter(model, 1, "attention.qkv.bias");
        const auto project = [&](std::int64_t t, std::int64_t row) {
            double sum = bias[static_cast<std::size_t>(row)];
            for (std::int64_t d = 0; d < kWidth; ++d)
                sum += weight[static_cast<std::size_t>(row * kWidth + d)] *
                       normed[static_cast<std::size_t>(t * kWidth + d)];
            return sum;
        };
        double scale = 1 / std::sqrt(static_cast<double>(size));
        if (variant.mode == AttentionMode::focused) scale /= std::numbers::phi;
        Doubles weights;
        for (std::int64_t h = 0; h < kHeads; ++h) {
            const auto turned = [&](std::int64_t t, std::int64_t part) {
                std::vector<std::complex<double>> pairs;
                for (std::int64_t j = 0; j < size / 2; ++j) {
                    const std::int64_t row = part * kWidth + h * size + 2 * j;
                    const double angle =
                        static_cast<double>(t) *
                        std::pow(10000.0, -2.0 * static_cast<double>(j) / static_cast<double>(size));
                    pairs.push_back(std::complex(project(t, row), project(t, row + 1)) *
                                    std::polar(1.0, variant.rotary ? angle : 0.0));
                }
                return pairs;
            };
            for (std::int64_t i = 0; i < count; ++i) {
                Doubles row;
                for (std::int64_t j = 0; j < count; ++j) {
                    double score = 0;
                    const auto q = turned(i, 0), k = turned(j, 1);
                    for (std::size_t d = 0; d < q.size(); ++d) score += (q[d] * std::conj(k[d])).real();
                    row.push_back(variant.causal && j > i ? 0 : std::exp(scale * score));
                }
                const double sum = std::accumulate(row.begin(), row.end(), 0.0);
                for (const double power : row) weights.push_back(power / sum);
            }
        }
        return weights;
    }

    static constexpr double kEpsilon = 1e-5;
    const std::vector<std::int32_t> tokens_{3, 1, 4, 1, 5, 2, 6, 5, 3, 5, 0, 2};
    const std::vector<Variant> variants_{
        {true, false}, {false, false}, {true, true}, {false, true, AttentionMode::focused}};
};

TEST_F(AttentionAnalyses, WeightsAreTheDefinitions) {
    for (const Variant& variant : variants_) {
        SCOPED_TRACE(testing::Message() << variant.causal << variant.rotary);
        const auto model = make(variant);
        const AttentionAnalysis analysis = analyse_attention(device_, *model, kVocabulary, tokens_, 0);
        EXPECT_EQ(analysis.blocks, (std::vector<std::string>{"first", "second"}));
        EXPECT_EQ(analysis.causal, variant.causal);
        EXPECT_EQ(analysis.places, kPlaces);
        ASSERT_EQ(analysis.heads.size(), std::size_t{kHeads});
        std::int64_t above = 0, within = 0;
        for (const AttentionHead& head : analysis.heads)
            for (const float weight : head.weights.values) {
                above += weight > 0;
                within += weight > 0 && static_cast<double>(weight) <= analysis.scale_end;
            }
        EXPECT_NEAR(static_cast<double>(within) / static_cast<double>(above), 0.99, 0.01);
        const Doubles expected = expected_weights(*model, variant, tokens_);
        std::size_t at = 0;
        for (const AttentionHead& head : analysis.heads) {
            ASSERT_EQ(head.weights.shape, (Shape{kPlaces, kPlaces}));
            for (const float weight : head.weights.values)
                EXPECT_NEAR(static_cast<double>(weight), expected[at++], 1e-5);
        }
    }
}

TEST_F(AttentionAnalyses, EntropyAndSyntonyAreThoseOfTheRows) {
    for (const Variant& variant : variants_) {
        const auto model = make(variant);
        const Doubles expected = expected_weights(*model, variant, tokens_);
        std::size_t at = 0;
        for (const AttentionHead& head : analyse_attention(device_, *model, kVocabulary, tokens_, 0).heads) {
            double entropies = 0;
            for (std::size_t i = 0; i < kPlaces; ++i) {
                double entropy = 0;
                for (std::size_t j = 0; j < kPlaces; ++j, ++at)
                    if (expected[at] > 0) entropy -= expected[at] * std::log(expected[at]);
                EXPECT_NEAR(head.entropy[i], entropy, 1e-4);
                EXPECT_NEAR(head.syntony[i], 1 - entropy / std::log(12.0), 1e-4);
                entropies += entropy;
            }
            EXPECT_NEAR(head.mean_entropy, entropies / 12, 1e-4);
            EXPECT_NEAR(head.mean_syntony, 1 - entropies / 12 / std::log(12.0), 1e-4);
        }
    }
}

/// In every block: what the layer made without ever having the map is what the map makes of the values.
TEST_F(AttentionAnalyses, MapsTimesValuesAreTheLayersOutput) {
    const std::int64_t size = kWidth / kHeads;
    for (const Variant& variant : variants_) {
        const auto model = make(variant);
        for (const std::int64_t block : {0, 1}) {
            const AttentionAnalysis analysis =
                analyse_attention(device_, *model, kVocabulary, tokens_, block);
            const MultiHeadAttention& layer =
                *attention_layers(*model)[static_cast<std::size_t>(block)].attention;
            const HostTensor packed = layer.packed_rows(), mixed = layer.mixed_rows();
            for (std::int64_t h = 0; h < kHeads; ++h)
                for (std::int64_t i = 0; i < kPlaces; ++i)
                    for (std::int64_t d = 0; d < size; ++d) {
                        double sum = 0;
                        for (std::int64_t j = 0; j < kPlaces; ++j)
                            sum += static_cast<double>(
                                       analysis.heads[static_cast<std::size_t>(h)]
                                           .weights.values[static_cast<std::size_t>(i * kPlaces + j)]) *
                                   static_cast<double>(packed.values[static_cast<std::size_t>(
                                       j * 3 * kWidth + 2 * kWidth + h * size + d)]);
                        EXPECT_NEAR(static_cast<double>(
                                        mixed.values[static_cast<std::size_t>(i * kWidth + h * size + d)]),
                                    sum, 1e-5);
                    }
        }
    }
}

/// The places behind a short text are nobody's, and other passes do not know of it.
TEST_F(AttentionAnalyses, ShortTextsArePadded) {
    const std::vector<std::int32_t> text{2, 6, 0, 1, 1};
    for (const Variant& variant : variants_) {
        const auto model = make(variant);
        const AttentionAnalysis before = analyse_attention(device_, *model, kVocabulary, tokens_, 1);
        const AttentionAnalysis analysis = analyse_attention(device_, *model, kVocabulary, text, 0);
        EXPECT_EQ(analysis.places, 5);
        EXPECT_EQ(analysis.context, kPlaces);
        EXPECT_EQ(analysis.head_size, kWidth / kHeads);
        const Doubles expected = expected_weights(*model, variant, text);
        std::size_t at = 0;
        for (const AttentionHead& head : analysis.heads)
            for (const float weight : head.weights.values)
                EXPECT_NEAR(static_cast<double>(weight), expected[at++], 1e-5);
        const AttentionAnalysis after = analyse_attention(device_, *model, kVocabulary, tokens_, 1);
        for (std::size_t h = 0; h < kHeads; ++h)
            EXPECT_EQ(before.heads[h].weights.values, after.heads[h].weights.values);
    }
    // The second block meets only what the first made of the text itself: other padding, the same maps.
    const auto model = make({false, false});
    const AttentionAnalysis text_alone = analyse_attention(device_, *model, kVocabulary, text, 1);
    const auto narrow = make({false, false}, 5);
    const AttentionAnalysis fitting = analyse_attention(device_, *narrow, kVocabulary, text, 1);
    for (std::size_t h = 0; h < kHeads; ++h)
        for (std::size_t i = 0; i < 25; ++i)
            EXPECT_NEAR(text_alone.heads[h].weights.values[i], fitting.heads[h].weights.values[i], 1e-5);
}

TEST_F(AttentionAnalyses, WhatHasNoMapIsRefused) {
    const auto model = make({});
    EXPECT_THROW(analyse_attention(device_, *model, kVocabulary, {}, 0), Error);
    const std::vector<std::int32_t> longer(kPlaces + 1, 0);
    EXPECT_THROW(analyse_attention(device_, *model, kVocabulary, longer, 0), Error);
    for (const std::int64_t block : {-1, 2}) {
        try {
            analyse_attention(device_, *model, kVocabulary, tokens_, block);
            ADD_FAILURE() << "block " << block << " was accepted";
        } catch (const BadValue& error) {
            EXPECT_EQ(error.field(), "block");
        }
    }
    const Json options = complete(find_model("char-spectral").schema, {{"width", 4}, {"layers", 1}}, "test");
    const auto spectral = find_model("char-spectral")
                              .make({device_, options, {1, {kPlaces, 1, 1}}, kVocabulary, 1, 1, 1, Use::run});
    EXPECT_TRUE(attention_layers(*spectral).empty());
    EXPECT_THROW(analyse_attention(device_, *spectral, kVocabulary, tokens_, 0), Error);
}

/// As after a step that spoilt the weights.
TEST_F(AttentionAnalyses, WhatIsNotFiniteIsRefused) {
    const auto model = make({});
    Parameter& table = *model->layers().front()->parameters().front();
    HostTensor values = table.value.to_host(*backend_);
    std::ranges::fill(values.values, std::numeric_limits<float>::quiet_NaN());
    table.value.assign(*backend_, values);
    EXPECT_THROW(analyse_attention(device_, *model, kVocabulary, tokens_, 0), Error);
}

TEST_F(AttentionAnalyses, MapsBeyondTheLimitAreRefusedBeforeAnyPass) {
    const auto model = make({}, kMostMapPlaces + 1);
    const std::vector<std::int32_t> longest(kMostMapPlaces + 1, 0);
    try {
        analyse_attention(device_, *model, kVocabulary, longest, 0);
        ADD_FAILURE() << "513 places were accepted";
    } catch (const Error& error) {
        EXPECT_NE(std::string(error.what()).find("512 × 512"), std::string::npos) << error.what();
        EXPECT_FALSE(error.hint().empty());
    }
    if (too_large_to_test(kMostMapPlaces * kMostMapPlaces)) return;
    EXPECT_EQ(analyse_attention(device_, *model, kVocabulary, std::span(longest).first(5), 0).places, 5);
}

}  // namespace
}  // namespace spectral::test
