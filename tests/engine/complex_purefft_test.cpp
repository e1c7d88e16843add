// PureFFT on complex spectra: its definition in double precision, slopes, PureFFT as its real case, and the
// model in the registry.
#include "engine/nn/complex_purefft.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>

#include "engine/core/error.hpp"
#include "engine/nn/complex_hidden.hpp"
#include "engine/nn/purefft.hpp"
#include "engine/nn/registry.hpp"
#include "tests/support/complex_values.hpp"
#include "tests/support/layer_slopes.hpp"

namespace spectral::test {
namespace {

using Row = std::vector<std::complex<double>>;

Row row(const std::vector<float>& values, std::int64_t i, std::int64_t bins) {
    Row result;
    for (auto f = static_cast<std::size_t>(i * bins); f < static_cast<std::size_t>((i + 1) * bins); ++f)
        result.emplace_back(values[2 * f], values[2 * f + 1]);
    return result;
}

double real_product(const Row& a, const Row& b) {
    double sum = 0;
    for (std::size_t f = 0; f < a.size(); ++f) sum += (a[f] * std::conj(b[f])).real();
    return sum;
}

/// Layer after layer, as the formula stands.
std::vector<double> definition(const std::vector<std::vector<float>>& parameters, const std::vector<float>& x,
                               std::int64_t patterns, std::int64_t layers, std::int64_t bins,
                               std::int64_t classes, std::int64_t batch) {
    std::vector<double> logits;
    for (std::int64_t b = 0; b < batch; ++b) {
        Row signal = row(x, b, bins);
        for (std::int64_t layer = 0; layer < layers; ++layer) {
            std::vector<double> weights;
            double sum = 0;
            for (std::int64_t p = 0; p < patterns; ++p) {
                weights.push_back(
                    std::exp(real_product(row(parameters[0], p, bins), row(parameters[1], layer, bins))));
                sum += weights.back();
            }
            Row next(signal.size());
            for (std::int64_t p = 0; p < patterns; ++p) {
                const Row pattern = row(parameters[0], p, bins);
                for (std::size_t f = 0; f < signal.size(); ++f)
                    next[f] += signal[f] * (weights[static_cast<std::size_t>(p)] / sum) * pattern[f];
            }
            signal = next;
        }
        for (std::int64_t k = 0; k < classes; ++k)
            logits.push_back(real_product(signal, row(parameters[2], k, bins)));
    }
    return logits;
}

class ComplexPureFft : public testing::Test {
protected:
    std::unique_ptr<Backend> backend_ = open_tested(2);
    MemoryBudget budget_;
    Device device_{*backend_, budget_};

