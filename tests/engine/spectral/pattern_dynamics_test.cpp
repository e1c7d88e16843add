// Moving patterns against sums over the whole spectrum in double precision.
#include "engine/spectral/pattern_dynamics.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <functional>
#include <limits>
#include <numbers>

#include "engine/core/error.hpp"
#include "tests/support/arrays.hpp"
#include "tests/support/backend_under_test.hpp"

namespace spectral::test {
namespace {

using Doubles = std::vector<double>;

constexpr PlaneMetric kMetric{1.5, 2, 0.5};

std::complex<double> turn(double cycles) { return std::polar(1.0, 2 * std::numbers::pi * cycles); }

/// Σ over all bins of the plane, frequencies −½ < k ≤ ½.
std::vector<std::complex<double>> whole_spectrum(const Doubles& p, std::int64_t rows, std::int64_t columns) {
    std::vector<std::complex<double>> spectrum;
    for (std::int64_t u = 0; u < rows; ++u)
        for (std::int64_t v = 0; v < columns; ++v) {
            std::complex<double> sum;
            for (std::int64_t r = 0; r < rows; ++r)
                for (std::int64_t c = 0; c < columns; ++c)
                    sum += p[static_cast<std::size_t>(r * columns + c)] *
                           turn(-static_cast<double>(u * r) / static_cast<double>(rows) -
                                static_cast<double>(v * c) / static_cast<double>(columns));
            spectrum.push_back(sum);
        }
    return spectrum;
}

double cycles(std::int64_t bin, std::int64_t extent) {
    return static_cast<double>(2 * bin > extent ? bin - extent : bin) / static_cast<double>(extent);
}

/// In bins of half a cycle ±½ are one: the mean of their factors.
Doubles heat(const Doubles& p, std::int64_t rows, std::int64_t columns, double time, const PlaneMetric& g) {
    auto spectrum = whole_spectrum(p, rows, columns);
    const double determinant = g.rows * g.columns - g.mixed * g.mixed;
    for (std::int64_t u = 0; u < rows; ++u)
        for (std::int64_t v = 0; v < columns; ++v) {
            const double k0 = cycles(u, rows), k1 = cycles(v, columns);
            const auto factor = [&](double first, double second) {
                return std::exp(
                    -4 * std::numbers::pi * std::numbers::pi * time *
                    (g.columns * first * first - 2 * g.mixed * first * second + g.rows * second * second) /
                    determinant);
            };
            const bool half = 2 * u == rows || 2 * v == columns;
            spectrum[static_cast<std::size_t>(u * columns + v)] *=
                half ? (factor(k0, k1) + factor(-k0, k1)) / 2 : factor(k0, k1);
        }
    Doubles result;
    for (std::int64_t r = 0; r < rows; ++r)
        for (std::int64_t c = 0; c < columns; ++c) {
            std::complex<double> sum;
            for (std::int64_t u = 0; u < rows; ++u)
                for (std::int64_t v = 0; v < columns; ++v)
                    sum += spectrum[static_cast<std::size_t>(u * columns + v)] *
                           turn(static_cast<double>(u * r) / static_cast<double>(rows) +
                                static_cast<double>(v * c) / static_cast<double>(columns));
            result.push_back(sum.real() / static_cast<double>(rows * columns));
        }
    return result;
}

class MovingPattern : public testing::TestWithParam<Shape> {
protected:
    Shape shape_ = GetParam();
    std::int64_t rows_ = shape_.rank() == 2 ? shape_[0] : 1, columns_ = shape_.size() / rows_;
    std::unique_ptr<Backend> backend_ = open_tested(2);
    MemoryBudget budget_;
    Device device_{*backend_, budget_};
    HostTensor start_{shape_, normal_values(shape_.size(), 11, 0.3)};
    Doubles values_{start_.values.begin(), start_.values.end()};

