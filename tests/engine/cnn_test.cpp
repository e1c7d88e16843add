// The convolutional networks of the registry: ten Adam steps against tests/golden/cnn_ten_steps.json, which
// PyTorch computed; parameters counted without building; options that do not fit.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <numbers>

#include "engine/core/error.hpp"
#include "engine/nn/registry.hpp"
#include "engine/optim/optimiser.hpp"
#include "tests/support/arrays.hpp"
#include "tests/support/backend_under_test.hpp"

namespace spectral::test {
namespace {

/// The generator's stream: see tests/golden/make_cnn_golden.py.
class Stream {
public:
    std::uint32_t draw() {
        state_ = state_ * 6364136223846793005U + 1442695040888963407U;
        return static_cast<std::uint32_t>(state_ >> 32);
    }
    std::vector<float> noise(std::int64_t size, double offset, double amplitude) {
        std::vector<float> values;
        for (std::int64_t i = 0; i < size; ++i)
            values.push_back(
                static_cast<float>(offset + amplitude * (static_cast<double>(draw() >> 8) / 8388608.0 - 1)));
        return values;
    }

private:
    std::uint64_t state_ = 1;
};

SignalShape shape_of(const Json& extents) {
    SignalShape shape{static_cast<int>(extents.size()), {}};
    for (std::size_t axis = 0; axis < extents.size(); ++axis)
        shape.extent[axis] = extents[axis].get<std::int64_t>();
    return shape;
}

class Cnn : public testing::Test {
protected:
    static constexpr std::int64_t kSteps = 10, kBatch = 6, kClasses = 5;

    std::unique_ptr<Backend> backend_ = open_tested(2);
    MemoryBudget budget_;
    Device device_{*backend_, budget_};

    std::unique_ptr<Model> make(const Json& options, const SignalShape& shape,
                                std::string_view model = "cnn") {
        const ModelInfo& info = find_model(model);
        return info.make(
            {device_, complete(info.schema, options, model), shape, kClasses, kBatch, 1, 2, Use::train});
    }

    void expect_golden(const Json& golden) {
        const SignalShape shape = shape_of(golden.at("shape"));
        const auto model = make(golden.at("options"), shape);
        std::vector<Parameter*> trained, statistics;
        for (Parameter* parameter : model->parameters())
            (parameter->trained ? trained : statistics).push_back(parameter);
        Stream stream;
        for (Parameter* parameter : trained)
            parameter->value.assign(
                *backend_, {parameter->value.shape(),
                            stream.noise(parameter->value.size(), parameter->name == "scale" ? 1 : 0, 0.3)});
        const auto adam = make_optimiser("adam", device_, model->parameters(), 0);
        const Buffer sums(device_, MemoryTag::workspace, sizeof(LossSums), "sums");
        Array<float> x(*backend_, kBatch * shape.size()), logits(*backend_, kBatch * kClasses);
        Array<std::int32_t> labels(*backend_, kBatch);
        Batch batch{kBatch, x.data(), shape.size(), nullptr, labels.data()};
        for (std::int64_t step = 0; step < kSteps; ++step) {
            SCOPED_TRACE(step);
            std::vector<std::int32_t> truth;
            std::vector<float> values;
            for (std::int64_t b = 0; b < kBatch; ++b) {
                truth.push_back(static_cast<std::int32_t>(stream.draw() % kClasses));
                const std::vector<float> sample = stream.noise(shape.size(), 0, 1);
                values.insert(values.end(), sample.begin(), sample.end());
            }
            backend_->copy_to_device(x.data(), values.data(), values.size() * sizeof(float));
            backend_->copy_to_device(labels.data(), truth.data(), truth.size() * sizeof(std::int32_t));
            batch.step = step + 1;
            model->train_batch(batch, sums.as<LossSums>());
            LossSums found;
            backend_->copy_to_host(&found, sums.data(), sizeof found);
            const Json& expected = golden.at("steps").at(static_cast<std::size_t>(step));
            EXPECT_NEAR(found.loss / kBatch, expected.at("loss").get<double>(), 2e-6);
            EXPECT_EQ(found.correct, expected.at("correct").get<std::int64_t>());
            ASSERT_EQ(trained.size(), expected.at("gradient_norms").size());
            for (std::size_t i = 0; i < trained.size(); ++i) {
                double square = 0;
                for (const float g : trained[i]->gradient.to_host(*backend_).values)
                    square += static_cast<double>(g) * static_cast<double>(g);
                const auto norm = expected.at("gradient_norms").at(i).get<double>();
                EXPECT_NEAR(std::sqrt(square), norm, 5e-5 * norm + 1e-6) << trained[i]->name;
            }
            adam->update(step + 1, 1e-3);
        }
        ASSERT_EQ(statistics.size(), golden.at("statistics").size());
        for (std::size_t i = 0; i < statistics.size(); ++i)
            expect_near(statistics[i]->value.to_host(*backend_).values, golden.at("statistics").at(i));
        model->infer(batch, logits.data());
        std::vector<double> evaluated;
        for (const Json& row : golden.at("evaluated"))
            for (const Json& value : row) evaluated.push_back(value.get<double>());
        expect_near(logits.host(), evaluated);
    }

