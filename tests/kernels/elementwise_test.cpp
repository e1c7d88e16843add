// Losses and dense-layer operations against their float64 definitions.
#include <gtest/gtest.h>

#include <limits>

#include "kernels/ops/dense.hpp"
#include "kernels/ops/gather.hpp"
#include "kernels/ops/loss.hpp"
#include "kernels/ops/round.hpp"
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
    struct Function {
        ActivationKind kind;
        double (*value)(double);
        double (*derivative)(double);
    };
    const Function functions[] = {{ActivationKind::relu, [](double v) { return std::max(v, 0.0); },
                                   [](double v) { return v > 0 ? 1.0 : 0.0; }},
                                  {ActivationKind::gelu, definition::gelu, definition::gelu_derivative},
                                  {ActivationKind::silu, definition::silu, definition::silu_derivative},
                                  {ActivationKind::tanh, [](double v) { return std::tanh(v); },
                                   [](double v) { return 1 - std::tanh(v) * std::tanh(v); }}};
    for (const auto& [kind, f, f_derivative] : functions) {
        std::vector<double> value, derivative;
        for (std::size_t i = 0; i < x.size(); ++i) {
            const auto v = static_cast<double>(x[i]);
            value.push_back(f(v));
            derivative.push_back(static_cast<double>(dy[i]) * f_derivative(v));
        }
        backend_->run(Activation{kind, size_, in.data(), y.data()});
        backend_->run(ActivationBackward{kind, size_, in.data(), gradient.data(), dx.data()});
        EXPECT_LE(relative_energy_error(y.host(), value), kEnergyTolerance);
        EXPECT_LE(relative_energy_error(dx.host(), derivative), kEnergyTolerance);
    }
}

TEST_P(Sized, RoundingInBlocksKeepsWholeStepsOfTheLargest) {
    std::vector<float> x = normal_values(size_, 3, 1e-6);
    for (std::size_t i = 0; i < x.size() && i < 40; ++i)
        x[i] = 0;  // a block of zeros, where blocks are small
    Array<float> in(*backend_, std::span<const float>(x)), y(*backend_, size_);
    for (const auto& [block, levels] : {std::pair{64, 7}, {1, 127}, {20, 127}}) {
        SCOPED_TRACE(block);
        backend_->run(RoundInBlocks{size_, block, levels, in.data(), y.data()});
        const std::vector<float> rounded = y.host();
        for (std::int64_t first = 0; first < size_; first += block) {
            const auto last = std::min<std::int64_t>(first + block, size_);
            double peak = 0;
            for (std::int64_t i = first; i < last; ++i)
                peak = std::max(peak, std::abs(static_cast<double>(x[static_cast<std::size_t>(i)])));
            // A step of eleven bits is at most 2^-11 from the exact one, of `levels` steps in all.
            const double step = peak / levels, tolerance = 0x1.01p-11 * levels * step;
            for (std::int64_t i = first; i < last; ++i) {
                const auto at = static_cast<std::size_t>(i);
                EXPECT_LE(std::abs(static_cast<double>(x[at]) - static_cast<double>(rounded[at])),
                          step / 2 + tolerance);
                const double steps = step > 0 ? static_cast<double>(rounded[at]) / step : 0;
                EXPECT_NEAR(steps, std::round(steps), 0x1.01p-11 * levels);
            }
        }
    }
    backend_->run(RoundInBlocks{size_, 64, 0, in.data(), y.data()});
    const std::vector<float> halves = y.host();
    for (std::size_t i = 0; i < x.size(); ++i) {
        // Eleven significant bits: over a power of two, a whole number.
        const float rounded = halves[i];
        EXPECT_LE(std::abs(rounded - x[i]), 0x1p-11F * std::abs(x[i]));
        if (rounded == 0) continue;
        const float scaled = std::ldexp(rounded, 10 - std::ilogb(rounded));
        EXPECT_EQ(scaled, std::round(scaled));
    }
}

TEST_P(Sized, ProductsAgree) {
    const std::vector<float> a = normal_values(size_, 3), b = normal_values(size_, 4);
    Array<float> first(*backend_, std::span<const float>(a)), second(*backend_, std::span<const float>(b)),
        y(*backend_, size_);
    std::vector<float> expected;
    for (std::size_t i = 0; i < a.size(); ++i) expected.push_back(a[i] * b[i]);
    backend_->run(Multiply{size_, first.data(), second.data(), y.data()});
    EXPECT_EQ(y.host(), expected);
}

TEST_P(Sized, ScaledSumsAgree) {
    const std::vector<float> a = normal_values(size_, 5), b = normal_values(size_, 6);
    Array<float> first(*backend_, std::span<const float>(a)), second(*backend_, std::span<const float>(b)),
        y(*backend_, size_);
    for (const float scale : {1.0F, -0.618F}) {
        backend_->run(AddScaled{size_, scale, first.data(), second.data(), y.data()});
        const std::vector<float> sums = y.host();
        for (std::size_t i = 0; i < a.size(); ++i) {
            const double expected =
                static_cast<double>(a[i]) + static_cast<double>(scale) * static_cast<double>(b[i]);
            EXPECT_NEAR(static_cast<double>(sums[i]), expected, 2e-7 * (1 + std::abs(expected)));
        }
    }
    backend_->run(AddScaled{size_, 1, first.data(), second.data(), first.data()});
    std::vector<float> expected;
    for (std::size_t i = 0; i < a.size(); ++i) expected.push_back(a[i] + b[i]);
    EXPECT_EQ(first.host(), expected);
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
    backend->run(GatherRows{3, 1, in.data(), 2, nullptr, picked.data(), 2});
    EXPECT_EQ(picked.host(), (std::vector<float>{1, 6, 3, 2, 5, 6}));
    const std::vector<std::uint32_t> columns{1, 0, 1};
    Array<std::uint32_t> columns_d(*backend, std::span<const std::uint32_t>(columns));
    Array<float> turned(*backend, 9);
    backend->run(GatherColumns{3, 3, in.data(), 2, columns_d.data(), turned.data()});
    EXPECT_EQ(turned.host(), (std::vector<float>{2, 1, 2, 4, 3, 4, 6, 5, 6}));
    backend->run(GatherColumns{0, 3, in.data(), 2, columns_d.data(), turned.data()});
    backend->run(GatherColumns{3, 0, in.data(), 2, nullptr, turned.data()});
    EXPECT_EQ(turned.host(), (std::vector<float>{2, 1, 2, 4, 3, 4, 6, 5, 6})) << "nothing was to be gathered";
    backend->run(BiasAdd{3, 2, bias_d.data(), in.data()});
    EXPECT_EQ(in.host(), (std::vector<float>{11, 22, 13, 24, 15, 26}));
}

}  // namespace
}  // namespace spectral::test
