// Logarithm, column moments and standardisation against float64.
#include "kernels/ops/features.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/support/arrays.hpp"
#include "tests/support/backend_under_test.hpp"

namespace spectral::test {
namespace {

struct MatrixShape {
    std::int64_t batch, columns, stride;
};

class FeatureMatrixOps : public testing::TestWithParam<MatrixShape> {
protected:
    std::unique_ptr<Backend> backend_ = open_tested(2);
    MatrixShape shape_ = GetParam();
    std::int64_t size_ = shape_.batch * shape_.stride;

    double value(const std::vector<float>& x, std::int64_t row, std::int64_t column) const {
        return static_cast<double>(x[static_cast<std::size_t>(row * shape_.stride + column)]);
    }
};

TEST_P(FeatureMatrixOps, LogarithmAgrees) {
    std::vector<float> x = normal_values(size_, 1, 3);
    for (float& v : x) v = std::abs(v);
    std::vector<double> expected;
    for (const float v : x) expected.push_back(std::log1p(static_cast<double>(v)));
    Array<float> in(*backend_, std::span<const float>(x));
    backend_->run(Log1p{size_, in.data(), in.data()});
    EXPECT_LE(relative_energy_error(in.host(), expected), kEnergyTolerance);
}

/// A large offset: a sum of squares minus a squared sum would lose every digit of the deviation.
TEST_P(FeatureMatrixOps, MomentsAndStandardisationAgree) {
    const auto [batch, columns, stride] = shape_;
    std::vector<float> x = normal_values(size_, 2, 1, 1000);
    if (columns > 1)  // a feature that never changes
        for (std::int64_t b = 0; b < batch; ++b) x[static_cast<std::size_t>(b * stride + 1)] = 7;
    std::vector<std::uint32_t> rows;
    for (std::int64_t b = batch - 1; b >= 0; b -= 2) rows.push_back(static_cast<std::uint32_t>(b));
    const auto picked = static_cast<std::int64_t>(rows.size());

    std::vector<double> mean(static_cast<std::size_t>(columns)), deviation(mean.size());
    for (std::size_t f = 0; f < mean.size(); ++f) {
        for (const std::uint32_t row : rows) mean[f] += value(x, row, static_cast<std::int64_t>(f));
        mean[f] /= std::max(1.0, static_cast<double>(picked));
        double squares = 0;
        for (const std::uint32_t row : rows)
            squares += std::pow(value(x, row, static_cast<std::int64_t>(f)) - mean[f], 2);
        deviation[f] = std::sqrt(squares / std::max(1.0, static_cast<double>(picked)));
    }
    Array<float> in(*backend_, std::span<const float>(x)), mean_d(*backend_, columns),
        deviation_d(*backend_, columns);
    Array<std::uint32_t> rows_d(*backend_, std::span<const std::uint32_t>(rows));
    backend_->run(
        ColumnMoments{picked, columns, in.data(), stride, rows_d.data(), mean_d.data(), deviation_d.data()});
    EXPECT_LE(relative_energy_error(mean_d.host(), mean), kEnergyTolerance);
    EXPECT_LE(relative_energy_error(deviation_d.host(), deviation), kEnergyTolerance);

    backend_->run(Standardise{batch, columns, in.data(), stride, mean_d.data(), deviation_d.data()});
    const std::vector<float> mean_h = mean_d.host(), deviation_h = deviation_d.host();
    std::vector<double> expected = to_doubles(x);
    for (std::int64_t b = 0; b < batch; ++b)
        for (std::int64_t f = 0; f < columns; ++f) {
            const auto i = static_cast<std::size_t>(f);
            const double d = static_cast<double>(deviation_h[i]);
            expected[static_cast<std::size_t>(b * stride + f)] =
                d > 0 ? (value(x, b, f) - static_cast<double>(mean_h[i])) / d : 0;
        }
    EXPECT_LE(relative_energy_error(in.host(), expected), kEnergyTolerance);  // the padding is untouched
}

INSTANTIATE_TEST_SUITE_P(Shapes, FeatureMatrixOps,
                         testing::Values(MatrixShape{0, 5, 16}, MatrixShape{7, 0, 16}, MatrixShape{1, 1, 1},
                                         MatrixShape{97, 3, 16}, MatrixShape{101, 131, 144},
                                         MatrixShape{256, 393, 400}));

}  // namespace
}  // namespace spectral::test
