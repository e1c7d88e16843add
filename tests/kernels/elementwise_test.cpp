// Losses, dense-layer operations, optimisers and reductions against their float64 definitions.
#include <gtest/gtest.h>

#include <limits>

#include "kernels/ops/dense.hpp"
#include "kernels/ops/gather.hpp"
#include "kernels/ops/loss.hpp"
#include "kernels/ops/optimiser.hpp"
#include "tests/support/arrays.hpp"
#include "tests/support/backend_under_test.hpp"
#include "tests/support/definitions.hpp"

namespace spectral::test {
namespace {

class Sized : public testing::TestWithParam<std::int64_t> {
protected:
    std::unique_ptr<Backend> backend_ = open_tested(2);
    std::int64_t size_ = GetParam();
};

TEST_P(Sized, ActivationsAgree) {
    const std::vector<float> x = normal_values(size_, 1, 2), dy = normal_values(size_, 2);
    Array<float> in(*backend_, std::span<const float>(x)), gradient(*backend_, std::span<const float>(dy));
    Array<float> y(*backend_, size_), dx(*backend_, size_);
    for (const ActivationKind kind : {ActivationKind::relu, ActivationKind::gelu}) {
        std::vector<double> value, derivative;
        for (std::size_t i = 0; i < x.size(); ++i) {
            const double v = static_cast<double>(x[i]);
            const bool relu = kind == ActivationKind::relu;
            value.push_back(relu ? std::max(v, 0.0) : definition::gelu(v));
            derivative.push_back(static_cast<double>(dy[i]) *
                                 (relu ? (v > 0 ? 1 : 0) : definition::gelu_derivative(v)));
        }
        backend_->run(Activation{kind, size_, in.data(), y.data()});
        backend_->run(ActivationBackward{kind, size_, in.data(), gradient.data(), dx.data()});
        EXPECT_LE(relative_energy_error(y.host(), value), kEnergyTolerance);
        EXPECT_LE(relative_energy_error(dx.host(), derivative), kEnergyTolerance);
    }
}

TEST_P(Sized, AdamAgreesOverThreeSteps) {
    const std::vector<float> start = normal_values(size_, 3), zeros(static_cast<std::size_t>(size_));
    Array<float> w(*backend_, std::span<const float>(start)), m(*backend_, std::span<const float>(zeros)),
        v(*backend_, std::span<const float>(zeros));
    std::vector<double> rw = to_doubles(start), rm(start.size()), rv(start.size());
    for (std::int64_t step = 1; step <= 3; ++step) {
        const std::vector<float> g = normal_values(size_, 10 + static_cast<std::uint64_t>(step));
        Array<float> gradient(*backend_, std::span<const float>(g));
        backend_->run(Adam{
            .size = size_, .step = step, .g = gradient.data(), .w = w.data(), .m = m.data(), .v = v.data()});
        for (std::size_t i = 0; i < g.size(); ++i) {
            const double d = static_cast<double>(g[i]), t = static_cast<double>(step);
            rm[i] = 0.9 * rm[i] + 0.1 * d;
            rv[i] = 0.999 * rv[i] + 0.001 * d * d;
            rw[i] -= 1e-3 * (rm[i] / (1 - std::pow(0.9, t))) /
                     (std::sqrt(rv[i] / (1 - std::pow(0.999, t))) + 1e-8);
        }
    }
    EXPECT_LE(relative_energy_error(w.host(), rw), kEnergyTolerance);
}

TEST_P(Sized, MomentumAgreesOverTwoSteps) {
    const std::vector<float> start = normal_values(size_, 4), g = normal_values(size_, 5),
                             zeros(static_cast<std::size_t>(size_));
    Array<float> w(*backend_, std::span<const float>(start)), gradient(*backend_, std::span<const float>(g)),
        v(*backend_, std::span<const float>(zeros));
    std::vector<double> expected;
    for (std::size_t i = 0; i < g.size(); ++i)
        expected.push_back(static_cast<double>(start[i]) - 0.1 * static_cast<double>(g[i]) * (2 + 0.5));
    for (int step = 0; step < 2; ++step)
        backend_->run(MomentumUpdate{size_, 0.1F, 0.5F, gradient.data(), w.data(), v.data()});
    EXPECT_LE(relative_energy_error(w.host(), expected), kEnergyTolerance);
}

TEST_P(Sized, SumOfSquaresAgreesAndSeesWhatIsNotFinite) {
    std::vector<float> x = normal_values(size_, 6);
    Array<float> in(*backend_, std::span<const float>(x));
    Array<double> y(*backend_, 1);
    backend_->run(SumSquares{size_, in.data(), y.data()});
    double expected = 0;
    for (const float value : x) expected += static_cast<double>(value) * static_cast<double>(value);
    EXPECT_NEAR(y.host()[0], expected, 1e-12 * std::max(1.0, expected));
    for (const float bad :
         {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
        if (size_ == 0) break;
        in.data()[size_ - 1] = bad;
        backend_->run(SumSquares{size_, in.data(), y.data()});
        EXPECT_FALSE(std::isfinite(y.host()[0]));
    }
}

TEST_P(Sized, UpdatesLeaveEverythingWhereTheVerdictIsNotFinite) {
    const float infinity = std::numeric_limits<float>::infinity();
    const std::vector<float> start = normal_values(size_, 7), g = normal_values(size_, 8);
    Array<float> gradient(*backend_, std::span<const float>(g));
    const double fine = 2, bad = static_cast<double>(infinity);
    for (const auto& [loss, square] : {std::pair(fine, fine), {bad, fine}, {fine, bad}, {-bad, bad}}) {
        const std::vector<LossSums> sums{{loss, 3}};
        const std::vector<double> squares{0.25, square, 1};
        Array<LossSums> sums_d(*backend_, std::span<const LossSums>(sums));
        Array<double> squares_d(*backend_, std::span<const double>(squares));
        Array<StepVerdict> verdict(*backend_, 1);
        backend_->run(JudgeStep{3, sums_d.data(), squares_d.data(), verdict.data()});
        const StepVerdict found = verdict.host()[0];
        EXPECT_EQ(found.sums.loss, loss);
        EXPECT_EQ(found.sums.correct, 3);
        EXPECT_EQ(found.squared_gradient, square + 1.25);
        EXPECT_EQ(found.finite(), loss == fine && square == fine);

        const bool unchanged = !found.finite() || size_ == 0;
        Array<float> w(*backend_, std::span<const float>(start)), m(*backend_, std::span<const float>(start)),
            v(*backend_, std::span<const float>(start));
        backend_->run(MomentumUpdate{size_, 0.1F, 0.5F, gradient.data(), w.data(), m.data(), verdict.data()});
        EXPECT_EQ(w.host() == start && m.host() == start, unchanged);
        const std::vector<float> w_before = w.host(), m_before = m.host();
        backend_->run(Adam{.size = size_,
                           .g = gradient.data(),
                           .w = w.data(),
                           .m = m.data(),
                           .v = v.data(),
                           .verdict = verdict.data()});
        EXPECT_EQ(w.host() == w_before && m.host() == m_before && v.host() == start, unchanged);
    }
}

INSTANTIATE_TEST_SUITE_P(Sizes, Sized, testing::Values(0, 1, 2, 15, 16, 17, 97, 784, 16384, 16411));

struct LossShape {
    std::int64_t batch, classes;
};

class Loss : public testing::TestWithParam<LossShape> {};

TEST_P(Loss, AgreesAtEveryLevel) {
    const auto [batch, classes] = GetParam();
    const auto backend = open_tested(2);
    const std::vector<float> logits = normal_values(batch * classes, 7, 5);
    Random random(8);
    std::vector<std::int32_t> labels(static_cast<std::size_t>(batch));
    for (std::int32_t& label : labels)
        label = static_cast<std::int32_t>(random.below(static_cast<std::uint32_t>(classes)));
    Array<std::int32_t> labels_d(*backend, std::span<const std::int32_t>(labels));
    for (const Level level : backend->operations().levels(SoftmaxNll::name)) {
        SCOPED_TRACE(level_name(level));
        Array<float> in(*backend, std::span<const float>(logits));
        Array<LossSums> sums(*backend, 1);
        backend->run(SoftmaxNll{batch, classes, in.data(), labels_d.data(), in.data(), sums.data()}, level);
        const double expected = definition::nll_sum(to_doubles(logits), classes, labels);
        EXPECT_NEAR(sums.host()[0].loss, expected, 1e-6 * std::max(1.0, expected));
        EXPECT_LE(
            relative_energy_error(in.host(), definition::nll_gradient(to_doubles(logits), classes, labels)),
            kEnergyTolerance);
    }
}

INSTANTIATE_TEST_SUITE_P(Shapes, Loss,
                         testing::Values(LossShape{0, 10}, LossShape{1, 1}, LossShape{3, 2},
                                         LossShape{256, 10}, LossShape{5, 63}, LossShape{5, 64},
                                         LossShape{5, 65}, LossShape{7, 1000}));

TEST(Loss, TiesGoToTheFirstAndHugeLogitsStayFinite) {
    const auto backend = open_tested(1);
    const std::vector<float> logits{1, 1, 1, 1e30F, -1e30F, 0};
    const std::vector<std::int32_t> labels{0, 0};
    Array<float> in(*backend, std::span<const float>(logits));
    Array<std::int32_t> labels_d(*backend, std::span<const std::int32_t>(labels));
    for (const Level level : backend->operations().levels(SoftmaxNll::name)) {
        Array<LossSums> sums(*backend, 1);
        backend->run(SoftmaxNll{2, 3, in.data(), labels_d.data(), nullptr, sums.data()}, level);
        EXPECT_EQ(sums.host()[0].correct, 2);
        EXPECT_NEAR(sums.host()[0].loss, std::log(3.0), 1e-6);
    }
}

TEST(MatMul, AgreesForEveryTransposition) {
    const auto backend = open_tested(2);
    for (const auto [m, n, k] :
         {std::array<std::int64_t, 3>{0, 3, 4}, {1, 1, 1}, {3, 5, 0}, {7, 5, 3}, {64, 10, 97}}) {
        const std::vector<float> a = normal_values(m * k, 1), b = normal_values(k * n, 2),
                                 c = normal_values(m * n, 3);
        Array<float> a_d(*backend, std::span<const float>(a)), b_d(*backend, std::span<const float>(b));
        for (const Level level : backend->operations().levels(MatMul::name)) {
            for (int flags = 0; flags < 8; ++flags) {
                const bool ta = flags & 1, tb = flags & 2;
                const float beta = flags & 4 ? 1.0F : 0.0F;
                Array<float> c_d(*backend, std::span<const float>(c));
                backend->run(MatMul{m, n, k, ta, tb, a_d.data(), std::max<std::int64_t>(1, ta ? m : k),
                                    b_d.data(), std::max<std::int64_t>(1, tb ? k : n), beta, c_d.data(), n},
                             level);
                EXPECT_LE(relative_energy_error(
                              c_d.host(), definition::matmul(to_doubles(a), to_doubles(b), to_doubles(c), m,
                                                             n, k, ta, tb, static_cast<double>(beta))),
                          kEnergyTolerance);
            }
        }
    }
}

TEST(Rows, BiasColumnSumAndGatherAgree) {
    const auto backend = open_tested(2);
    const std::vector<float> x{1, 2, 3, 4, 5, 6}, bias{10, 20};
    Array<float> in(*backend, std::span<const float>(x)), bias_d(*backend, std::span<const float>(bias)),
        sum(*backend, 2);
    backend->run(ColumnSum{3, 2, in.data(), sum.data()});
    EXPECT_EQ(sum.host(), (std::vector<float>{9, 12}));
    const std::vector<std::uint32_t> rows{2, 0, 2};
    Array<std::uint32_t> rows_d(*backend, std::span<const std::uint32_t>(rows));
    Array<float> picked(*backend, 6);
    backend->run(GatherRows{3, 2, in.data(), 2, rows_d.data(), picked.data(), 2});
    EXPECT_EQ(picked.host(), (std::vector<float>{5, 6, 1, 2, 5, 6}));
    backend->run(BiasAdd{3, 2, bias_d.data(), in.data()});
    EXPECT_EQ(in.host(), (std::vector<float>{11, 22, 13, 24, 15, 26}));
}

}  // namespace
}  // namespace spectral::test
