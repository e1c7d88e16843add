// Rotary encoding: turned pairs, the way back, and scores that depend on the distance alone.
#include "engine/nn/rotary.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "engine/core/error.hpp"
#include "tests/support/arrays.hpp"

namespace spectral::test {
namespace {

class Rotary : public testing::Test {
protected:
    std::unique_ptr<Backend> backend_ = open_backend("cpu", 2);
    MemoryBudget budget_;
    Device device_{*backend_, budget_};

    Tensor tensor(const Shape& shape, const std::vector<float>& values) {
        Tensor result(device_, MemoryTag::data, shape, "test");
        result.assign(*backend_, {shape, values});
        return result;
    }
};

TEST_F(Rotary, TurnsPairsByPositionAndFrequency) {
    const Shape shape{2, 3, 5, 6};
    const std::vector<float> values = normal_values(shape.size(), 1);
    const Tensor x = tensor(shape, values), y = tensor(shape, values);
    for (const double base : {kRotaryBase, kGoldenRotaryBase}) {
        const Tensor turns = rotary_turns(device_, 5, 6, base, 2);
        rotate(device_, x, turns, y);
        std::vector<double> expected;
        for (std::size_t at = 0; at < values.size(); at += 2) {
            const double position = static_cast<double>(2 + at / 6 % 5), j = static_cast<double>(at % 6 / 2);
            const double angle = position / std::pow(base, 2 * j / 6);
            const auto a = static_cast<double>(values[at]), b = static_cast<double>(values[at + 1]);
            expected.push_back(a * std::cos(angle) - b * std::sin(angle));
            expected.push_back(a * std::sin(angle) + b * std::cos(angle));
        }
        EXPECT_LE(relative_energy_error(y.to_host(*backend_).values, expected), kEnergyTolerance);
        rotate(device_, y, turns, y, true);
        EXPECT_LE(relative_energy_error(y.to_host(*backend_).values, to_doubles(values)), kEnergyTolerance);
    }
}

/// The gradient of Σ dy·rotate(x) is what dy becomes on the way back: the map is linear.
TEST_F(Rotary, TheWayBackIsTheGradient) {
    const Shape shape{1, 1, 7, 4};
    const std::vector<float> x_values = normal_values(28, 1), dy_values = normal_values(28, 2);
    const Tensor x = tensor(shape, x_values), y = tensor(shape, x_values), dy = tensor(shape, dy_values),
                 dx = tensor(shape, dy_values), turns = rotary_turns(device_, 7, 4);
    rotate(device_, dy, turns, dx, true);
    const std::vector<float> gradient = dx.to_host(*backend_).values;
    const auto loss = [&](const std::vector<float>& values) {
        rotate(device_, tensor(shape, values), turns, y);
        const std::vector<float> turned = y.to_host(*backend_).values;
        double sum = 0;
        for (std::size_t i = 0; i < turned.size(); ++i)
            sum += static_cast<double>(turned[i]) * static_cast<double>(dy_values[i]);
        return sum;
    };
    for (std::size_t i = 0; i < x_values.size(); ++i) {
        std::vector<float> after = x_values, before = x_values;
        after[i] += 0.5F;
        before[i] -= 0.5F;
        EXPECT_NEAR(loss(after) - loss(before), static_cast<double>(gradient[i]), 1e-5);
    }
}

TEST_F(Rotary, RefusesWhatDoesNotFit) {
    EXPECT_THROW(rotary_turns(device_, 4, 5), Error);
    EXPECT_THROW(rotary_turns(device_, 4, 6, 0), Error);
    const Tensor turns = rotary_turns(device_, 4, 6), x = tensor({5, 6}, normal_values(30, 1));
    EXPECT_THROW(rotate(device_, x, turns, x), Error);
}

}  // namespace
}  // namespace spectral::test
