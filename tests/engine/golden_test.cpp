// Ten Adam steps of PureFFT and of global filters against numbers that scripts computed from the formulas.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <numbers>

#include "engine/data/features.hpp"
#include "engine/nn/dense.hpp"
#include "engine/nn/global_filter.hpp"
#include "engine/nn/network_model.hpp"
#include "engine/nn/purefft.hpp"
#include "engine/optim/optimiser.hpp"
#include "tests/support/arrays.hpp"

namespace spectral::test {
namespace {

constexpr std::int64_t kSteps = 10, kBatch = 32, kPixels = 784;

/// The generator's stream: see tests/golden/make_purefft_golden.py.
class Stream {
public:
    std::uint32_t draw() {
        state_ = state_ * 6364136223846793005U + 1442695040888963407U;
        return static_cast<std::uint32_t>(state_ >> 32);
    }

    HostTensor parameter(const Shape& shape, double offset, double amplitude) {
        HostTensor result{shape, {}};
        for (std::int64_t i = 0; i < shape[0]; ++i) {
            for (std::int64_t t = 0; t < shape[1]; ++t) {
                const double noise = static_cast<double>(draw() >> 8) / 8388608.0 - 1;
                const double angle = 2 * std::numbers::pi * static_cast<double>(i) * static_cast<double>(t) /
                                     static_cast<double>(shape[0]);
                result.values.push_back(
                    static_cast<float>(offset + 0.02 * std::cos(angle) + amplitude * noise));
            }
        }
        return result;
    }

    /// `count` values of noise in [−amplitude, amplitude).
    std::vector<float> noise(std::int64_t count, double amplitude) {
        std::vector<float> values;
        for (std::int64_t i = 0; i < count; ++i)
            values.push_back(
                static_cast<float>(amplitude * (static_cast<double>(draw() >> 8) / 8388608.0 - 1)));
        return values;
    }

