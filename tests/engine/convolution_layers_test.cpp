// What convolutional networks are made of: gradients, what pooling keeps, and what norms remember.
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "engine/core/error.hpp"
#include "engine/nn/batch_norm_layer.hpp"
#include "engine/nn/convolution_layer.hpp"
#include "engine/nn/pool_layer.hpp"
#include "engine/nn/spectral_pool_layer.hpp"
#include "engine/optim/optimiser.hpp"
#include "tests/support/backend_under_test.hpp"
#include "tests/support/definitions.hpp"
#include "tests/support/layer_slopes.hpp"

namespace spectral::test {
namespace {

using definition::Doubles;

class ConvolutionLayers : public LayerTest {
protected:
    /// Of the last training pass.
    std::vector<float> gradient(Layer& layer, std::int64_t batch, const std::vector<float>& dy) {
        Array<float> from(*backend_, std::span<const float>(dy)), dx(*backend_, batch * layer.inputs());
        layer.backward(batch, from.data(), dx.data());
        return dx.host();
    }
};

TEST_F(ConvolutionLayers, ConvolutionsHaveTheirSlopes) {
    const std::pair<FeatureMaps, ConvolutionChoice> cases[] = {
        {{2, 1, {9}}, {3, {4}, Padding::same, true}},
        {{1, 1, {8}}, {2, {8}, Padding::valid, false}},
        {{2, 2, {5, 4}}, {3, {3, 3}, Padding::same, true}},
        {{3, 2, {4, 5}}, {2, {2, 3}, Padding::valid, false}},
        {{1, 3, {3, 4, 3}}, {2, {2, 3, 2}, Padding::same, true}},
        {{2, 3, {3, 3, 4}}, {2, {3, 2, 2}, Padding::valid, true}}};
    for (const auto& [input, choice] : cases) {
        SCOPED_TRACE(input.text() + " by " + extents_text(input.rank, choice.kernel));
        ConvolutionLayer layer(device_, "convolution", input, choice, 2, 1, 1);
        EXPECT_EQ(layer.outputs(), layer.output_maps().size());
        EXPECT_EQ(layer.parameters().size(), choice.bias ? 2 : 1);
        expect_slopes(*backend_, layer, 2);
    }
}

TEST_F(ConvolutionLayers, ConvolutionPicksItsRows) {
    const FeatureMaps input{1, 2, {3, 3}};
    ConvolutionLayer layer(device_, "convolution", input, {2, {2, 2}}, 2, 1, 1);
    const std::vector<float> x = normal_values(4 * 12, 1);
    std::vector<float> picked;
    for (const int row : {3, 1}) picked.insert(picked.end(), x.begin() + row * 12, x.begin() + row * 12 + 9);
    const std::vector<std::uint32_t> rows{3, 1};
    Array<float> apart(*backend_, std::span<const float>(x)), y(*backend_, 2 * layer.outputs());
    Array<std::uint32_t> index(*backend_, std::span<const std::uint32_t>(rows));
    layer.forward(2, {apart.data(), 12, index.data()}, y.data(), false);
    EXPECT_EQ(y.host(), run(layer, 2, picked));
}

TEST_F(ConvolutionLayers, FiltersArePictures) {
    ConvolutionLayer grey(device_, "first", {1, 2, {4, 4}}, {3, {2, 2}}, 1, 1, 1);
    grey.parameters().front()->value.assign(*backend_,
                                            {{3, 1, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}});
    const std::vector<PatternSnapshot::Matrix> patterns = grey.patterns();
    ASSERT_EQ(patterns.size(), 1);
    EXPECT_EQ(patterns.front().title, "first: 3 filters of 2 × 2");
    const HostTensor& picture = patterns.front().values;
    ASSERT_EQ(picture.shape, (Shape{5, 5}));
    const float gap = 0;
    const std::vector<float> expected{1,   2,   gap, 5,  6,   3,   4,   gap, 7,  8,   gap, gap, gap,
                                      gap, gap, 9,   10, gap, gap, gap, 11,  12, gap, gap, gap};
    for (std::size_t i = 0; i < expected.size(); ++i) {
        if (expected[i] == gap)
            EXPECT_TRUE(std::isnan(picture.values[i])) << i;
        else
            EXPECT_EQ(picture.values[i], expected[i]) << i;
    }
    // Planes beside each other, and rows of one axis.
    ConvolutionLayer colour(device_, "first", {3, 2, {9, 9}}, {70, {5, 4}}, 1, 1, 1);
    EXPECT_EQ(colour.patterns().front().values.shape, (Shape{64 * 6 - 1, 3 * 5 - 1}));
    EXPECT_EQ(colour.patterns().front().title, "first: 64 of 70 filters of 5 × 4, 3 planes each");
    ConvolutionLayer signal(device_, "first", {1, 1, {9}}, {7, {5}}, 1, 1, 1);
    EXPECT_EQ(signal.patterns().front().values.shape, (Shape{13, 5}));
}

TEST_F(ConvolutionLayers, KernelsLargerThanTheImageAreRefused) {
    EXPECT_THROW(
        ConvolutionLayer(device_, "convolution", {1, 2, {3, 5}}, {1, {4, 4}, Padding::valid}, 1, 1, 1),
        Error);
    EXPECT_THROW(PoolLayer(device_, "pool", PoolKind::max, {1, 2, {3, 5}}, {4, 1}, {1, 1}, 1), Error);
    EXPECT_THROW(SpectralPoolLayer(device_, "pool", {1, 2, {3, 5}}, {4, 1}, 1), Error);
}

TEST_F(ConvolutionLayers, AveragesHaveTheirSlopes) {
    PoolLayer layer(device_, "pool", PoolKind::average, {2, 2, {5, 4}}, {3, 2}, {1, 2}, 2);
    expect_slopes(*backend_, layer, 2);
    const auto global = PoolLayer::global_average(device_, "pool", {3, 3, {2, 3, 2}}, 2);
    EXPECT_EQ(global->outputs(), 3);
    expect_slopes(*backend_, *global, 2);
}

TEST_F(ConvolutionLayers, MaxPoolPassesItsGradientToTheLargest) {
    PoolLayer layer(device_, "pool", PoolKind::max, {2, 1, {4}}, {2}, {2}, 1);
    EXPECT_EQ(run(layer, 1, {1, 3, 2, 2, -5, -6, 0, 7}, true), (std::vector<float>{3, 2, -5, 7}));
    EXPECT_EQ(gradient(layer, 1, {10, 20, 30, 40}), (std::vector<float>{0, 10, 20, 0, 30, 0, 0, 40}));
    PoolLayer only_run(device_, "pool", PoolKind::max, {2, 1, {4}}, {2}, {2}, 1, Use::run);
    EXPECT_EQ(run(only_run, 1, {1, 3, 2, 2, -5, -6, 0, 7}), (std::vector<float>{3, 2, -5, 7}));
    EXPECT_THROW(only_run.backward(1, nullptr, nullptr), Error);
}

/// What pooling from n to m samples does along an axis: Σ_{|f| ≤ m/2} e^{2πi f(i/m − j/n)} / n.
double pooling_weight(std::int64_t n, std::int64_t m, std::int64_t i, std::int64_t j) {
    if (n == m) return i == j ? 1 : 0;
    double sum = 0;
    for (std::int64_t f = -(m / 2); f <= m / 2; ++f)
        sum += std::cos(2 * std::numbers::pi * static_cast<double>(f) *
                        (static_cast<double>(i) / static_cast<double>(m) -
                         static_cast<double>(j) / static_cast<double>(n)));
    return sum / static_cast<double>(n);
}

TEST_F(ConvolutionLayers, SpectralPoolingIsItsFormula) {
    const std::pair<SpaceExtents, SpaceExtents> cases[] = {{{8, 8}, {4, 4}},   {{9, 7}, {4, 3}},
                                                           {{6, 10}, {5, 10}}, {{7, 8}, {7, 1}},
                                                           {{5, 6}, {5, 6}},   {{1, 9}, {1, 6}}};
    constexpr std::int64_t kMaps = 6;
    for (const auto& [from, to] : cases) {
        SCOPED_TRACE(extents_text(2, from) + " to " + extents_text(2, to));
        SpectralPoolLayer layer(device_, "pool", {3, 2, from}, to, 2);
        const std::vector<float> x = normal_values(kMaps * from[0] * from[1], 1);
        Doubles expected;
        for (std::int64_t map = 0; map < kMaps; ++map)
            for (std::int64_t i = 0; i < to[0] * to[1]; ++i) {
                double sum = 0;
                for (std::int64_t j = 0; j < from[0] * from[1]; ++j)
                    sum += static_cast<double>(x[static_cast<std::size_t>(map * from[0] * from[1] + j)]) *
                           pooling_weight(from[0], to[0], i / to[1], j / from[1]) *
                           pooling_weight(from[1], to[1], i % to[1], j % from[1]);
                expected.push_back(sum);
            }
        EXPECT_LE(relative_energy_error(run(layer, 2, x), expected), kEnergyTolerance);
        expect_slopes(*backend_, layer, 2);
    }
    SpectralPoolLayer of_signals(device_, "pool", {2, 1, {11}}, {4}, 2);
    expect_slopes(*backend_, of_signals, 2);
    SpectralPoolLayer of_volumes(device_, "pool", {1, 3, {4, 3, 4}}, {2, 2, 3}, 2);
    expect_slopes(*backend_, of_volumes, 2);
}

TEST_F(ConvolutionLayers, BatchNormsHaveTheirSlopes) {
    BatchNormLayer plain(device_, "norm", 2, 6, 3);
    expect_slopes(*backend_, plain, 3);
    BatchNormLayer golden(device_, "norm", 3, 4, 3, Use::train, std::sqrt(1 / std::numbers::phi_v<float>));
    expect_slopes(*backend_, golden, 3);
}

TEST_F(ConvolutionLayers, BatchNormRemembersWhatItSaw) {
    BatchNormLayer layer(device_, "norm", 1, 2, 2);
    const std::vector<float> x{1, 3, 5, 7};  // mean 4, variance 5, of which 20/3 with count − 1
    run(layer, 2, x, true);
    // From 0 and 1 a tenth of the way.
    const double mean = 0.4, deviation = std::sqrt(0.9 + 0.1 * 20 / 3 + 1e-5);
    const std::vector<float> y = run(layer, 2, x);
    for (std::size_t i = 0; i < x.size(); ++i)
        EXPECT_NEAR(static_cast<double>(y[i]), (static_cast<double>(x[i]) - mean) / deviation, 1e-5);
}

TEST_F(ConvolutionLayers, StatisticsAreNotTrained) {
    BatchNormLayer layer(device_, "norm", 3, 2, 2);
    const std::vector<Parameter*> all = layer.parameters();
    ASSERT_EQ(all.size(), 4);
    for (const Parameter* parameter : all)
        EXPECT_EQ(parameter->trained, !parameter->name.starts_with("running_")) << parameter->name;
    for (const OptimiserInfo& info : optimiser_registry()) {
        const auto optimiser = make_optimiser(info.name, device_, all, 0.9);
        EXPECT_EQ(optimiser->slots().size(), 2) << info.name;
    }
}

}  // namespace
}  // namespace spectral::test