    void expect_near(const HostTensor& found, const Doubles& expected) {
        ASSERT_EQ(found.values.size(), expected.size());
        for (std::size_t i = 0; i < expected.size(); ++i)
            EXPECT_NEAR(static_cast<double>(found.values[i]), expected[i], 2e-6) << i;
    }
};

TEST_P(MovingPattern, HeatIsExactInOneStepOrMany) {
    PatternDynamics once(device_, start_), twice(device_, start_);
    once.flow_heat(0.6, kMetric);
    expect_near(once.pattern(), heat(values_, rows_, columns_, 0.6, kMetric));
    const bool twofold = rows_ % 2 == 0 || columns_ % 2 == 0;  // a mean of two factors is none of a sum
    if (twofold) return;
    twice.flow_heat(0.2, kMetric);
    twice.flow_heat(0.4, kMetric);
    expect_near(twice.pattern(), heat(values_, rows_, columns_, 0.6, kMetric));
}

TEST_P(MovingPattern, Evolves) {
    constexpr double kRate = 0.5, kStability = 2, kTime = 0.05;
    PatternDynamics moving(device_, start_);
    moving.evolve(kRate, kStability, kTime, kMetric);
    const Doubles warm = heat(values_, rows_, columns_, kTime, kMetric);
    Doubles expected;
    for (std::size_t i = 0; i < warm.size(); ++i) {
        const double p = values_[i], force = (warm[i] - p) / kTime;
        expected.push_back(std::clamp(p + force * std::exp(-p * p * kStability) * kRate, -1.0, 1.0));
    }
    const HostTensor found = moving.pattern();
    for (std::size_t i = 0; i < expected.size(); ++i)
        EXPECT_NEAR(static_cast<double>(found.values[i]), expected[i], 2e-5) << i;
}

TEST_P(MovingPattern, TakesARicciStep) {
    constexpr double kRate = 0.1;
    PatternDynamics moving(device_, start_);
    moving.step_ricci(kRate, kMetric);
    const double g[2][2] = {{kMetric.rows, kMetric.mixed}, {kMetric.mixed, kMetric.columns}};
    const double determinant = g[0][0] * g[1][1] - g[0][1] * g[1][0];
    const double raised[2][2] = {{g[1][1] / determinant, -g[0][1] / determinant},
                                 {-g[1][0] / determinant, g[0][0] / determinant}};
    const auto at = [&](std::int64_t r, std::int64_t c) {
        return values_[static_cast<std::size_t>((r + rows_) % rows_ * columns_ + (c + columns_) % columns_)];
    };
    Doubles expected;
    for (std::int64_t r = 0; r < rows_; ++r)
        for (std::int64_t c = 0; c < columns_; ++c) {
            const double d[2] = {(at(r + 1, c) - at(r - 1, c)) / 2, (at(r, c + 1) - at(r, c - 1)) / 2};
            const double factor = std::exp(2 * at(r, c));
            double trace = 0;
            for (int i = 0; i < 2; ++i)
                for (int j = 0; j < 2; ++j) {
                    double out = 0;
                    for (int k = 0; k < 2; ++k)
                        for (int l = 0; l < 2; ++l)
                            out += factor * g[i][l] * factor *
                                   (d[j] * g[l][k] + d[k] * g[l][j] - d[l] * g[j][k]);
                    trace += raised[i][j] * -2 * kRate * out;
                }
            expected.push_back(at(r, c) + trace / factor / 4);
        }
    expect_near(moving.pattern(), expected);
}

TEST_P(MovingPattern, IsMeasured) {
    const PatternMeasures found = PatternDynamics(device_, start_).measure();
    double energy = 0, total = 0, entropy = 0, largest = 0,
           smallest = std::numeric_limits<double>::infinity();
    for (const double value : values_) energy += value * value;
    const auto spectrum = whole_spectrum(values_, rows_, columns_);
    for (const auto& bin : spectrum) total += std::norm(bin);
    for (const auto& bin : spectrum) {
        const double share = std::norm(bin) / total;
        if (share > 0) entropy -= share * std::log(share);
        largest = std::max(largest, std::abs(bin));
        smallest = std::min(smallest, std::abs(bin));
    }
    EXPECT_NEAR(found.energy, energy, 1e-5 * (1 + energy));
    EXPECT_NEAR(found.entropy, entropy, 1e-4);
    EXPECT_NEAR(found.height, std::log(largest / smallest), 1e-3);
}

INSTANTIATE_TEST_SUITE_P(Shapes, MovingPattern,
                         testing::Values(Shape{1}, Shape{1, 1}, Shape{12}, Shape{7, 5}, Shape{8, 13},
                                         Shape{6, 8}));

TEST(PatternDynamics, KeepsWhatIsConserved) {
    const auto backend = open_tested(2);
    MemoryBudget budget;
    PatternDynamics moving({*backend, budget}, {Shape{16, 16}, normal_values(256, 3)});
    double before = moving.measure().energy;
    for (int i = 0; i < 5; ++i) {
        moving.flow_heat(0.3, {});
        const double energy = moving.measure().energy;
        EXPECT_LT(energy, before) << "heat takes energy from every pattern that is not flat";
        before = energy;
    }
    PatternDynamics flat({*backend, budget}, {Shape{4, 4}, std::vector<float>(16, 0.25F)});
    flat.flow_heat(10, {});
    flat.evolve(1, 1, 0.1, {});
    flat.step_ricci(1, {});
    for (const float value : flat.pattern().values) EXPECT_NEAR(value, 0.25F, 1e-6F);
    PatternDynamics zero({*backend, budget}, {Shape{4, 4}, std::vector<float>(16)});
    EXPECT_EQ(zero.measure().energy, 0);
    EXPECT_EQ(zero.measure().entropy, 0);
    EXPECT_EQ(zero.measure().height, 0);
}

TEST(PatternDynamics, RefusesWhatHasNoMeaning) {
    const auto backend = open_tested(2);
    MemoryBudget budget;
    const Device device{*backend, budget};
    EXPECT_THROW(PatternDynamics(device, {Shape{2, 2, 2}, std::vector<float>(8)}), Error);
    EXPECT_THROW(PatternDynamics(device, {Shape{0, 3}, {}}), Error);
    EXPECT_THROW(PatternDynamics(device, {Shape{2}, {0, std::numeric_limits<float>::quiet_NaN()}}), Error);
    PatternDynamics moving(device, {Shape{2, 2}, {0.1F, 0.2F, 0.3F, 0.4F}});
    const auto field = [](const std::function<void()>& step) -> std::string {
        try {
            step();
        } catch (const BadValue& failure) {
            return failure.field();
        }
        return "nothing thrown";
    };
    EXPECT_EQ(field([&] { moving.flow_heat(-1, {}); }), "time");
    EXPECT_EQ(field([&] { moving.flow_heat(1, {1, 1, 1}); }), "metric");
    EXPECT_EQ(field([&] { moving.flow_heat(1, {-1, -1, 0}); }), "metric");
    EXPECT_EQ(field([&] { moving.evolve(-1, 1, 1, {}); }), "rate");
    EXPECT_EQ(field([&] { moving.evolve(1, std::nan(""), 1, {}); }), "stability");
    EXPECT_EQ(field([&] { moving.evolve(1, 1, 0, {}); }), "time");
    EXPECT_EQ(field([&] { moving.step_ricci(std::numeric_limits<double>::infinity(), {}); }), "rate");
    EXPECT_EQ(moving.pattern().values, (std::vector<float>{0.1F, 0.2F, 0.3F, 0.4F})) << "nothing was moved";
}

}  // namespace
}  // namespace spectral::test
