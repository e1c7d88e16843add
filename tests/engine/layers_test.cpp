// Every layer's backward against central differences of its forward.
#include <gtest/gtest.h>

#include <functional>

#include "engine/compress/method.hpp"
#include "engine/nn/adapted_layer.hpp"
#include "engine/nn/composite.hpp"
#include "engine/nn/dense.hpp"
#include "engine/nn/implicit_linear.hpp"
#include "engine/nn/purefft.hpp"
#include "engine/nn/reorder_layer.hpp"
#include "engine/nn/sequential.hpp"
#include "engine/nn/spectral_linear.hpp"
#include "tests/support/arrays.hpp"
#include "tests/support/layer_slopes.hpp"

namespace spectral::test {
namespace {

/// L(x, θ) = Σ c·y for fixed random c: dL/dy = c. Forward is float32, so the step is large and the tolerance
/// loose; the kernels' own tests hold them to 1e-10 in energy.
class LayerGradients : public testing::Test {
protected:
    static constexpr std::int64_t kBatch = 6;

    std::unique_ptr<Backend> backend_ = open_backend("cpu", 2);
    MemoryBudget budget_;
    Device device_{*backend_, budget_};

    void fill(Parameter& parameter, std::uint64_t seed) {
        parameter.value.assign(
            *backend_, {parameter.value.shape(), normal_values(parameter.value.size(), seed, 0.5, 0.1)});
    }

    /// `slot`: one float of a parameter or of the input.
    void check(const std::function<double()>& loss, float* slot, float gradient) {
        constexpr float kStep = 1e-2F;
        const float before = *slot;
        *slot = before + kStep;
        const double above = loss();
        *slot = before - kStep;
        const double below = loss();
        *slot = before;
        const double expected = (above - below) / (2 * static_cast<double>(kStep));
        EXPECT_NEAR(static_cast<double>(gradient), expected, 2e-3 * std::max(1.0, std::abs(expected)));
    }

