// Mixing by Fourier transforms against the sum of cosines.
#include "kernels/ops/fourier_mix.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "tests/support/complex_values.hpp"

namespace spectral::test {
namespace {

class FourierMixes : public testing::TestWithParam<std::tuple<std::int64_t, std::int64_t, std::int64_t>> {};

TEST_P(FourierMixes, AgreeWithTheSumOfCosines) {
    const auto [batch, rows, columns] = GetParam();
    const std::vector<float> x = normal_values(batch * rows * columns, 5);
    std::vector<double> expected;
    for (std::int64_t b = 0; b < batch; ++b)
        for (std::int64_t u = 0; u < rows; ++u)
            for (std::int64_t v = 0; v < columns; ++v) {
                double sum = 0;
                for (std::int64_t t = 0; t < rows; ++t)
                    for (std::int64_t d = 0; d < columns; ++d) {
                        const double turns =
                            static_cast<double>(u * t % rows) / static_cast<double>(rows) +
                            static_cast<double>(v * d % columns) / static_cast<double>(columns);
                        sum +=
                            static_cast<double>(x[static_cast<std::size_t>((b * rows + t) * columns + d)]) *
                            std::cos(2 * std::numbers::pi * turns);
                    }
                expected.push_back(sum / std::sqrt(static_cast<double>(rows * columns)));
            }
    at_every_level<FourierMix>([&](Backend& backend, Level level) {
        Array<float> in(backend, view(x)), y(backend, batch * rows * columns);
        Array<Complex> scratch(backend, FourierMix::scratch_size(batch, rows, columns));
        backend.run(FourierMix{batch, rows, columns, in.data(), y.data(), scratch.data()}, level);
        EXPECT_LE(relative_energy_error(y.host(), expected), kEnergyTolerance);
    });
}

INSTANTIATE_TEST_SUITE_P(Shapes, FourierMixes,
                         testing::Combine(testing::Values(0, 1, 3), testing::Values(1, 2, 7, 12),
                                          testing::Values(1, 2, 5, 16)));

}  // namespace
}  // namespace spectral::test
