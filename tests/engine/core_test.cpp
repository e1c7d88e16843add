// Random streams, the memory budget, shapes, tensors on failing memory, schemas.
#include <gtest/gtest.h>

#include <numeric>
#include <set>

#include "engine/core/error.hpp"
#include "engine/core/memory_budget.hpp"
#include "engine/core/random.hpp"
#include "engine/core/schema.hpp"
#include "engine/core/tensor.hpp"
#include "engine/nn/registry.hpp"
#include "engine/train/config.hpp"
#include "tests/support/fault_backend.hpp"

namespace spectral::test {
namespace {

TEST(Random, PhiloxGivesThePublishedValues) {
    // Known answers of the Random123 distribution, philox4x32-10.
    EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}),
              (std::array<std::uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
    EXPECT_EQ(philox({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
              (std::array<std::uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
    EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
              (std::array<std::uint32_t, 4>{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Random, StreamsDifferAndMomentsAreRight) {
    Random a(1, 2), b(1, 3), again(1, 2);
    double mean = 0, square = 0;
    int same = 0;
    for (int i = 0; i < 20000; ++i) {
        const double x = a.normal();
        EXPECT_EQ(x, again.normal());
        same += x == b.normal();
        mean += x / 20000;
        square += x * x / 20000;
    }
    EXPECT_EQ(same, 0);
    EXPECT_NEAR(mean, 0, 0.03);
    EXPECT_NEAR(square, 1, 0.05);
}

TEST(Random, ShuffleIsAPermutation) {
    std::vector<std::uint32_t> values(1000);
    std::iota(values.begin(), values.end(), 0U);
    Random(7).shuffle(values);
    EXPECT_FALSE(std::ranges::is_sorted(values));
    EXPECT_EQ(std::set<std::uint32_t>(values.begin(), values.end()).size(), 1000U);
}

TEST(MemoryBudget, CountsByTagAndGivesBack) {
    MemoryBudget budget(1000);
    {
        const Reservation a = budget.reserve(MemoryTag::data, 600, "features");
        Reservation b = budget.reserve(MemoryTag::parameters, 300, "pool");
        b = budget.reserve(MemoryTag::parameters, 100, "pool");
        EXPECT_EQ(budget.total().current, 700U);
        EXPECT_EQ(budget.total().peak, 1000U);
        EXPECT_EQ(budget.usage(MemoryTag::data).current, 600U);
        EXPECT_EQ(budget.usage(MemoryTag::parameters).count, 1U);
    }
    EXPECT_EQ(budget.total().current, 0U);
    EXPECT_EQ(budget.total().count, 0U);
}

TEST(MemoryBudget, SaysWhoAskedAndWhoHolds) {
    MemoryBudget budget(10 << 20);
    const Reservation held = budget.reserve(MemoryTag::data, 8 << 20, "training features");
    try {
        const Reservation more = budget.reserve(MemoryTag::optimiser, 3 << 20, "moments");
        FAIL() << "the limit was passed";
    } catch (const Error& error) {
        const std::string text = error.what();
        for (const char* part : {"moments", "optimiser", "3.0 MiB", "10.0 MiB", "training features 8.0 MiB"})
            EXPECT_NE(text.find(part), std::string::npos) << part << " is not in: " << text;
        EXPECT_FALSE(error.hint().empty());
    }
    EXPECT_EQ(budget.total().current, std::size_t{8} << 20);
}

/// So that who grows is named, not who begins.
TEST(MemoryBudget, HasNothingToGiveAlsoBeyondItsLimit) {
    MemoryBudget budget;
    const Reservation held = budget.reserve(MemoryTag::data, 200, "data");
    budget.set_limit(100);
    Reservation file = budget.reserve(MemoryTag::workspace, 0, "file");
    EXPECT_EQ(file.bytes(), 0U);
    EXPECT_THROW(file.grow(1), OverLimit);
    file.grow(0);
}

TEST(Shape, RefusesWhatCannotBe) {
    EXPECT_EQ((Shape{2, 3, 4}.size()), 24);
    EXPECT_EQ(Shape().size(), 1);
    EXPECT_EQ((Shape{5, 0}.size()), 0);
    EXPECT_THROW((Shape{1, 1, 1, 1, 1, 1, 1, 1, 1}), Error);
    EXPECT_THROW((Shape{-1}), Error);
    EXPECT_THROW((Shape{std::int64_t{1} << 40, std::int64_t{1} << 40}), Error);
}

/// Whatever allocation fails while a model is made, it is an Error, and every byte comes back.
TEST(FailingMemory, EveryAllocationOfAModelMayFail) {
    std::int64_t needed = 0;
    for (std::int64_t fail_at = 1; fail_at <= needed + 1; ++fail_at) {
        FaultBackend backend(fail_at);
        MemoryBudget budget;
        const ModelInfo& info = find_model("mlp");
        const ModelRequest request{
            {backend, budget}, complete(info.schema, {}, "mlp"), {1, {20}}, 3, 8, 1, 2};
        try {
            const auto model = info.make(request);
            needed = 0;
        } catch (const Error& error) {
            EXPECT_NE(std::string(error.what()).find("fault backend"), std::string::npos);
            needed = fail_at + 1;
        }
        EXPECT_EQ(backend.live_bytes(), 0);
        EXPECT_EQ(budget.total().current, 0U);
        if (fail_at == 1) {
            ASSERT_GT(needed, 0);
        }
    }
}

TEST(Schema, ChecksTypesRangesAndNames) {
    const Schema schema{{"patterns", FieldType::integer, 8, "patterns", "rows", 1, 256},
                        {"kind", FieldType::choice, "a", "kind", "which", 0, 0, {"a", "b"}}};
    EXPECT_EQ(complete(schema, {{"patterns", 4}}, "model x"), (Json{{"patterns", 4}, {"kind", "a"}}));
    for (const Json& bad :
         {Json{{"patterns", 0}}, Json{{"patterns", 257}}, Json{{"patterns", "4"}}, Json{{"patterns", 4.5}},
          Json{{"kind", "c"}}, Json{{"other", 1}}, Json::array({1})})
        EXPECT_THROW(complete(schema, bad, "model x"), Error) << bad.dump();
    EXPECT_EQ(parse_field(schema[0], "16", "model x"), 16);
    EXPECT_THROW(parse_field(schema[0], "16x", "model x"), Error);
    EXPECT_THROW(parse_field(schema[0], "99999999999999999999", "model x"), Error);
}

TEST(Config, SurvivesJsonAndNamesWhatIsWrong) {
    ExperimentConfig config;
    config.model = "mlp";
    config.dataset = "tones";
    config = resolved(config);
    EXPECT_EQ(config.features, "raw");
    EXPECT_EQ(config_from_json(to_json(config), "test"), config);
    for (const Json& bad :
         {Json{{"epochs", "three"}}, Json{{"batch", 0}}, Json{{"model", 3}}, Json{{"nonsense", 1}},
          Json{{"model_options", {{"hidden", 5}}}}, Json{{"learning_rate", nullptr}}})
        EXPECT_THROW(config_from_json(bad, "test"), Error) << bad.dump();
}

/// A model that reads pairs or tokens in any row of numbers would train on nonsense without a word.
TEST(Config, RefusesFeaturesThatAreNothingToTheModel) {
    const auto refused = [](const std::string& model, const std::string& features) {
        ExperimentConfig config;
        config.model = model;
        config.features = features;
        try {
            resolved(config);
            return false;
        } catch (const BadValue& bad) {
            EXPECT_EQ(bad.field(), "features");
            EXPECT_NE(std::string(bad.what()).find(features), std::string::npos);
            EXPECT_NE(bad.hint().find(find_model(model).features), std::string::npos);
            return true;
        }
    };
    for (const ModelInfo& model : model_registry()) EXPECT_FALSE(refused(model.name, "auto")) << model.name;
    for (const char* features : {"raw", "rfft_magnitude", "rfft2_magnitude", "log_magnitude", "tokens"})
        EXPECT_TRUE(refused("purefft-complex", features)) << features;
    EXPECT_FALSE(refused("purefft-complex", "rfft2_complex"));
    EXPECT_TRUE(refused("char-spectral", "raw"));
    EXPECT_FALSE(refused("logistic", "rfft_complex"));
}

}  // namespace
}  // namespace spectral::test