    void check_layer(Layer& layer, bool input_gradient, std::int64_t stride,
                     std::vector<std::uint32_t> rows) {
        std::uint64_t seed = 1;
        for (Parameter* parameter : layer.parameters()) fill(*parameter, seed++);
        std::vector<float> padded(static_cast<std::size_t>(kBatch * stride));
        std::vector<float> values = normal_values(kBatch * layer.inputs(), 90);
        for (float& value : values)  // differences across the kink of ReLU mean nothing
            if (std::abs(value) < 0.05F) value += 0.1F;
        for (std::int64_t b = 0; b < kBatch; ++b)
            std::copy_n(values.begin() + b * layer.inputs(), layer.inputs(), padded.begin() + b * stride);
        Array<float> x(*backend_, std::span<const float>(padded));
        Array<std::uint32_t> row_array(*backend_, std::span<const std::uint32_t>(rows));
        const std::vector<float> c = normal_values(kBatch * layer.outputs(), 91);
        Array<float> y(*backend_, kBatch * layer.outputs()), dy(*backend_, std::span<const float>(c));
        Array<float> dx(*backend_, kBatch * layer.inputs());
        const LayerInput input{x.data(), stride, rows.empty() ? nullptr : row_array.data()};
        const auto loss = [&] {
            layer.forward(kBatch, input, y.data(), false);
            double sum = 0;
            for (std::size_t i = 0; i < c.size(); ++i)
                sum += static_cast<double>(c[i]) * static_cast<double>(y.data()[i]);
            return sum;
        };
        layer.forward(kBatch, input, y.data(), true);
        layer.backward(kBatch, dy.data(), input_gradient ? dx.data() : nullptr);
        for (Parameter* parameter : layer.parameters()) {
            const HostTensor gradient = parameter->gradient.to_host(*backend_);
            for (std::int64_t i = 0; i < parameter->value.size(); ++i)
                check(loss, parameter->value.data() + i, gradient.values[static_cast<std::size_t>(i)]);
        }
        for (std::int64_t b = 0; input_gradient && rows.empty() && b < kBatch; ++b)
            for (std::int64_t i = 0; i < layer.inputs(); ++i)
                check(loss, x.data() + b * stride + i, dx.data()[b * layer.inputs() + i]);
    }
};

TEST_F(LayerGradients, Dense) {
    Dense layer(device_, "dense", 7, 5, kBatch, 1, 1);
    check_layer(layer, true, 7, {});
    check_layer(layer, false, 16, {5, 4, 3, 2, 1, 0});
}

TEST_F(LayerGradients, Activations) {
    ActivationLayer gelu(device_, "gelu", ActivationKind::gelu, 9);
    check_layer(gelu, true, 9, {});
    ActivationLayer relu(device_, "relu", ActivationKind::relu, 9);
    check_layer(relu, true, 9, {});
}

TEST_F(LayerGradients, PureFft) {
    PureFftLayer layer(device_, "purefft", {3, 2}, 9, 4, kBatch);
    check_layer(layer, false, 16, {});
    check_layer(layer, false, 16, {0, 2, 4, 1, 3, 5});
    EXPECT_THROW(layer.backward(1, nullptr, reinterpret_cast<float*>(64)), Error);
}

TEST_F(LayerGradients, Sequential) {
    std::vector<std::unique_ptr<Layer>> layers;
    layers.push_back(std::make_unique<Dense>(device_, "first", 5, 6, kBatch, 1, 1));
    layers.push_back(std::make_unique<ActivationLayer>(device_, "gelu", ActivationKind::gelu, 6));
    layers.push_back(std::make_unique<Dense>(device_, "second", 6, 3, kBatch, 1, 2));
    Sequential network(device_, "network", std::move(layers), kBatch);
    check_layer(network, true, 5, {});
}

TEST_F(LayerGradients, Residual) {
    for (const float scale : {1.0F, 0.618F}) {
        Residual layer(device_, "residual", std::make_unique<Dense>(device_, "branch", 5, 5, kBatch, 1, 1),
                       scale, kBatch);
        check_layer(layer, true, 5, {});
        check_layer(layer, false, 16, {5, 4, 3, 2, 1, 0});
        EXPECT_EQ(layer.parameters().front()->name, "branch.weight");
    }
    EXPECT_THROW(Residual(device_, "residual", std::make_unique<Dense>(device_, "branch", 5, 4, kBatch, 1, 1),
                          1, kBatch),
                 Error);
}

TEST_F(LayerGradients, ImplicitLinear) {
    for (const char* method : {"fft", "dct", "block-fft", "magnitude"}) {
        SCOPED_TRACE(method);
        const auto packer = find_method(method).prepare(device_, {Shape{6, 7}, normal_values(42, 3)});
        const PackedTensor packed = packer->pack(packer->step_at(0.5));
        ImplicitLinear layer(device_, "implicit", packed, true, Use::train, kBatch, 4);
        check_layer(layer, true, 7, {});
        check_layer(layer, false, 16, {5, 4, 3, 2, 1, 0});
    }
}

TEST_F(LayerGradients, ImplicitLinearOfAnotherOrder) {
    PackOptions options;
    options.basis.emplace();
    options.basis->order = {{4, 0, 5, 2, 1, 3}, {6, 2, 0, 4, 1, 5, 3}};
    const auto packer = find_method("fft").prepare(device_, {Shape{6, 7}, normal_values(42, 3)}, options);
    ImplicitLinear layer(device_, "implicit", packer->pack(packer->step_at(0.5)), true, Use::train, kBatch,
                         4);
    check_layer(layer, true, 7, {});
}

TEST_F(LayerGradients, Reorder) {
    ReorderLayer layer(device_, "reorder", {3, 0, 4, 1, 2}, kBatch);
    check_layer(layer, true, 5, {});
    check_layer(layer, false, 8, {5, 4, 3, 2, 1, 0});
}

TEST_F(LayerGradients, ImplicitLinearOfFactorsIsNotTrained) {
    const auto packer = find_method("svd").prepare(device_, {Shape{6, 7}, normal_values(42, 3)});
    ImplicitLinear layer(device_, "implicit", packer->pack(2), false, Use::train, kBatch, 4);
    EXPECT_TRUE(layer.parameters().empty());
    EXPECT_THROW(layer.backward(1, nullptr, nullptr), Error);
}

/// Layers that are only run give what trained ones give, without a gradient anywhere.
TEST_F(LayerGradients, LayersThatAreOnlyRunHoldNone) {
    const HostTensor dense{Shape{6, 7}, normal_values(42, 3)};
    const std::vector<std::uint32_t> places{1, 6, 10};
    const std::vector<Complex> values{{0.5F, -1}, {0.3F, 0.2F}, {-0.7F, 0.1F}};
    const std::vector<float> cosines{0.5F, -1, 0.3F};
    const auto packer = find_method("fft").prepare(device_, dense);
    const PackedTensor packed = packer->pack(packer->step_at(0.5));
    using Make = std::function<std::unique_ptr<Layer>(Device, Use)>;
    const auto make_dense = [&](Device device, Use use) {
        return std::make_unique<Dense>(device, "dense", 7, 6, kBatch, 1, 1, use);
    };
    const std::vector<Make> makers{
        make_dense,
        [&](Device device, Use use) {
            return std::make_unique<SpectralLinear>(device, "fourier", 7, 6, places, values, true, kBatch,
                                                    use);
        },
        [&](Device device, Use use) {
            return std::make_unique<SpectralLinear>(device, "cosine", 7, 6, places, cosines, true, kBatch,
                                                    use);
        },
        [&](Device device, Use use) {
            return std::make_unique<ImplicitLinear>(device, "implicit", packed, true, use, kBatch, 4);
        },
        [&](Device device, Use use) {
            std::vector<std::unique_ptr<Layer>> layers;
            layers.push_back(make_dense(device, use));
            layers.push_back(std::make_unique<ActivationLayer>(device, "gelu", ActivationKind::gelu, 6));
            return std::make_unique<Sequential>(device, "network", std::move(layers), kBatch, use);
        }};
    for (const Make& make : makers) expect_only_run_is_the_same(*backend_, make, kBatch);
}

TEST_F(LayerGradients, AdaptedLayerTrainsItsAdapterAlone) {
    const std::vector<std::uint32_t> places{1, 6, 10};
    const std::vector<Complex> values{{0.5F, -1}, {0.3F, 0.2F}, {-0.7F, 0.1F}};
    AdaptedLayer layer(
        device_, std::make_unique<Dense>(device_, "dense", 7, 5, kBatch, 1, 1),
        std::make_unique<SpectralLinear>(device_, "adapter", 7, 5, places, values, false, kBatch), kBatch);
    ASSERT_EQ(layer.parameters().size(), 1);
    EXPECT_EQ(layer.parameters().front()->value.size(), 6);
    check_layer(layer, true, 7, {});
    check_layer(layer, false, 16, {5, 4, 3, 2, 1, 0});
    EXPECT_THROW(AdaptedLayer(device_, std::make_unique<Dense>(device_, "dense", 7, 4, kBatch, 1, 1),
                              std::make_unique<Dense>(device_, "adapter", 7, 5, kBatch, 1, 1), kBatch),
                 Error);
}

TEST_F(LayerGradients, SequentialRefusesLayersThatDoNotFit) {
    std::vector<std::unique_ptr<Layer>> layers;
    layers.push_back(std::make_unique<Dense>(device_, "first", 5, 6, kBatch, 1, 1));
    layers.push_back(std::make_unique<Dense>(device_, "second", 7, 3, kBatch, 1, 2));
    EXPECT_THROW(Sequential(device_, "network", std::move(layers), kBatch), Error);
}

}  // namespace
}  // namespace spectral::test
