// Verdicts and updates over lists of parameters against their float64 definitions.
#include "kernels/ops/optimiser.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <deque>
#include <limits>
#include <numeric>

#include "tests/support/arrays.hpp"
#include "tests/support/backend_under_test.hpp"

namespace spectral::test {
namespace {

using Values = std::vector<double>;

/// Parameters of given sizes with normal gradients and values; the moments start as zeros.
class Parameters {
public:
    Parameters(Backend& backend, const std::vector<std::int64_t>& sizes) : backend_(backend) {
        std::uint64_t seed = 0;
        for (const std::int64_t size : sizes) {
            const std::vector<float> zeros(static_cast<std::size_t>(size));
            ParameterSlot slot{.size = size};
            slot.g = add(normal_values(size, ++seed));
            slot.w = add(normal_values(size, ++seed));
            slot.m = add(zeros);
            slot.v = add(zeros);
            slots_.push_back(slot);
        }
    }

    std::span<const ParameterSlot> slots() const { return slots_; }
    std::vector<float> all(float* ParameterSlot::*which) const { return collect(which); }
    std::vector<float> gradients() const { return collect(&ParameterSlot::g); }
    void set_last_gradient(float value) {
        for (auto slot = slots_.rbegin(); slot != slots_.rend(); ++slot) {
            if (slot->size == 0) continue;
            backend_.copy_to_device(const_cast<float*>(slot->g) + slot->size - 1, &value, sizeof value);
            return;
        }
    }

private:
    float* add(const std::vector<float>& values) {
        return arrays_.emplace_back(backend_, std::span<const float>(values)).data();
    }
    template <class Pointer>
    std::vector<float> collect(Pointer ParameterSlot::*which) const {
        std::vector<float> values;
        for (const ParameterSlot& slot : slots_) {
            std::vector<float> own(static_cast<std::size_t>(slot.size));
            backend_.copy_to_host(own.data(), slot.*which, own.size() * sizeof(float));
            values.insert(values.end(), own.begin(), own.end());
        }
        return values;
    }

    Backend& backend_;
    std::deque<Array<float>> arrays_;
    std::vector<ParameterSlot> slots_;
};

/// Sizes of a model's parameters: none, one, empty ones, more than a kernel takes at once.
std::vector<std::vector<std::int64_t>> models() {
    std::vector<std::int64_t> many(67);
    std::iota(many.begin(), many.end(), 0);
    many.push_back(16411);
    return {{}, {0}, {1}, {2}, {15}, {16}, {17}, {97}, {784}, {16384}, {16411}, {3, 0, 784, 1, 5000}, many};
}

class Optimisers : public testing::TestWithParam<std::vector<std::int64_t>> {
protected:
    std::unique_ptr<Backend> backend_ = open_tested(2);
    Parameters parameters_{*backend_, GetParam()};

    StepVerdict judge(double loss) {
        const std::vector<LossSums> sums{{loss, 3}};
        Array<LossSums> sums_d(*backend_, std::span<const LossSums>(sums));
        backend_->run(JudgeStep{parameters_.slots(), sums_d.data(), verdict_.data()});
        return verdict_.host()[0];
    }

