// Filters between channels of spectra, modReLU, and the gradients of both.
#include "kernels/ops/spectral_filter.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "tests/support/complex_values.hpp"
#include "tests/support/definitions.hpp"

namespace spectral::test {
namespace {

using definition::ComplexDoubles;

class Filters : public testing::TestWithParam<SpectralFilterShape> {
protected:
    SpectralFilterShape shape_ = GetParam();
    std::vector<Complex> x_ = complex_values(shape_.input_size(), 41),
                         w_ = complex_values(shape_.weight_size(), 43),
                         dy_ = complex_values(shape_.output_size(), 47);

    /// body(index into x, into w, into y) for every product of the definition.
    void for_products(const std::function<void(std::size_t, std::size_t, std::size_t)>& body) const {
        const SpectralFilterShape& s = shape_;
        for (std::int64_t b = 0; b < s.batch; ++b)
            for (std::int64_t o = 0; o < s.out_channels; ++o)
                for (std::int64_t i = 0; i < s.in_channels / s.groups; ++i)
                    for (std::int64_t f = 0; f < s.bins; ++f) {
                        const std::int64_t group = o / (s.out_channels / s.groups),
                                           inputs = s.in_channels / s.groups;
                        body(static_cast<std::size_t>((b * s.in_channels + group * inputs + i) * s.bins + f),
                             static_cast<std::size_t>((o * inputs + i) * s.bins + f),
                             static_cast<std::size_t>((b * s.out_channels + o) * s.bins + f));
                    }
    }
};

TEST_P(Filters, ProductAgrees) {
    ComplexDoubles expected(dy_.size());
    for_products([&](std::size_t x, std::size_t w, std::size_t y) {
        expected[y] += std::complex<double>(x_[x]) * std::complex<double>(w_[w]);
    });
    at_every_level<SpectralFilter>([&](Backend& backend, Level level) {
        Array<Complex> x(backend, view(x_)), w(backend, view(w_)), y(backend, shape_.output_size());
        backend.run(SpectralFilter{shape_, x.data(), w.data(), y.data()}, level);
        EXPECT_LE(relative_energy_error(y.host(), expected), kEnergyTolerance);
    });
}

TEST_P(Filters, AdjointAgrees) {
    ComplexDoubles expected(x_.size());
    for_products([&](std::size_t x, std::size_t w, std::size_t y) {
        expected[x] += std::complex<double>(dy_[y]) * std::conj(std::complex<double>(w_[w]));
    });
    at_every_level<SpectralFilterBackward>([&](Backend& backend, Level level) {
        Array<Complex> dy(backend, view(dy_)), w(backend, view(w_)), dx(backend, shape_.input_size());
        backend.run(SpectralFilterBackward{shape_, dy.data(), w.data(), dx.data()}, level);
        EXPECT_LE(relative_energy_error(dx.host(), expected), kEnergyTolerance);
    });
}

TEST_P(Filters, GradientAgreesAloneAndAdded) {
    ComplexDoubles expected(w_.size());
    for_products([&](std::size_t x, std::size_t w, std::size_t y) {
        expected[w] += std::conj(std::complex<double>(x_[x])) * std::complex<double>(dy_[y]);
    });
    ComplexDoubles added = expected;
    for (std::size_t i = 0; i < added.size(); ++i) added[i] += std::complex<double>(w_[i]);
    at_every_level<SpectralFilterGradient>([&](Backend& backend, Level level) {
        Array<Complex> x(backend, view(x_)), dy(backend, view(dy_)), dw(backend, shape_.weight_size()),
            sum(backend, view(w_));
        backend.run(SpectralFilterGradient{shape_, false, x.data(), dy.data(), dw.data()}, level);
        EXPECT_LE(relative_energy_error(dw.host(), expected), kEnergyTolerance);
        backend.run(SpectralFilterGradient{shape_, true, x.data(), dy.data(), sum.data()}, level);
        EXPECT_LE(relative_energy_error(sum.host(), added), kEnergyTolerance);
    });
}

/// batch, input channels, output channels, groups, bins.
INSTANTIATE_TEST_SUITE_P(
    Shapes, Filters,
    testing::Values(SpectralFilterShape{0, 1, 8, 1, 15}, SpectralFilterShape{3, 1, 8, 1, 0},
                    SpectralFilterShape{1, 1, 1, 1, 1}, SpectralFilterShape{5, 1, 8, 1, 420},
                    SpectralFilterShape{3, 4, 4, 4, 97}, SpectralFilterShape{2, 3, 5, 1, 33},
                    SpectralFilterShape{70, 4, 6, 2, 17}, SpectralFilterShape{1, 2, 2, 1, 1025}));

class ModRelus : public testing::TestWithParam<std::tuple<std::int64_t, std::int64_t, std::int64_t>> {
protected:
    std::int64_t batch_ = std::get<0>(GetParam()), channels_ = std::get<1>(GetParam()),
                 size_ = std::get<2>(GetParam()), all_ = batch_ * channels_ * size_;
    std::vector<Complex> x_ = complex_values(all_, 51), dy_ = complex_values(all_, 53);
    std::vector<float> bias_ = normal_values(channels_, 57, 0.8);