    void sample(Samples& samples) {
        samples.labels.push_back(static_cast<std::int32_t>(draw() % 10));
        auto& pixels = std::get<std::vector<std::uint8_t>>(samples.values);
        for (std::int64_t i = 0; i < kPixels; ++i) {
            const std::uint32_t value = draw();
            pixels.push_back(value % 4 == 0 ? static_cast<std::uint8_t>(value >> 24) : std::uint8_t{0});
        }
    }

private:
    std::uint64_t state_ = 1;
};

double largest_difference(const std::vector<float>& ours, const Json& theirs) {
    double worst = 0;
    std::size_t i = 0;
    const auto compare = [&](const Json& value) {
        worst = std::max(worst, std::abs(static_cast<double>(ours.at(i++)) - value.get<double>()));
    };
    for (const Json& row : theirs) {
        if (!row.is_array()) {
            compare(row);
            continue;
        }
        for (const Json& value : row) compare(value);
    }
    EXPECT_EQ(i, ours.size());
    return worst;
}

Json read_golden(const std::string& name) {
    std::ifstream file(std::filesystem::path(__FILE__).parent_path() / "../golden" / name);
    EXPECT_TRUE(file) << name;
    return Json::parse(file);
}

TEST(Golden, TenStepsOfPureFft) {
    const Json golden = read_golden("purefft_ten_steps.json");
    Stream check;
    for (const Json& value : golden.at("lcg").at("first_draws"))
        ASSERT_EQ(check.draw(), value.get<std::uint32_t>());

    const auto backend = open_backend("cpu", 2);
    MemoryBudget budget;
    const Device device{*backend, budget};
    PureFftLayer layer(device, "purefft", {8, 2}, 393, 10, kBatch);
    const std::vector<Parameter*> parameters = layer.parameters();
    Stream stream;
    parameters[0]->value.assign(*backend, stream.parameter({8, 393}, 0.1, 0.05));
    parameters[1]->value.assign(*backend, stream.parameter({2, 393}, 0, 1.0));
    parameters[2]->value.assign(*backend, stream.parameter({10, 393}, 0, 0.5));
    const auto adam = make_optimiser("adam", device, parameters, 0);
    const Buffer sums(device, MemoryTag::workspace, sizeof(LossSums), "sums");
    const char* names[] = {"pool", "layer_patterns", "class_patterns"};

    for (std::int64_t step = 0; step < kSteps; ++step) {
        Samples samples{{2, {28, 28, 1}},
                        std::vector<std::uint8_t>(),
                        static_cast<float>(1 / (255 * 0.3081)),
                        static_cast<float>(-0.1307 / 0.3081),
                        {},
                        {}};
        for (std::int64_t b = 0; b < kBatch; ++b) stream.sample(samples);
        const FeatureMatrix features = compute_features(device, samples, "rfft_magnitude", "golden");
        layer.train_batch(kBatch, {features.values.data(), features.stride, nullptr}, samples.labels.data(),
                          sums.as<LossSums>());
        const Json& expected = golden.at("steps").at(static_cast<std::size_t>(step));
        const double loss = expected.at("loss").get<double>();
        EXPECT_NEAR(sums.as<LossSums>()->loss / kBatch, loss, 1e-6 * loss) << "step " << step;
        EXPECT_EQ(sums.as<LossSums>()->correct, expected.at("correct").get<std::int64_t>())
            << "step " << step;
        for (std::size_t i = 0; i < 3; ++i) {
            double square = 0;
            for (const float g : parameters[i]->gradient.to_host(*backend).values)
                square += static_cast<double>(g) * static_cast<double>(g);
            const double norm = expected.at("gradient_norms").at(names[i]).get<double>();
            EXPECT_NEAR(std::sqrt(square), norm, 1e-5 * norm) << names[i] << ", step " << step;
        }
        adam->update(step + 1, 1e-3);
    }
    for (std::size_t i = 0; i < 3; ++i)
        EXPECT_LE(largest_difference(parameters[i]->value.to_host(*backend).values,
                                     golden.at("final").at(names[i])),
                  3e-6)
            << names[i];
    EXPECT_LE(largest_difference(layer.gain().gain.values, golden.at("final").at("gain")), 5e-8);
}

/// See tests/golden/make_global_filter_golden.py.
TEST(Golden, TenStepsOfGlobalFilters) {
    constexpr std::int64_t kFewer = 8, kImage = 12 * 10, kClasses = 5;
    const Json golden = read_golden("global_filter_ten_steps.json");
    const auto backend = open_backend("cpu", 2);
    MemoryBudget budget;
    const Device device{*backend, budget};
    const SignalShape image{2, {12, 10}};
    std::vector<std::unique_ptr<Layer>> layers;
    layers.push_back(std::make_unique<GlobalFilter>(device, "first", GlobalFilterShape{image, 1, 3, 1},
                                                    FilterActivation::relu, 0, kFewer, 1, 1));
    layers.push_back(std::make_unique<GlobalFilter>(device, "second", GlobalFilterShape{image, 3, 4, 1},
                                                    FilterActivation::mod_relu, 0, kFewer, 1, 2));
    layers.push_back(std::make_unique<Dense>(device, "output", 4 * kImage, kClasses, kFewer, 1, 3));
    NetworkModel model({device, Json::object(), image, kClasses, kFewer, 1, 2, Use::train},
                       std::move(layers));
    const std::vector<Parameter*> parameters = model.parameters();
    const std::vector<std::pair<const char*, double>> names{
        {"filter1", 1.0}, {"filter2", 0.7}, {"mod_relu", 3.0}, {"weight", 0.05}, {"bias", 0.1}};
    ASSERT_EQ(parameters.size(), names.size());
    Stream stream;
    for (std::size_t i = 0; i < names.size(); ++i)
        parameters[i]->value.assign(*backend, {parameters[i]->value.shape(),
                                               stream.noise(parameters[i]->value.size(), names[i].second)});
    const auto adam = make_optimiser("adam", device, parameters, 0);
    const Buffer sums(device, MemoryTag::workspace, sizeof(LossSums), "sums");
    for (std::int64_t step = 0; step < kSteps; ++step) {
        std::vector<std::int32_t> labels;
        std::vector<float> x;
        for (std::int64_t b = 0; b < kFewer; ++b) {
            labels.push_back(static_cast<std::int32_t>(stream.draw() % kClasses));
            const std::vector<float> values = stream.noise(kImage, 1);
            x.insert(x.end(), values.begin(), values.end());
        }
        Array<float> rows(*backend, std::span<const float>(x));
        Array<std::int32_t> classes(*backend, std::span<const std::int32_t>(labels));
        model.train_batch({kFewer, rows.data(), kImage, nullptr, classes.data(), step + 1},
                          sums.as<LossSums>());
        const Json& expected = golden.at("steps").at(static_cast<std::size_t>(step));
        const double loss = expected.at("loss").get<double>();
        EXPECT_NEAR(sums.as<LossSums>()->loss / kFewer, loss, 1e-5 * loss) << "step " << step;
        EXPECT_EQ(sums.as<LossSums>()->correct, expected.at("correct").get<std::int64_t>());
        for (std::size_t i = 0; i < names.size(); ++i) {
            double square = 0;
            for (const float g : parameters[i]->gradient.to_host(*backend).values)
                square += static_cast<double>(g) * static_cast<double>(g);
            const double norm = expected.at("gradient_norms").at(names[i].first).get<double>();
            EXPECT_NEAR(std::sqrt(square), norm, 1e-4 * norm) << names[i].first << ", step " << step;
        }
        adam->update(step + 1, 1e-2);
    }
}

}  // namespace
}  // namespace spectral::test