    Array<StepVerdict> verdict_{*backend_, 1};
};

TEST_P(Optimisers, VerdictIsTheSumOfAllSquares) {
    double expected = 0;
    for (const float g : parameters_.gradients()) expected += static_cast<double>(g) * static_cast<double>(g);
    const StepVerdict found = judge(2);
    EXPECT_EQ(found.sums.loss, 2);
    EXPECT_EQ(found.sums.correct, 3);
    EXPECT_NEAR(found.squared_gradient, expected, 1e-12 * std::max(1.0, expected));
    EXPECT_EQ(judge(2).squared_gradient, found.squared_gradient);
}

TEST_P(Optimisers, AdamAgreesOverThreeSteps) {
    const Values g = to_doubles(parameters_.gradients());
    Values w = to_doubles(parameters_.all(&ParameterSlot::w)), m(w.size()), v(w.size());
    const Adam defaults;
    const auto beta1 = static_cast<double>(defaults.beta1), beta2 = static_cast<double>(defaults.beta2);
    for (std::int64_t step = 1; step <= 3; ++step) {
        backend_->run(Adam{.parameters = parameters_.slots(), .step = step});
        const auto t = static_cast<double>(step);
        for (std::size_t i = 0; i < w.size(); ++i) {
            m[i] = beta1 * m[i] + (1 - beta1) * g[i];
            v[i] = beta2 * v[i] + (1 - beta2) * g[i] * g[i];
            w[i] -= 1e-3 * (m[i] / (1 - std::pow(beta1, t))) /
                    (std::sqrt(v[i] / (1 - std::pow(beta2, t))) + 1e-8);
        }
    }
    EXPECT_LE(relative_energy_error(parameters_.all(&ParameterSlot::w), w), kEnergyTolerance);
    EXPECT_LE(relative_energy_error(parameters_.all(&ParameterSlot::m), m), kEnergyTolerance);
    EXPECT_LE(relative_energy_error(parameters_.all(&ParameterSlot::v), v), kEnergyTolerance);
}

TEST_P(Optimisers, MomentumAgreesOverThreeSteps) {
    const Values g = to_doubles(parameters_.gradients());
    Values w = to_doubles(parameters_.all(&ParameterSlot::w)), v(w.size());
    for (int step = 0; step < 3; ++step) {
        backend_->run(
            MomentumUpdate{.parameters = parameters_.slots(), .learning_rate = 0.1F, .momentum = 0.5F});
        for (std::size_t i = 0; i < w.size(); ++i) {
            v[i] = 0.5 * v[i] + g[i];
            w[i] -= 0.1 * v[i];
        }
    }
    EXPECT_LE(relative_energy_error(parameters_.all(&ParameterSlot::w), w), kEnergyTolerance);
    EXPECT_LE(relative_energy_error(parameters_.all(&ParameterSlot::v), v), kEnergyTolerance);
}

TEST_P(Optimisers, ChangeNothingUnlessTheVerdictIsFinite) {
    const float infinity = std::numeric_limits<float>::infinity(),
                nan = std::numeric_limits<float>::quiet_NaN();
    const auto bad = static_cast<double>(infinity);
    const bool empty = parameters_.gradients().empty();
    Parameters by_momentum(*backend_, GetParam());
    for (const auto& [loss, g] :
         {std::pair(2.0, 1.0F), {bad, 1.0F}, {2.0, infinity}, {-bad, infinity}, {2.0, nan}}) {
        parameters_.set_last_gradient(g);
        by_momentum.set_last_gradient(g);
        const StepVerdict found = judge(loss);
        EXPECT_EQ(found.finite(), std::isfinite(loss) && (std::isfinite(g) || empty));
        const auto unchanged = [&](const Parameters& parameters, const auto& update) {
            const auto state = [&] {
                std::vector<float> values = parameters.all(&ParameterSlot::w);
                for (const auto which : {&ParameterSlot::m, &ParameterSlot::v})
                    for (const float value : parameters.all(which)) values.push_back(value);
                return values;
            };
            const std::vector<float> before = state();
            backend_->run(update);
            return state() == before;
        };
        const bool expected = !found.finite() || empty;
        EXPECT_EQ(unchanged(parameters_, Adam{.parameters = parameters_.slots(), .verdict = verdict_.data()}),
                  expected);
        EXPECT_EQ(unchanged(by_momentum,
                            MomentumUpdate{.parameters = by_momentum.slots(), .verdict = verdict_.data()}),
                  expected);
    }
}

INSTANTIATE_TEST_SUITE_P(Models, Optimisers, testing::ValuesIn(models()));

}  // namespace
}  // namespace spectral::test