    double bias(std::size_t i) const {
        return static_cast<double>(bias_[i / static_cast<std::size_t>(size_) % bias_.size()]);
    }
};

std::complex<double> mod_relu(std::complex<double> x, double bias) {
    const double magnitude = std::abs(x);
    return magnitude == 0 || magnitude + bias <= 0 ? 0 : x * (1 + bias / magnitude);
}

TEST_P(ModRelus, AgreeAndTheirGradientIsTheDifferenceQuotient) {
    constexpr double kStep = 1e-6;
    ComplexDoubles expected, gradient;
    std::vector<double> bias_gradient(bias_.size());
    for (std::size_t i = 0; i < x_.size(); ++i) {
        const std::complex<double> x = x_[i], dy = dy_[i];
        expected.push_back(mod_relu(x, bias(i)));
        const auto slope = [&](std::complex<double> direction, double bias_direction) {
            const auto loss = [&](double step) {
                return (std::conj(dy) * mod_relu(x + step * direction, bias(i) + step * bias_direction))
                    .real();
            };
            return (loss(kStep) - loss(-kStep)) / (2 * kStep);
        };
        gradient.emplace_back(slope(1, 0), slope({0, 1}, 0));
        bias_gradient[i / static_cast<std::size_t>(size_) % bias_.size()] += slope(0, 1);
    }
    at_every_level<ModRelu>([&](Backend& backend, Level level) {
        Array<Complex> x(backend, view(x_));
        Array<float> bias(backend, view(bias_));
        backend.run(ModRelu{batch_, channels_, size_, x.data(), bias.data(), x.data()}, level);
        EXPECT_LE(relative_energy_error(x.host(), expected), kEnergyTolerance);
    });
    at_every_level<ModReluBackward>([&](Backend& backend, Level level) {
        Array<Complex> x(backend, view(x_)), dy(backend, view(dy_));
        Array<float> bias(backend, view(bias_)), dbias(backend, view(bias_));
        const auto run = [&](bool accumulate, Complex* dx) {
            backend.run(ModReluBackward{batch_, channels_, size_, accumulate, x.data(), bias.data(),
                                        dy.data(), dx, dbias.data()},
                        level);
        };
        Array<Complex> dx(backend, all_);
        run(false, dx.data());
        EXPECT_LE(relative_energy_error(dx.host(), gradient), kEnergyTolerance);
        EXPECT_LE(relative_energy_error(dbias.host(), bias_gradient), kEnergyTolerance);
        run(true, dy.data());
        EXPECT_LE(relative_energy_error(dy.host(), gradient), kEnergyTolerance);
        std::vector<double> twice = bias_gradient;
        for (double& value : twice) value *= 2;
        EXPECT_LE(relative_energy_error(dbias.host(), twice), kEnergyTolerance);
    });
}

INSTANTIATE_TEST_SUITE_P(Shapes, ModRelus,
                         testing::Combine(testing::Values(0, 1, 5), testing::Values(1, 3),
                                          testing::Values(0, 1, 7, 420)));

TEST(ModRelu, ZeroStaysZeroAndNanStaysInItsPlace) {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const std::vector<Complex> x{0, {nan, 0}, {3, 4}, {0.3F, 0.4F}};
    at_every_level<ModRelu>([&](Backend& backend, Level level) {
        for (const float bias : {0.5F, -0.5F}) {
            Array<Complex> in(backend, view(x)), y(backend, 4);
            Array<float> biases(backend, std::span<const float>(&bias, 1));
            backend.run(ModRelu{1, 1, 4, in.data(), biases.data(), y.data()}, level);
            EXPECT_EQ(y.host()[0], Complex(0));
            EXPECT_TRUE(std::isnan(y.host()[1].real()));
            EXPECT_NEAR(std::abs(y.host()[2]), 5 + bias, 1e-6);
            EXPECT_NEAR(std::abs(y.host()[3]), bias > 0 ? 1 : 0, 1e-6);
        }
    });
}

}  // namespace
}  // namespace spectral::test
