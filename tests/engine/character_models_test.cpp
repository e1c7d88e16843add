// The registry's models of text: ten steps against tests/golden/transformer_ten_steps.json, parameters, what
// is refused, and text that they write.
#include <gtest/gtest.h>

#include <fstream>

#include "engine/core/error.hpp"
#include "engine/core/json.hpp"
#include "engine/nn/registry.hpp"
#include "engine/optim/optimiser.hpp"
#include "engine/train/generate.hpp"
#include "tests/support/arrays.hpp"

namespace spectral::test {
namespace {

constexpr std::int64_t kContext = 8, kVocabulary = 11, kBatch = 4;

class CharacterModels : public testing::Test {
protected:
    std::unique_ptr<Backend> backend_ = open_backend("cpu", 2);
    MemoryBudget budget_;
    Device device_{*backend_, budget_};

    static Json options(const std::string& model, const Json& given) {
        Json small{{"width", 12}, {"layers", 2}, {"feed_forward_factor", 2}};
        if (model == "char-transformer") small["heads"] = 3;
        small.update(given);
        return complete(find_model(model).schema, small, model);
    }
    std::unique_ptr<Model> make(const std::string& name, const Json& given, Use use = Use::train) {
        return find_model(name).make(
            {device_, options(name, given), {1, {kContext}}, kVocabulary, kBatch, 1, 2, use});
    }
};

/// The generator's stream: see tests/golden/make_transformer_golden.py.
class Stream {
public:
    std::uint32_t draw() {
        state_ = state_ * 6364136223846793005U + 1442695040888963407U;
        return static_cast<std::uint32_t>(state_ >> 32);
    }

private:
    std::uint64_t state_ = 1;
};

TEST_F(CharacterModels, TenStepsAreThoseOfAnotherImplementation) {
    std::ifstream file(std::filesystem::path(__FILE__).parent_path() /
                       "../golden/transformer_ten_steps.json");
    ASSERT_TRUE(file);
    const Json golden = Json::parse(file);
    const std::pair<const char*, Json> runs[] = {{"plain", {{"embedding", "lookup"}, {"position", "golden"}}},
                                                 {"golden",
                                                  {{"embedding", "lookup"},
                                                   {"position", "rotary"},
                                                   {"feed_forward", "swiglu"},
                                                   {"residual", "golden"},
                                                   {"attention", "focused"}}}};
    for (const auto& [name, given] : runs) {
        SCOPED_TRACE(name);
        const auto model = make("char-transformer", given);
        Stream stream;
        for (Parameter* parameter : model->parameters()) {
            const double offset = parameter->name.ends_with("scale") ? 1 : 0;
            HostTensor start{parameter->value.shape(), {}};
            for (std::int64_t i = 0; i < parameter->value.size(); ++i)
                start.values.push_back(static_cast<float>(
                    offset + 0.3 * (static_cast<double>(stream.draw() >> 8) / 8388608.0 - 1)));
            parameter->value.assign(*backend_, start);
        }
        const auto adam = make_optimiser("adam", device_, model->parameters(), 0);
        const Buffer sums(device_, MemoryTag::workspace, sizeof(LossSums), "sums");
        const Json& steps = golden.at(name);
        ASSERT_EQ(steps.size(), 10);
        for (std::size_t step = 0; step < steps.size(); ++step) {
            std::vector<float> tokens;
            std::vector<std::int32_t> targets;
            for (std::int64_t b = 0; b < kBatch; ++b)
                for (std::int64_t t = 0; t <= kContext; ++t) {
                    const auto token = static_cast<std::int32_t>(stream.draw() % kVocabulary);
                    if (t < kContext) tokens.push_back(static_cast<float>(token));
                    if (t > 0) targets.push_back(token);
                }
            Array<float> x(*backend_, std::span<const float>(tokens));
            Array<std::int32_t> labels(*backend_, std::span<const std::int32_t>(targets));
            model->train_batch({.size = kBatch,
                                .x = x.data(),
                                .stride = kContext,
                                .labels = labels.data(),
                                .step = static_cast<std::int64_t>(step) + 1},
                               sums.as<LossSums>());
            const Json& expected = steps.at(step);
            EXPECT_NEAR(sums.as<LossSums>()->loss / (kBatch * kContext), expected.at("loss").get<double>(),
                        1e-5)
                << step;
            EXPECT_EQ(sums.as<LossSums>()->correct, expected.at("correct").get<std::int64_t>()) << step;
            double square = 0;
            for (const Parameter* parameter : model->parameters())
                for (const float g : parameter->gradient.to_host(*backend_).values)
                    square += static_cast<double>(g) * static_cast<double>(g);
            const double norm = expected.at("gradient_norm").get<double>();
            EXPECT_NEAR(std::sqrt(square), norm, 1e-4 * norm) << step;
            adam->update(static_cast<std::int64_t>(step) + 1, 1e-3);
        }
    }
}

TEST_F(CharacterModels, ParametersAreCountedBeforeTheyAreMade) {
    for (const char* name : {"char-transformer", "char-spectral"})
        for (const char* embedding : {"lookup", "syntonic", "winding"})
            for (const char* feed_forward : {"gelu", "swiglu"})
                for (const char* position : {"none", "golden"}) {
                    const Json given{{"embedding", embedding},
                                     {"feed_forward", feed_forward},
                                     {"position", position},
                                     {"dropout", 0.1}};
                    SCOPED_TRACE(name + given.dump());
                    const auto model = make(name, given);
                    EXPECT_EQ(model->parameter_count(),
                              find_model(name).count_parameters(options(name, given), {1, {kContext}},
                                                                kVocabulary));
                    EXPECT_EQ(model->predictions(), kContext);
                    EXPECT_EQ(make(name, given, Use::run)->parameter_count(), model->parameter_count());
                }
}

TEST_F(CharacterModels, NoPlaceSeesWhatFollows) {
    for (const char* name : {"char-transformer", "char-spectral"}) {
        SCOPED_TRACE(name);
        const auto model = make(name, Json::object());
        std::vector<float> tokens{1, 2, 3, 4, 5, 6, 7, 8};
        const auto scores = [&] {
            Array<float> x(*backend_, std::span<const float>(tokens)), y(*backend_, kContext * kVocabulary);
            model->infer({.size = 1, .x = x.data(), .stride = kContext}, y.data());
            return y.host();
        };
        const std::vector<float> before = scores();
        tokens[5] = 0;
        const std::vector<float> after = scores();
        for (std::size_t i = 0; i < static_cast<std::size_t>(5 * kVocabulary); ++i)
            EXPECT_NEAR(before[i], after[i], 1e-5F) << i;
        EXPECT_GT(relative_energy_error(after, to_doubles(before)), 1e-6);
    }
}

TEST_F(CharacterModels, WhatDoesNotFitIsRefusedByItsName) {
    const auto refused = [&](const std::string& name, const Json& given, const SignalShape& shape) {
        try {
            find_model(name).count_parameters(options(name, given), shape, kVocabulary);
        } catch (const BadValue& failure) {
            return failure.field();
        }
        return std::string();
    };
    const SignalShape window{1, {kContext}};
    EXPECT_EQ(refused("char-transformer", {{"heads", 5}}, window), "heads");
    EXPECT_EQ(refused("char-transformer", {{"heads", 4}, {"position", "rotary"}}, window), "heads");
    EXPECT_EQ(refused("char-transformer", {{"width", 9}}, window), "width");
    EXPECT_EQ(refused("char-transformer", {{"width", 9}, {"position", "none"}}, window), "");
    EXPECT_EQ(refused("char-transformer", Json::object(), {2, {kContext, kVocabulary}}), "features");
    EXPECT_EQ(refused("char-spectral", {{"filter_length", kContext + 1}}, window), "filter_length");
    EXPECT_EQ(refused("char-spectral", {{"filter_length", kContext}}, window), "");
}

/// Before its context is full, and long after.
TEST_F(CharacterModels, TextFollowsFromPromptAndSeed) {
    const auto model = make("char-transformer", Json::object());
    const std::vector<std::int32_t> prompt{3, 1};
    const auto text = [&](const Sampling& sampling) {
        return continue_tokens(device_, *model, kVocabulary, prompt, sampling);
    };
    const std::vector<std::int32_t> first = text({.length = 20, .seed = 4});
    ASSERT_EQ(first.size(), 20);
    for (const std::int32_t token : first) EXPECT_TRUE(token >= 0 && token < kVocabulary);
    EXPECT_EQ(text({.length = 20, .seed = 4}), first);
    EXPECT_NE(text({.length = 20, .seed = 5}), first);
    EXPECT_EQ(text({.length = 20, .temperature = 0, .seed = 4}),
              text({.length = 20, .temperature = 0, .seed = 5}));
    EXPECT_TRUE(text({.length = 0}).empty());
    EXPECT_THROW(text({.temperature = -1}), BadValue);
    EXPECT_THROW(text({.length = -1}), BadValue);
    EXPECT_THROW(continue_tokens(device_, *model, kVocabulary, {}, {}), BadValue);
    EXPECT_THROW(continue_tokens(device_, *model, kVocabulary, prompt, {},
                                 [](std::string_view, double) { return false; }),
                 Cancelled);
}

/// A cold draw is the likeliest token; a hot one comes close to all being equal.
TEST_F(CharacterModels, TemperatureSpreadsTheDraws) {
    const auto model = make("char-transformer", Json::object());
    for (Parameter* parameter : model->parameters()) {  // class 2 leads by 3 whatever came before
        HostTensor zero{parameter->value.shape(),
                        std::vector<float>(static_cast<std::size_t>(parameter->value.size()))};
        if (parameter == model->parameters().back()) zero.values[2] = 3;
        parameter->value.assign(*backend_, zero);
    }
    const std::vector<std::int32_t> prompt{0};
    const auto share = [&](double temperature) {
        const auto tokens = continue_tokens(device_, *model, kVocabulary, prompt,
                                            {.length = 400, .temperature = temperature});
        return static_cast<double>(std::ranges::count(tokens, 2)) / 400;
    };
    EXPECT_EQ(share(0), 1);
    EXPECT_NEAR(share(1), std::exp(3) / (std::exp(3) + 10), 0.08);
    EXPECT_NEAR(share(100), 1.0 / kVocabulary, 0.05);
}

}  // namespace
}  // namespace spectral::test
