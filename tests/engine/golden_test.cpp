// Ten Adam steps of PureFFT against tests/golden/purefft_ten_steps.json, which a script computed from the
// formulas.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <numbers>

#include "engine/data/features.hpp"
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

TEST(Golden, TenStepsOfPureFft) {
    std::ifstream file(std::filesystem::path(__FILE__).parent_path() / "../golden/purefft_ten_steps.json");
    ASSERT_TRUE(file);
    const Json golden = Json::parse(file);
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

}  // namespace
}  // namespace spectral::test
