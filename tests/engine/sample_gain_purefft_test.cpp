// PureFFT with gains of each sample's own: its definition in double precision, slopes, PureFFT as its case of
// flat spectra, and the model in the registry.
#include "engine/nn/sample_gain_purefft.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "engine/core/error.hpp"
#include "engine/nn/purefft.hpp"
#include "engine/nn/registry.hpp"
#include "tests/support/layer_slopes.hpp"

namespace spectral::test {
namespace {

struct Sizes {
    std::size_t patterns, layers, frequencies, classes;
};

/// Of one sample, layer after layer, as the formula stands.
std::vector<double> definition(const std::vector<std::vector<float>>& parameters, std::vector<double> x,
                               const Sizes& n) {
    const auto at = [&](std::size_t parameter, std::size_t row, std::size_t f) {
        return static_cast<double>(parameters[parameter][row * n.frequencies + f]);
    };
    double energy = 0;
    for (const double value : x) energy += value * value;
    std::vector<double> u;
    for (const double value : x)
        u.push_back(energy > 0 ? value * std::sqrt(static_cast<double>(n.frequencies) / energy) : 0);
    for (std::size_t layer = 0; layer < n.layers; ++layer) {
        std::vector<double> weights;
        double sum = 0;
        for (std::size_t p = 0; p < n.patterns; ++p) {
            double score = 0;
            for (std::size_t f = 0; f < n.frequencies; ++f) score += u[f] * at(0, p, f) * at(1, layer, f);
            weights.push_back(std::exp(score));
            sum += weights.back();
        }
        for (std::size_t f = 0; f < n.frequencies; ++f) {
            double gain = 0;
            for (std::size_t p = 0; p < n.patterns; ++p) gain += weights[p] / sum * at(0, p, f);
            x[f] *= gain;
        }
    }
    std::vector<double> logits;
    for (std::size_t k = 0; k < n.classes; ++k) {
        logits.push_back(0);
        for (std::size_t f = 0; f < n.frequencies; ++f) logits.back() += x[f] * at(2, k, f);
    }
    return logits;
}

class SampleGains : public LayerTest {
protected:
    std::vector<std::vector<float>> draw(Layer& layer) {
        std::vector<std::vector<float>> values;
        for (Parameter* parameter : layer.parameters()) {
            values.push_back(normal_values(parameter->value.size(), 1 + values.size(), 0.5));
            parameter->value.assign(*backend_, {parameter->value.shape(), values.back()});
        }
        return values;
    }
};

TEST_F(SampleGains, ForwardIsTheDefinition) {
    constexpr std::int64_t kPatterns = 3, kClasses = 4, kBatch = 5, kStride = 16;
    for (const std::int64_t frequencies : {7, 8}) {
        for (const std::int64_t layers : {1, 2, 4}) {
            for (const Use use : {Use::train, Use::run}) {
                SCOPED_TRACE(testing::Message() << frequencies << " " << layers);
                SampleGainPureFftLayer layer(device_, "purefft", kPatterns, layers, frequencies, kClasses,
                                             kBatch, use);
                const auto parameters = draw(layer);
                std::vector<float> x = normal_values(kBatch * frequencies, 9);
                std::fill_n(x.begin() + frequencies, frequencies, 0.0F);  // silence
                std::vector<float> apart(kBatch * kStride, 7.0F);         // rows backwards, with gaps
                std::vector<std::uint32_t> picked;
                std::vector<double> expected;
                for (std::int64_t b = 0; b < kBatch; ++b) {
                    const auto row = x.begin() + b * frequencies;
                    std::copy_n(row, frequencies, apart.begin() + (kBatch - 1 - b) * kStride);
                    picked.push_back(static_cast<std::uint32_t>(kBatch - 1 - b));
                    const std::vector<double> logits =
                        definition(parameters, {row, row + frequencies},
                                   {kPatterns, static_cast<std::size_t>(layers),
                                    static_cast<std::size_t>(frequencies), kClasses});
                    expected.insert(expected.end(), logits.begin(), logits.end());
                }
                Array<float> input(*backend_, std::span<const float>(apart)), y(*backend_, kBatch * kClasses);
                Array<std::uint32_t> rows(*backend_, std::span<const std::uint32_t>(picked));
                layer.forward(kBatch, {input.data(), kStride, rows.data()}, y.data(), false);
                EXPECT_LE(relative_energy_error(y.host(), expected), kEnergyTolerance);
            }
        }
    }
}

TEST_F(SampleGains, BackwardIsTheSlopeOfForward) {
    for (const std::int64_t layers : {1, 2, 3}) {
        SCOPED_TRACE(layers);
        SampleGainPureFftLayer layer(device_, "purefft", 3, layers, 5, 4, 6);
        expect_slopes(*backend_, layer, 6, normal_values(30, 90));
    }
}

/// And where a spectrum is not flat, it is not: the sample counts.
TEST_F(SampleGains, AreThoseOfTheSourceForFlatSpectra) {
    constexpr std::int64_t kFrequencies = 16, kClasses = 4;  // of rows as the source wants them
    SampleGainPureFftLayer layer(device_, "purefft", 5, 2, kFrequencies, kClasses, 2);
    PureFftLayer source(device_, "purefft", {5, 2}, kFrequencies, kClasses, 2);
    for (const bool first : {true, false}) {
        if (!first) {
            const auto values = draw(layer);
            for (std::size_t i = 0; i < values.size(); ++i) {
                Parameter& parameter = *source.parameters()[i];
                parameter.value.assign(*backend_, {parameter.value.shape(), values[i]});
            }
        }
        std::vector<float> x(2 * kFrequencies, 3.0F);
        std::fill(x.begin() + kFrequencies, x.end(), 0.25F);
        EXPECT_LE(relative_energy_error(run(layer, 2, x), to_doubles(run(source, 2, x))), kEnergyTolerance);
        for (std::size_t f = 0; f < x.size(); f += 2) x[f] *= 4;
        if (!first) {
            EXPECT_GT(relative_energy_error(run(layer, 2, x), to_doubles(run(source, 2, x))), 1e-4);
        }
    }
}

TEST_F(SampleGains, OnlyRunHoldsNoGradient) {
    expect_only_run_is_the_same(
        *backend_,
        [](Device device, Use use) {
            return std::make_unique<SampleGainPureFftLayer>(device, "purefft", 3, 2, 5, 4, 2, use);
        },
        2);
}

TEST_F(SampleGains, GiveNoGradientByTheirInput) {
    SampleGainPureFftLayer layer(device_, "purefft", 3, 2, 5, 4, 2);
    Array<float> y(*backend_, 8), dx(*backend_, 10);
    EXPECT_THROW(layer.backward(2, y.data(), dx.data()), Error);
}

TEST_F(SampleGains, TheModelCountsItsParameters) {
    const ModelInfo& info = find_model("purefft-per-sample");
    for (const char* given : {"{}", R"({"patterns": 3, "layers": 4})"}) {
        const Json options = complete(info.schema, Json::parse(given), "test");
        const SignalShape spectrum{2, {6, 4}};  // of an image
        const auto model = info.make({device_, options, spectrum, 10, 2, 1, 1});
        EXPECT_EQ(model->parameter_count(), info.count_parameters(options, spectrum, 10));
        EXPECT_EQ(model->patterns().size(), 3);
    }
}

}  // namespace
}  // namespace spectral::test