    static void expect_near(const std::vector<float>& found, const std::vector<double>& expected) {
        ASSERT_EQ(found.size(), expected.size());
        for (std::size_t i = 0; i < found.size(); ++i)
            EXPECT_NEAR(static_cast<double>(found[i]), expected[i], 2e-5) << i;
    }
};

TEST_F(Cnn, TenStepsAreThoseOfPyTorch) {
    std::ifstream file(std::filesystem::path(__FILE__).parent_path() / "../golden/cnn_ten_steps.json");
    ASSERT_TRUE(file);
    const Json golden = Json::parse(file);
    ASSERT_EQ(golden.size(), 4);
    for (const auto& [name, network] : golden.items()) {
        SCOPED_TRACE(name);
        expect_golden(network);
    }
}

TEST_F(Cnn, ParametersAreCountedWithoutBuilding) {
    const ModelInfo& info = find_model("cnn");
    const std::pair<SignalShape, Json> cases[] = {
        {{2, {28, 28}}, Json::object()},
        {{1, {97}}, {{"kernel", 9}, {"blocks", 3}, {"batch_norm", false}, {"dense", 0}}},
        {{3, {3, 16, 12}}, {{"padding", "valid"}, {"pooling", "spectral"}, {"channels", 5}}},
        {{3, {6, 8, 7}}, {{"global_pool", true}, {"pool", 1}, {"pooling", "average"}}}};
    for (const auto& [shape, options] : cases) {
        SCOPED_TRACE(options.dump());
        EXPECT_EQ(make(options, shape)->parameter_count(),
                  info.count_parameters(complete(info.schema, options, "cnn"), shape, kClasses));
    }
}

TEST_F(Cnn, SyntonicNetworksHaveNormsOfVarianceOneOverPhi) {
    const SignalShape shape{2, {8, 6}};
    const Json options{{"channels", 3}, {"dense", 0}};
    const auto model = make(options, shape, "syntonic-cnn");
    const ModelInfo& info = find_model("syntonic-cnn");
    EXPECT_EQ(model->parameter_count(),
              info.count_parameters(complete(info.schema, options, info.name), shape, kClasses));
    std::vector<std::string> kinds;
    for (Layer* layer : model->layers()) {
        kinds.emplace_back(layer->kind());
        if (!layer->kind().ends_with("norm")) continue;
        EXPECT_NEAR(std::pow(layer->config().at("gain").get<double>(), 2), 1 / std::numbers::phi, 1e-6);
    }
    EXPECT_EQ(kinds,
              (std::vector<std::string>{"convolution", "golden-norm", "relu", "max-pool", "convolution",
                                        "golden-norm", "relu", "max-pool", "layer-norm", "dense"}));
}

TEST_F(Cnn, KernelsLargerThanTheMapsAreRefusedByName) {
    const auto field_of = [&](const SignalShape& shape, const Json& options) -> std::string {
        try {
            make(options, shape);
        } catch (const BadValue& failure) {
            return failure.field();
        }
        return "nothing";
    };
    EXPECT_EQ(field_of({2, {8, 5}}, {{"kernel", 6}}), "kernel");
    EXPECT_EQ(field_of({2, {8, 8}}, {{"kernel", 5}, {"blocks", 3}}), "blocks");
    EXPECT_EQ(field_of({2, {8, 8}}, {{"kernel", 2}, {"blocks", 3}}), "nothing");
    EXPECT_EQ(field_of({4, {4, 4, 4, 4}}, {{"kernel", 2}}), "features");
}

}  // namespace
}  // namespace spectral::test
