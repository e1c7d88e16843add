// Batch norm of complex values against its definition, and its gradients against difference quotients of
// that.
#include <gtest/gtest.h>

#include <numeric>

#include "kernels/ops/normalise.hpp"
#include "tests/support/complex_values.hpp"
#include "tests/support/sparse_definitions.hpp"

namespace spectral::test {
namespace {

using definition::ComplexDoubles;
using definition::Doubles;

constexpr float kEpsilon = 0.25F, kMomentum = 0.3F;

struct Sizes {
    std::int64_t batch, size;
};

class ComplexBatchNorm : public testing::TestWithParam<Sizes> {
protected:
    std::int64_t batch_ = GetParam().batch, size_ = GetParam().size, all_ = batch_ * size_;
    std::vector<Complex> x_ = complex_values(all_, 1), dy_ = complex_values(all_, 2),
                         shift_ = complex_values(size_, 3), running_mean_ = complex_values(size_, 4);
    std::vector<float> scale_ = normal_values(size_, 5), running_variance_ = normal_values(size_, 6, 0.1, 2);
    definition::BatchNorm expected_ =
        definition::batch_norm(to_complex_doubles(x_), to_doubles(scale_), to_complex_doubles(shift_),
                               static_cast<double>(kEpsilon));
};

TEST_P(ComplexBatchNorm, TrainsAndRemembers) {
    at_every_level<SpectralBatchNorm>([&](Backend& backend, Level level) {
        Array<Complex> x(backend, view(x_)), shift(backend, view(shift_)), mean(backend, size_),
            running_mean(backend, view(running_mean_));
        Array<float> scale(backend, view(scale_)), deviation(backend, size_),
            running_variance(backend, view(running_variance_));
        SpectralBatchNorm op{batch_, size_, true, kEpsilon, kMomentum};
        op.x = x.data();
        op.y = x.data();
        op.scale = scale.data();
        op.shift = shift.data();
        op.mean = mean.data();
        op.deviation = deviation.data();
        op.running_mean = running_mean.data();
        op.running_variance = running_variance.data();
        backend.run(op, level);
        if (batch_ == 0) {
            EXPECT_EQ(running_mean.host(), running_mean_);
            EXPECT_EQ(running_variance.host(), running_variance_);
            return;
        }
        EXPECT_LE(relative_energy_error(x.host(), expected_.y), kEnergyTolerance);
        EXPECT_LE(relative_energy_error(mean.host(), expected_.mean), kEnergyTolerance);
        Doubles deviations, variances;
        ComplexDoubles means;
        const double momentum = static_cast<double>(kMomentum), count = static_cast<double>(batch_);
        for (std::size_t i = 0; i < scale_.size(); ++i) {
            deviations.push_back(std::sqrt(expected_.variance[i] + static_cast<double>(kEpsilon)));
            means.push_back((1 - momentum) * std::complex<double>(running_mean_[i]) +
                            momentum * expected_.mean[i]);
            variances.push_back((1 - momentum) * static_cast<double>(running_variance_[i]) +
                                momentum * expected_.variance[i] * count / std::max(count - 1, 1.0));
        }
        EXPECT_LE(relative_energy_error(deviation.host(), deviations), kEnergyTolerance);
        EXPECT_LE(relative_energy_error(running_mean.host(), means), kEnergyTolerance);
        EXPECT_LE(relative_energy_error(running_variance.host(), variances), kEnergyTolerance);
    });
}

TEST_P(ComplexBatchNorm, UsesWhatItRemembersAndLeavesItAlone) {
    ComplexDoubles expected;
    for (std::size_t at = 0; at < x_.size(); ++at) {
        const std::size_t i = at % scale_.size();
        const double deviation = std::sqrt(static_cast<double>(running_variance_[i] + kEpsilon));
        expected.push_back(static_cast<double>(scale_[i]) / deviation *
                               (std::complex<double>(x_[at]) - std::complex<double>(running_mean_[i])) +
                           std::complex<double>(shift_[i]));
    }
    at_every_level<SpectralBatchNorm>([&](Backend& backend, Level level) {
        Array<Complex> x(backend, view(x_)), y(backend, all_), shift(backend, view(shift_)),
            running_mean(backend, view(running_mean_));
        Array<float> scale(backend, view(scale_)), running_variance(backend, view(running_variance_));
        SpectralBatchNorm op{batch_, size_, false, kEpsilon, kMomentum};
        op.x = x.data();
        op.y = y.data();
        op.scale = scale.data();
        op.shift = shift.data();
        op.running_mean = running_mean.data();
        op.running_variance = running_variance.data();
        backend.run(op, level);
        EXPECT_LE(relative_energy_error(y.host(), expected), kEnergyTolerance);
        EXPECT_EQ(running_mean.host(), running_mean_);
        EXPECT_EQ(running_variance.host(), running_variance_);
    });
}

/// A quotient for every value.
class SmallComplexBatchNorm : public ComplexBatchNorm {};

TEST_P(SmallComplexBatchNorm, GradientsAreDifferenceQuotients) {
    ComplexDoubles x = to_complex_doubles(x_), shift = to_complex_doubles(shift_), dx, dshift;
    Doubles scale = to_doubles(scale_), dscale;
    const auto loss = [&] {
        const ComplexDoubles y = definition::batch_norm(x, scale, shift, static_cast<double>(kEpsilon)).y;
        double sum = 0;
        for (std::size_t at = 0; at < y.size(); ++at)
            sum += (std::conj(std::complex<double>(dy_[at])) * y[at]).real();
        return sum;
    };
    const auto slope = [&](auto& value, auto direction) {
        constexpr double kStep = 1e-5;
        const auto start = value;
        value = start + kStep * direction;
        const double after = loss();
        value = start - kStep * direction;
        const double before = loss();
        value = start;
        return (after - before) / (2 * kStep);
    };
    const std::complex<double> one(1, 0), i(0, 1);
    for (auto& value : x) dx.emplace_back(slope(value, one), slope(value, i));
    for (auto& value : shift) dshift.emplace_back(slope(value, one), slope(value, i));
    for (double& value : scale) dscale.push_back(slope(value, 1.0));
    std::vector<float> deviations;
    for (const double variance : expected_.variance)
        deviations.push_back(static_cast<float>(std::sqrt(variance + static_cast<double>(kEpsilon))));
    const std::vector<Complex> means(expected_.mean.begin(), expected_.mean.end());
    at_every_level<SpectralBatchNormBackward>([&](Backend& backend, Level level) {
        Array<Complex> in(backend, view(x_)), mean(backend, view(means)), dy(backend, view(dy_)),
            dshift_found(backend, size_);
        Array<float> factor(backend, view(scale_)), deviation(backend, view(deviations)),
            dscale_found(backend, size_);
        backend.run(
            SpectralBatchNormBackward{batch_, size_, in.data(), mean.data(), deviation.data(), factor.data(),
                                      dy.data(), dy.data(), dscale_found.data(), dshift_found.data()},
            level);
        if (batch_ != 1) {
            EXPECT_LE(relative_energy_error(dy.host(), dx), 1e-8);
            EXPECT_LE(relative_energy_error(dscale_found.host(), dscale), 1e-8);
        }
        EXPECT_LE(relative_energy_error(dshift_found.host(), dshift), 1e-8);
        // One member has no deviation: nothing of it comes through.
        if (batch_ == 1) {
            for (const Complex& value : dy.host()) EXPECT_LE(std::abs(value), 1e-5F);
            for (const float value : dscale_found.host()) EXPECT_LE(std::abs(value), 1e-5F);
        }
    });
}

INSTANTIATE_TEST_SUITE_P(Sizes, SmallComplexBatchNorm,
                         testing::Values(Sizes{0, 5}, Sizes{3, 0}, Sizes{1, 1}, Sizes{1, 7}, Sizes{2, 3},
                                         Sizes{5, 17}));

INSTANTIATE_TEST_SUITE_P(Sizes, ComplexBatchNorm,
                         testing::Values(Sizes{0, 5}, Sizes{3, 0}, Sizes{1, 1}, Sizes{1, 7}, Sizes{2, 3},
                                         Sizes{5, 17}, Sizes{7, 256}, Sizes{3, 257}, Sizes{64, 393}));

}  // namespace
}  // namespace spectral::test
