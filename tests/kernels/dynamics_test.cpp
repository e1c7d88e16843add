// Steps of pattern dynamics against their float64 definitions.
#include "kernels/ops/dynamics.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <numbers>

#include "tests/support/arrays.hpp"
#include "tests/support/backend_under_test.hpp"
#include "tests/support/definitions.hpp"

namespace spectral::test {
namespace {

class EvolvedPattern : public testing::TestWithParam<std::int64_t> {};

TEST_P(EvolvedPattern, Agrees) {
    const std::int64_t size = GetParam();
    const auto backend = open_tested(2);
    const std::vector<float> p = normal_values(size, 1, 0.7), f = normal_values(size, 2, 2);
    Array<float> pattern(*backend, std::span<const float>(p)), force(*backend, std::span<const float>(f)),
        y(*backend, size);
    for (const double stability : {0.0, 1.5}) {
        constexpr double kRate = 0.25;
        backend->run(EvolvePattern{size, static_cast<float>(kRate), static_cast<float>(stability),
                                   pattern.data(), force.data(), y.data()});
        const std::vector<float> found = y.host();
        for (std::size_t i = 0; i < found.size(); ++i) {
            const auto value = static_cast<double>(p[i]);
            const double expected = std::clamp(
                value + static_cast<double>(f[i]) * std::exp(-value * value * stability) * kRate, -1.0, 1.0);
            EXPECT_NEAR(static_cast<double>(found[i]), expected, 1e-6);
        }
    }
    const std::vector<float> apart = y.host();
    backend->run(EvolvePattern{size, 0.25F, 1.5F, pattern.data(), force.data(), pattern.data()});
    EXPECT_EQ(pattern.host(), apart) << "in place";
}

INSTANTIATE_TEST_SUITE_P(Sizes, EvolvedPattern, testing::Values(0, 1, 2, 17, 97, 393, 16411));

struct RicciCase {
    std::int64_t batch, dimension;
    bool constant;
};

class RicciFlow : public testing::TestWithParam<RicciCase> {};

TEST_P(RicciFlow, Agrees) {
    const auto [batch, m, constant] = GetParam();
    const auto backend = open_tested(2);
    const std::vector<float> g = normal_values((constant ? 1 : batch) * m * m, 3),
                             connection = normal_values(batch * m * m * m, 4);
    Array<float> metric(*backend, std::span<const float>(g)),
        symbols(*backend, std::span<const float>(connection)), y(*backend, batch * m * m);
    constexpr double kRate = 0.1;
    backend->run(
        RicciStep{batch, m, constant, static_cast<float>(kRate), metric.data(), symbols.data(), y.data()});
    const auto at = [](const std::vector<float>& values, std::int64_t i) {
        return static_cast<double>(values[static_cast<std::size_t>(i)]);
    };
    std::vector<double> expected;
    for (std::int64_t b = 0; b < batch; ++b)
        for (std::int64_t i = 0; i < m; ++i)
            for (std::int64_t j = 0; j < m; ++j) {
                double sum = 0;
                for (std::int64_t k = 0; k < m; ++k)
                    for (std::int64_t l = 0; l < m; ++l)
                        sum += at(g, ((constant ? 0 : b) * m + i) * m + l) *
                               at(connection, ((b * m + l) * m + j) * m + k);
                expected.push_back(-2 * kRate * sum);
            }
    EXPECT_LE(relative_energy_error(y.host(), expected), kEnergyTolerance);
}

INSTANTIATE_TEST_SUITE_P(Sizes, RicciFlow,
                         testing::Values(RicciCase{0, 2, false}, RicciCase{1, 1, false},
                                         RicciCase{97, 2, true}, RicciCase{5, 3, false},
                                         RicciCase{2, 7, true}, RicciCase{1, 32, false}));

struct Extents {
    std::int64_t rows, columns;
};

class HeatFlows : public testing::TestWithParam<Extents> {};

/// And where a bin and its mirror are both stored, the factor is the same.
TEST_P(HeatFlows, AgreesAndKeepsTheSignalReal) {
    const auto [rows, columns] = GetParam();
    const std::int64_t bins = columns / 2 + 1;
    const auto backend = open_tested(2);
    const std::vector<float> parts = normal_values(2 * rows * bins, 5);
    std::vector<Complex> x;
    for (std::size_t i = 0; i + 1 < parts.size(); i += 2) x.emplace_back(parts[i], parts[i + 1]);
    Array<Complex> in(*backend, std::span<const Complex>(x)), out(*backend, rows * bins);
    constexpr double kTime = 1.5;
    const InverseMetric inverse{1.25F, 0.5F, 0.5F};
    backend->run(HeatFlow{rows, columns, static_cast<float>(kTime), inverse, in.data(), out.data()});
    const std::vector<Complex> y = out.host();
    const auto factor = [&](double k0, double k1) {
        return std::exp(-4 * std::numbers::pi * std::numbers::pi * kTime *
                        (1.25 * k0 * k0 + 2 * 0.5 * k0 * k1 + 0.5 * k1 * k1));
    };
    for (std::int64_t u = 0; u < rows; ++u)
        for (std::int64_t v = 0; v < bins; ++v) {
            const double k1 = static_cast<double>(v) / static_cast<double>(columns);
            double k0 = static_cast<double>(u) / static_cast<double>(rows);
            double expected = 0;
            if (k0 > 0.5) k0 -= 1;
            if (2 * u == rows || 2 * v == columns)
                expected = (factor(k0, k1) + factor(-k0, k1)) / 2;
            else
                expected = factor(k0, k1);
            const auto i = static_cast<std::size_t>(u * bins + v);
            EXPECT_NEAR(static_cast<double>(y[i].real()), expected * static_cast<double>(x[i].real()), 1e-6);
            EXPECT_NEAR(static_cast<double>(y[i].imag()), expected * static_cast<double>(x[i].imag()), 1e-6);
        }
    // Where bin and mirror are both stored their factors are the same.
    for (std::int64_t u = 1; u < rows; ++u)
        for (const std::int64_t v : {std::int64_t{0}, columns / 2}) {
            if (v != 0 && columns % 2 != 0) continue;
            const auto at = [&](std::int64_t row) {
                const auto i = static_cast<std::size_t>(row * bins + v);
                return static_cast<double>(y[i].real()) / static_cast<double>(x[i].real());
            };
            EXPECT_NEAR(at(u), at(rows - u), 1e-5);
        }
}

INSTANTIATE_TEST_SUITE_P(Extents, HeatFlows,
                         testing::Values(Extents{0, 5}, Extents{1, 1}, Extents{1, 8}, Extents{2, 2},
                                         Extents{7, 5}, Extents{8, 393}, Extents{28, 28}));

}  // namespace
}  // namespace spectral::test
