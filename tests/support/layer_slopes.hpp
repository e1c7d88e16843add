// Layers on any backend: run, and their backward against central differences of their forward.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/nn/layer.hpp"
#include "tests/support/arrays.hpp"
#include "tests/support/backend_under_test.hpp"

namespace spectral::test {

/// L(x, θ) = Σ c·y for fixed random c: dL/dy = c. Forward is float32, so the step is large and the tolerance
/// loose; the kernels' own tests hold them to 1e-10 in energy. Both passes are training ones, of one step:
/// what is drawn in it stays. `x` replaces the random input where it is not empty and then has no gradient.
inline void expect_slopes(Backend& backend, Layer& layer, std::int64_t batch, std::vector<float> x = {}) {
    constexpr float kStep = 1e-2F;
    const bool input_gradient = x.empty();
    if (input_gradient) x = normal_values(batch * layer.inputs(), 90);
    std::uint64_t seed = 1;
    std::vector<std::vector<float>> values, gradients;
    std::vector<Parameter*> parameters;
    for (Parameter* parameter : layer.parameters())
        if (parameter->trained) parameters.push_back(parameter);
    for (Parameter* parameter : parameters) {
        values.push_back(normal_values(parameter->value.size(), seed++, 0.5, 0.1));
        parameter->value.assign(backend, {parameter->value.shape(), values.back()});
    }
    Array<float> input(backend, std::span<const float>(x));
    const std::vector<float> c = normal_values(batch * layer.outputs(), 91);
    Array<float> y(backend, batch * layer.outputs()), dy(backend, std::span<const float>(c)),
        dx(backend, batch * layer.inputs());
    layer.begin_step(3);
    const auto loss = [&] {
        layer.forward(batch, {input.data(), layer.inputs(), nullptr}, y.data(), true);
        double sum = 0;
        const std::vector<float> host = y.host();
        for (std::size_t i = 0; i < c.size(); ++i)
            sum += static_cast<double>(c[i]) * static_cast<double>(host[i]);
        return sum;
    };
    loss();
    layer.backward(batch, dy.data(), input_gradient ? dx.data() : nullptr);
    for (Parameter* parameter : parameters) gradients.push_back(parameter->gradient.to_host(backend).values);

    const auto check = [&](float* device, float value, float gradient, const std::string& what) {
        const auto at = [&](float moved) {
            backend.copy_to_device(device, &moved, sizeof moved);
            return loss();
        };
        const double slope = (at(value + kStep) - at(value - kStep)) / (2 * static_cast<double>(kStep));
        backend.copy_to_device(device, &value, sizeof value);
        EXPECT_NEAR(static_cast<double>(gradient), slope, 2e-3 * std::max(1.0, std::abs(slope))) << what;
    };
    for (std::size_t p = 0; p < parameters.size(); ++p)
        for (std::size_t i = 0; i < values[p].size(); ++i)
            check(parameters[p]->value.data() + i, values[p][i], gradients[p][i],
                  parameters[p]->name + " " + std::to_string(i));
    const std::vector<float> slopes = dx.host();
    for (std::size_t i = 0; input_gradient && i < x.size(); ++i)
        check(input.data() + i, x[i], slopes[i], "input " + std::to_string(i));
}

/// A layer that is only run gives what a trained one of the same values gives, holds no gradient, and refuses
/// to be trained. `make(device, use)` gives the layer.
template <class Make>
void expect_only_run_is_the_same(Backend& backend, const Make& make, std::int64_t batch) {
    MemoryBudget running, training;
    const std::unique_ptr<Layer> run = make(Device{backend, running}, Use::run),
                                 trained = make(Device{backend, training}, Use::train);
    SCOPED_TRACE(run->name());
    const std::vector<Parameter*> of_trained = trained->parameters();
    std::uint64_t seed = 5;
    for (Parameter* parameter : run->parameters()) {
        const auto same = std::ranges::find(of_trained, parameter->name, &Parameter::name);
        ASSERT_NE(same, of_trained.end());
        const HostTensor values{parameter->value.shape(),
                                normal_values(parameter->value.size(), seed++, 0.5)};
        parameter->value.assign(backend, values);
        (*same)->value.assign(backend, values);
    }
    const std::vector<float> x = normal_values(batch * run->inputs(), 8);
    Array<float> input(backend, std::span<const float>(x)), y(backend, batch * run->outputs()),
        expected(backend, batch * run->outputs());
    run->forward(batch, {input.data(), run->inputs(), nullptr}, y.data(), false);
    trained->forward(batch, {input.data(), run->inputs(), nullptr}, expected.data(), false);
    EXPECT_EQ(y.host(), expected.host());
    EXPECT_EQ(running.usage(MemoryTag::gradients).peak, 0);
    EXPECT_GT(training.usage(MemoryTag::gradients).peak, 0);
    EXPECT_LT(running.total().peak, training.total().peak);
    EXPECT_THROW(run->backward(batch, y.data(), nullptr), Error);
}

/// Layers on the backend under test.
class LayerTest : public testing::Test {
protected:
    std::unique_ptr<Backend> backend_ = open_tested(2);
    MemoryBudget budget_;
    Device device_{*backend_, budget_};

    std::vector<float> run(Layer& layer, std::int64_t batch, const std::vector<float>& x,
                           bool training = false) {
        Array<float> input(*backend_, std::span<const float>(x)), y(*backend_, batch * layer.outputs());
        layer.forward(batch, {input.data(), layer.inputs(), nullptr}, y.data(), training);
        return y.host();
    }
};

}  // namespace spectral::test
