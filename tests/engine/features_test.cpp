// Features of a data set against the float64 definitions, for every kind, in blocks and under cancellation.
#include "engine/data/features.hpp"

#include <gtest/gtest.h>

#include "tests/support/arrays.hpp"
#include "tests/support/definitions.hpp"

namespace spectral::test {
namespace {

class Features : public testing::Test {
protected:
    std::unique_ptr<Backend> backend_ = open_backend("cpu", 2);
    MemoryBudget budget_;
    Device device_{*backend_, budget_};

    static Samples images(std::int64_t count) {
        return {{2, {6, 7, 1}},
                normal_values(count * 42, 5),
                2.0F,
                0.5F,
                std::vector<std::int32_t>(static_cast<std::size_t>(count), 1),
                {}};
    }
};

TEST_F(Features, AgreeWithTheDefinitions) {
    const Samples samples = images(5);
    for (const FeatureInfo& feature : feature_registry()) {
        SCOPED_TRACE(feature.name);
        if (feature.name == "tokens") continue;  // of text, not of signals: text_test.cpp
        const FeatureMatrix matrix = compute_features(device_, samples, feature.name, "test");
        EXPECT_EQ(matrix.columns, feature_shape(feature.name, samples.shape).size());
        EXPECT_EQ(matrix.stride % kRowAlignment, 0);
        const std::vector<float> all = matrix.values.to_host(*backend_).values;
        for (std::int64_t b = 0; b < 5; ++b) {
            std::vector<float> signal(42);
            samples.read(b, 1, signal.data());
            const bool two = feature.name.starts_with("rfft2");
            const SignalShape shape = two ? samples.shape : SignalShape{1, {42, 1, 1}};
            std::vector<double> expected;
            for (const std::complex<double>& value : definition::rfft(to_doubles(signal), shape)) {
                if (feature.name.ends_with("_complex")) {
                    expected.push_back(value.real());
                    expected.push_back(value.imag());
                } else {
                    expected.push_back(feature.name == "log_magnitude" ? std::log1p(std::abs(value))
                                                                       : std::abs(value));
                }
            }
            if (feature.name == "raw") expected = to_doubles(signal);
            expected.resize(static_cast<std::size_t>(matrix.stride));  // the padding is zero
            const auto row = all.begin() + b * matrix.stride;
            EXPECT_LE(relative_energy_error(std::vector<float>(row, row + matrix.stride), expected),
                      kEnergyTolerance);
        }
    }
}

/// Neighbours share a transform, so the last bits may differ.
TEST_F(Features, DoNotDependOnTheBlocks) {
    const Samples many = images(5000);
    const FeatureMatrix all = compute_features(device_, many, "rfft_magnitude", "test");
    Samples last = images(5000);
    auto& values = std::get<std::vector<float>>(last.values);
    values.erase(values.begin(), values.end() - 42);
    last.labels.resize(1);
    const FeatureMatrix one = compute_features(device_, last, "rfft_magnitude", "test");
    const std::vector<float> rows = all.values.to_host(*backend_).values;
    EXPECT_LE(relative_energy_error(one.values.to_host(*backend_).values,
                                    to_doubles(std::vector<float>(rows.end() - all.stride, rows.end()))),
              kEnergyTolerance);
}

TEST_F(Features, AreCancelled) {
    const auto refuse = [](std::string_view, double) { return false; };
    EXPECT_THROW(compute_features(device_, images(10), "raw", "test", refuse), Cancelled);
    EXPECT_EQ(budget_.total().current, 0U);
}

TEST_F(Features, RefuseImagesOfASignal) {
    Samples signal = images(1);
    signal.shape = {1, {42, 1, 1}};
    EXPECT_THROW(compute_features(device_, signal, "rfft2_magnitude", "test"), Error);
    EXPECT_THROW(feature_shape("nonsense", signal.shape), Error);
}

}  // namespace
}  // namespace spectral::test
