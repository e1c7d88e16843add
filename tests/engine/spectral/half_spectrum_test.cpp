// Which coefficients of a half spectrum stand for others, against the double-precision transform.
#include "engine/spectral/half_spectrum.hpp"

#include <gtest/gtest.h>

#include <numeric>

#include "tests/engine/spectral/shapes.hpp"
#include "tests/support/arrays.hpp"
#include "tests/support/definitions.hpp"

namespace spectral::test {
namespace {

class Spectrum : public testing::TestWithParam<Shape> {};

TEST_P(Spectrum, MirrorsAreConjugateAndFollowEachOther) {
    const HalfSpectrum spectrum(GetParam());
    const auto x = to_doubles(normal_values(spectrum.values(), 1));
    const definition::ComplexDoubles y = definition::rfft(x, spectrum.signal());
    ASSERT_EQ(static_cast<std::int64_t>(y.size()), spectrum.size());
    for (std::int64_t i = 0; i < spectrum.size(); ++i) {
        const std::optional<std::int64_t> mirror = spectrum.mirror(i);
        if (!mirror) continue;
        EXPECT_EQ(spectrum.mirror(*mirror), i);
        EXPECT_LT(std::abs(y[static_cast<std::size_t>(*mirror)] - std::conj(y[static_cast<std::size_t>(i)])),
                  1e-9 * static_cast<double>(spectrum.values()));
    }
}

TEST_P(Spectrum, FreedomAndEnergyCountEveryValueOnce) {
    const HalfSpectrum spectrum(GetParam());
    const auto sum = [](const std::vector<std::uint8_t>& weights) {
        return std::accumulate(weights.begin(), weights.end(), std::int64_t{0});
    };
    EXPECT_EQ(sum(spectrum.freedoms()), spectrum.values());
    EXPECT_EQ(sum(spectrum.energy_weights()), spectrum.values());
    const auto x = to_doubles(normal_values(spectrum.values(), 2));
    const definition::ComplexDoubles y = definition::rfft(x, spectrum.signal());
    double in_space = 0, in_frequency = 0;
    for (const double value : x) in_space += value * value;
    for (std::int64_t i = 0; i < spectrum.size(); ++i)
        in_frequency += spectrum.energy_weight(i) * std::norm(y[static_cast<std::size_t>(i)]);
    EXPECT_NEAR(in_frequency / static_cast<double>(spectrum.values()), in_space, 1e-9 * in_space);
}

INSTANTIATE_TEST_SUITE_P(Shapes, Spectrum, testing::ValuesIn(kTensorShapes));

TEST(SpectrumRefuses, WhatHasNone) {
    EXPECT_THROW(HalfSpectrum(Shape{}), Error);
    EXPECT_THROW(HalfSpectrum(Shape{3, 0}), Error);
    EXPECT_THROW(HalfSpectrum((Shape{1 << 17, 1 << 17})), Error);
}

}  // namespace
}  // namespace spectral::test