    void assign(Parameter& parameter, const std::vector<float>& values) {
        parameter.value.assign(*backend_, {parameter.value.shape(), values});
    }
};

TEST_F(ComplexPureFft, ForwardIsTheDefinition) {
    constexpr std::int64_t kPatterns = 3, kBins = 7, kClasses = 4, kBatch = 5, kStride = 16;
    for (const std::int64_t layers : {1, 2, 4}) {
        SCOPED_TRACE(layers);
        ComplexPureFftLayer layer(device_, "purefft", kPatterns, layers, kBins, kClasses, kBatch);
        std::vector<std::vector<float>> parameters;
        for (Parameter* parameter : layer.parameters()) {
            parameters.push_back(normal_values(parameter->value.size(), 1 + parameters.size(), 0.5));
            assign(*parameter, parameters.back());
        }
        const std::vector<float> x = normal_values(kBatch * 2 * kBins, 9);
        std::vector<float> apart(kBatch * kStride, 7.0F);  // rows backwards, with gaps
        std::vector<std::uint32_t> picked;
        for (std::int64_t b = 0; b < kBatch; ++b) {
            std::copy_n(x.begin() + b * 2 * kBins, 2 * kBins, apart.begin() + (kBatch - 1 - b) * kStride);
            picked.push_back(static_cast<std::uint32_t>(kBatch - 1 - b));
        }
        Array<float> input(*backend_, std::span<const float>(apart)), y(*backend_, kBatch * kClasses);
        Array<std::uint32_t> rows(*backend_, std::span<const std::uint32_t>(picked));
        layer.forward(kBatch, {input.data(), kStride, rows.data()}, y.data(), false);
        EXPECT_LE(relative_energy_error(
                      y.host(), definition(parameters, x, kPatterns, layers, kBins, kClasses, kBatch)),
                  kEnergyTolerance);
    }
}

TEST_F(ComplexPureFft, BackwardIsTheSlopeOfForward) {
    for (const std::int64_t layers : {1, 2, 3}) {
        SCOPED_TRACE(layers);
        ComplexPureFftLayer layer(device_, "purefft", 3, layers, 5, 4, 6);
        expect_slopes(*backend_, layer, 6);
    }
}

/// Of real patterns and real spectra it is PureFFT, and both start alike.
TEST_F(ComplexPureFft, IsPureFftWhereNothingHasAPhase) {
    constexpr std::int64_t kBins = 16, kClasses = 4, kBatch = 3;
    ComplexPureFftLayer complex_layer(device_, "purefft", 5, 2, kBins, kClasses, kBatch);
    PureFftLayer real_layer(device_, "purefft", {5, 2}, kBins, kClasses, kBatch);
    const std::vector<float> x = normal_values(kBatch * kBins, 4);
    std::vector<float> with_phase;
    for (const float value : x) with_phase.insert(with_phase.end(), {value, 0.0F});
    Array<float> real_input(*backend_, std::span<const float>(x)),
        input(*backend_, std::span<const float>(with_phase)), y(*backend_, kBatch * kClasses),
        expected(*backend_, kBatch * kClasses);
    for (const bool first : {true, false}) {
        for (std::size_t i = 0; !first && i < 3; ++i) {
            Parameter& parameter = *real_layer.parameters()[i];
            const std::vector<float> values = normal_values(parameter.value.size(), 20 + i, 0.5);
            assign(parameter, values);
            std::vector<float> interleaved;
            for (const float value : values) interleaved.insert(interleaved.end(), {value, 0.0F});
            assign(*complex_layer.parameters()[i], interleaved);
        }
        complex_layer.forward(kBatch, {input.data(), 2 * kBins, nullptr}, y.data(), false);
        real_layer.forward(kBatch, {real_input.data(), kBins, nullptr}, expected.data(), false);
        EXPECT_LE(relative_energy_error(y.host(), to_doubles(expected.host())), kEnergyTolerance);
    }
}

TEST_F(ComplexPureFft, OnlyRunHoldsNoGradient) {
    expect_only_run_is_the_same(
        *backend_,
        [](Device device, Use use) {
            return std::make_unique<ComplexPureFftLayer>(device, "purefft", 3, 2, 5, 4, 2, use);
        },
        2);
    expect_only_run_is_the_same(
        *backend_,
        [](Device device, Use use) {
            return std::make_unique<ComplexHidden>(device, "hidden", 4, 3, 5, 1, 1, use);
        },
        5);
}

TEST_F(ComplexPureFft, HiddenUnitsAreTheirDefinition) {
    constexpr std::int64_t kBins = 7, kUnits = 3, kBatch = 5, kStride = 16;
    ComplexHidden layer(device_, "hidden", kBins, kUnits, kBatch, 1, 1);
    std::vector<std::vector<float>> parameters;
    for (Parameter* parameter : layer.parameters()) {
        parameters.push_back(normal_values(parameter->value.size(), 1 + parameters.size(), 0.5));
        assign(*parameter, parameters.back());
    }
    assign(*layer.parameters()[2], {-2.5F, 0, 0.5F});
    parameters[2] = {-2.5F, 0, 0.5F};
    const std::vector<float> x = normal_values(kBatch * kStride, 9);
    std::vector<double> expected;
    std::size_t silent = 0;
    for (std::int64_t b = 0; b < kBatch; ++b) {
        const Row signal = row({x.begin() + b * kStride, x.begin() + (b + 1) * kStride}, 0, kBins);
        for (std::size_t k = 0; k < kUnits; ++k) {
            const Row weight = row(parameters[0], static_cast<std::int64_t>(k), kBins);
            std::complex<double> z(parameters[1][2 * k], parameters[1][2 * k + 1]);
            for (std::size_t f = 0; f < weight.size(); ++f) z += signal[f] * std::conj(weight[f]);
            const double length = std::max(0.0, std::abs(z) + static_cast<double>(parameters[2][k]));
            silent += length == 0;
            z *= length / std::abs(z);
            expected.insert(expected.end(), {z.real(), z.imag()});
        }
    }
    EXPECT_GT(silent, 0);
    Array<float> input(*backend_, std::span<const float>(x)), y(*backend_, kBatch * 2 * kUnits);
    layer.forward(kBatch, {input.data(), kStride, nullptr}, y.data(), false);
    EXPECT_LE(relative_energy_error(y.host(), expected), kEnergyTolerance);
}

TEST_F(ComplexPureFft, HiddenUnitsHaveTheSlopesOfTheirForward) {
    ComplexHidden layer(device_, "hidden", 4, 3, 5, 1, 1);
    expect_slopes(*backend_, layer, 5);
}

TEST_F(ComplexPureFft, HiddenUnitsStandBeforeThePatterns) {
    const ModelInfo& info = find_model("purefft-complex");
    const Json options = complete(info.schema, {{"hidden", 6}, {"patterns", 3}}, "test");
    const SignalShape spectrum{1, {8}};
    const auto model = info.make({device_, options, spectrum, 10, 2, 1, 1});
    EXPECT_EQ(model->parameter_count(), info.count_parameters(options, spectrum, 10));
    ASSERT_EQ(model->layers().size(), 2);
    EXPECT_EQ(model->layers()[0]->inputs(), 8);
    EXPECT_EQ(model->layers()[1]->inputs(), 12);
    const auto patterns = model->patterns();
    const HostTensor weight = model->parameters().front()->value.to_host(*backend_);
    ASSERT_EQ(patterns.size(), 2);
    EXPECT_EQ(patterns[0].values.shape, Shape({6, 4}));
    EXPECT_NEAR(patterns[0].values.values[5], std::hypot(weight.values[10], weight.values[11]), 1e-6);
    EXPECT_NEAR(patterns[1].values.values[5], std::atan2(weight.values[11], weight.values[10]), 1e-6);
}

TEST_F(ComplexPureFft, TheModelCountsItsParametersAndRefusesWhatHasNoPhase) {
    const ModelInfo& info = find_model("purefft-complex");
    for (const char* given : {"{}", R"({"patterns": 3, "layers": 4})"}) {
        const Json options = complete(info.schema, Json::parse(given), "test");
        const SignalShape spectrum{2, {6, 8}};  // of an image 6 × 6 or 6 × 7
        const auto model = info.make({device_, options, spectrum, 10, 2, 1, 1});
        EXPECT_EQ(model->parameter_count(), info.count_parameters(options, spectrum, 10));
        const auto patterns = model->patterns();
        ASSERT_EQ(patterns.size(), 8);
        EXPECT_EQ(patterns[0].values.shape, Shape({model->parameters().front()->value.shape()[0], 24}));
        try {
            info.count_parameters(options, {1, {393}}, 10);
            FAIL();
        } catch (const BadValue& bad) {
            EXPECT_EQ(bad.field(), "features");
        }
        EXPECT_THROW(info.make({device_, options, {1, {393}}, 10, 2, 1, 1}), BadValue);
    }
}

/// One class turned by a quarter: the page shows what its values are.
TEST_F(ComplexPureFft, PatternsShowMagnitudesAndPhases) {
    ComplexPureFftLayer layer(device_, "purefft", 1, 2, 2, 1, 1);
    assign(*layer.parameters()[0], {0, 2, 3, 0});  // both gains are 2i and 3
    assign(*layer.parameters()[2], {0, -5, 1, 0});
    const auto patterns = layer.patterns();
    const auto values = [&](std::string_view name) {
        for (const auto& matrix : patterns)
            if (matrix.name == name) return to_doubles(matrix.values.values);
        return std::vector<double>{};
    };
    const double quarter = std::acos(0.0);
    const auto expect = [&](std::string_view name, const std::vector<double>& expected) {
        const std::vector<double> found = values(name);
        ASSERT_EQ(found.size(), expected.size()) << name;
        for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], 1e-5) << name;
    };
    expect("pool_magnitude", {2, 3});
    expect("pool_phase", {quarter, 0});
    expect("class_magnitude", {5, 1});
    expect("class_phase", {-quarter, 0});
    expect("weights", {1, 1});
    expect("gain_magnitude", {4, 9});
    const std::vector<double> phase = values("gain_phase");  // (2i)² = −4: π or −π
    ASSERT_EQ(phase.size(), 2);
    EXPECT_NEAR(std::abs(phase[0]), 2 * quarter, 1e-5);
    EXPECT_NEAR(phase[1], 0, 1e-5);
}

}  // namespace
}  // namespace spectral::test
