// Layers of learned filters: slopes, what ReLU and chunks change, first filters, and what the page shows.
#include "engine/nn/global_filter.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "engine/core/error.hpp"
#include "engine/nn/dense.hpp"
#include "engine/nn/filter_patterns.hpp"
#include "engine/nn/registry.hpp"
#include "tests/support/complex_values.hpp"
#include "tests/support/layer_slopes.hpp"

namespace spectral::test {
namespace {

class GlobalFilters : public testing::Test {
protected:
    std::unique_ptr<Backend> backend_ = open_tested(2);
    MemoryBudget budget_;
    Device device_{*backend_, budget_};

    std::unique_ptr<GlobalFilter> make(const GlobalFilterShape& shape, FilterActivation activation,
                                       std::int64_t max_batch, std::int64_t support = 0,
                                       Use use = Use::train) {
        return std::make_unique<GlobalFilter>(device_, "filter", shape, activation, support, max_batch, 1, 1,
                                              use);
    }
};

const SignalShape kImage{2, {5, 6}};

TEST_F(GlobalFilters, BackwardIsTheSlopeOfForward) {
    for (const GlobalFilterShape& shape :
         {GlobalFilterShape{kImage, 1, 3, 1}, GlobalFilterShape{kImage, 2, 3, 1},
          GlobalFilterShape{kImage, 2, 4, 2}, GlobalFilterShape{{1, {7}}, 2, 2, 2},
          GlobalFilterShape{{3, {2, 3, 4}}, 1, 2, 1}}) {
        SCOPED_TRACE(extents_text(shape.signal.rank, shape.signal.extent));
        expect_slopes(*backend_, *make(shape, FilterActivation::none, 3), 3);
    }
}

/// Where modReLU does not bend: of signals near an impulse, filters near 1.5 and a bias of 0.3 no coefficient
/// comes near 0. Along random directions of filters, bias and input.
TEST_F(GlobalFilters, BackwardIsTheSlopeOfForwardWithModRelu) {
    constexpr std::int64_t kBatch = 3;
    constexpr double kStep = 1e-3;
    const auto layer = make({kImage, 1, 3, 1}, FilterActivation::mod_relu, kBatch);
    std::vector<std::vector<float>> at{
        normal_values(3 * 20 * 2, 1, 0.1), {0.3F, 0.2F, 0.4F}, normal_values(kBatch * 30, 2, 0.02)};
    for (std::size_t i = 0; i < at[0].size(); i += 2) at[0][i] += 1.5F;
    for (std::size_t b = 0; b < kBatch; ++b) at[2][30 * b] += 1;
    const std::vector<float> c = normal_values(kBatch * 90, 3);
    Array<float> x(*backend_, kBatch * 30), y(*backend_, kBatch * 90), dx(*backend_, kBatch * 30),
        dy(*backend_, std::span<const float>(c));
    const auto loss = [&](const std::vector<std::vector<float>>& values) {
        for (std::size_t p = 0; p < 2; ++p)
            layer->parameters()[p]->value.assign(*backend_,
                                                 {layer->parameters()[p]->value.shape(), values[p]});
        backend_->copy_to_device(x.data(), values[2].data(), values[2].size() * sizeof(float));
        layer->forward(kBatch, {x.data(), 30, nullptr}, y.data(), true);
        double sum = 0;
        const std::vector<float> host = y.host();
        for (std::size_t i = 0; i < c.size(); ++i)
            sum += static_cast<double>(c[i]) * static_cast<double>(host[i]);
        return sum;
    };
    loss(at);
    layer->backward(kBatch, dy.data(), dx.data());
    const std::vector<std::vector<float>> gradient{layer->parameters()[0]->gradient.to_host(*backend_).values,
                                                   layer->parameters()[1]->gradient.to_host(*backend_).values,
                                                   dx.host()};
    for (std::size_t part = 0; part < 3; ++part)
        for (std::uint64_t direction = 0; direction < 4; ++direction) {
            const std::vector<float> along = normal_values(std::ssize(at[part]), 10 + direction);
            double expected = 0;
            std::vector<std::vector<float>> up = at, down = at;
            for (std::size_t i = 0; i < along.size(); ++i) {
                expected += static_cast<double>(gradient[part][i]) * static_cast<double>(along[i]);
                up[part][i] += static_cast<float>(kStep) * along[i];
                down[part][i] -= static_cast<float>(kStep) * along[i];
            }
            EXPECT_NEAR((loss(up) - loss(down)) / (2 * kStep), expected,
                        5e-3 * std::max(1.0, std::abs(expected)))
                << part << ", " << direction;
        }
}

/// With the activation inside as with one behind; inputs picked by index, and rows apart.
TEST_F(GlobalFilters, ReluIsTheActivationBehindIt) {
    const GlobalFilterShape shape{kImage, 2, 3, 1};
    const auto with = make(shape, FilterActivation::relu, 4),
               without = make(shape, FilterActivation::none, 4);
    without->parameters()[0]->value.assign(*backend_, with->parameters()[0]->value.to_host(*backend_));
    ActivationLayer relu(device_, "relu", ActivationKind::relu, with->outputs());
    const std::int64_t stride = with->inputs() + 4;
    const std::vector<float> values = normal_values(4 * stride, 3), dy = normal_values(4 * 90, 4);
    const std::vector<std::uint32_t> picked{2, 0, 3, 1};
    Array<std::uint32_t> rows(*backend_, std::span<const std::uint32_t>(picked));
    Array<float> x(*backend_, std::span<const float>(values)),
        upstream(*backend_, std::span<const float>(dy)), y(*backend_, 4 * 90), before(*backend_, 4 * 90),
        expected(*backend_, 4 * 90), masked(*backend_, 4 * 90), dx(*backend_, 4 * 60),
        dx_expected(*backend_, 4 * 60);
    for (const bool by_index : {false, true}) {
        const LayerInput input{x.data(), stride, by_index ? rows.data() : nullptr};
        with->forward(4, input, y.data(), true);
        with->backward(4, upstream.data(), dx.data());
        without->forward(4, input, before.data(), true);
        relu.forward(4, {before.data(), 90, nullptr}, expected.data(), true);
        relu.backward(4, upstream.data(), masked.data());
        without->backward(4, masked.data(), dx_expected.data());
        EXPECT_EQ(y.host(), expected.host());
        EXPECT_EQ(dx.host(), dx_expected.host());
        EXPECT_EQ(with->parameters()[0]->gradient.to_host(*backend_).values,
                  without->parameters()[0]->gradient.to_host(*backend_).values);
    }
}

/// A batch that no cache holds goes through in chunks: as its samples one by one.
TEST_F(GlobalFilters, ChunksAreAsSamplesOneByOne) {
    constexpr std::int64_t kBatch = 19, kOut = 16 * 4096;
    const GlobalFilterShape shape{{1, {4096}}, 1, 16, 1};
    for (const FilterActivation activation : {FilterActivation::relu, FilterActivation::mod_relu}) {
        const auto all = make(shape, activation, kBatch), one = make(shape, activation, 1);
        const std::vector<float> values = normal_values(kBatch * 4096, 5),
                                 c = normal_values(kBatch * kOut, 6);
        Array<float> x(*backend_, std::span<const float>(values)), dy(*backend_, std::span<const float>(c)),
            y(*backend_, kBatch * kOut), y_one(*backend_, kBatch * kOut), dx(*backend_, kBatch * 4096),
            dx_one(*backend_, kBatch * 4096);
        all->forward(kBatch, {x.data(), 4096, nullptr}, y.data(), true);
        all->backward(kBatch, dy.data(), dx.data());
        std::vector<std::vector<double>> sums;
        for (Parameter* parameter : one->parameters())
            sums.emplace_back(static_cast<std::size_t>(parameter->value.size()));
        for (std::int64_t b = 0; b < kBatch; ++b) {
            one->forward(1, {x.data() + b * 4096, 4096, nullptr}, y_one.data() + b * kOut, true);
            one->backward(1, dy.data() + b * kOut, dx_one.data() + b * 4096);
            for (std::size_t p = 0; p < sums.size(); ++p) {
                const std::vector<float> part = one->parameters()[p]->gradient.to_host(*backend_).values;
                for (std::size_t i = 0; i < part.size(); ++i) sums[p][i] += static_cast<double>(part[i]);
            }
        }
        EXPECT_LE(relative_energy_error(y.host(), to_doubles(y_one.host())), kEnergyTolerance);
        EXPECT_LE(relative_energy_error(dx.host(), to_doubles(dx_one.host())), kEnergyTolerance);
        for (std::size_t p = 0; p < sums.size(); ++p)
            EXPECT_LE(
                relative_energy_error(all->parameters()[p]->gradient.to_host(*backend_).values, sums[p]),
                kEnergyTolerance);
    }
}

TEST_F(GlobalFilters, OnlyRunHoldsNoGradientAndGivesTheSame) {
    const GlobalFilterShape shape{kImage, 2, 3, 1};
    for (const FilterActivation activation : {FilterActivation::relu, FilterActivation::mod_relu})
        expect_only_run_is_the_same(
            *backend_,
            [&](Device device, Use use) {
                return std::make_unique<GlobalFilter>(device, "filter", shape, activation, 0, 4, 1, 1, use);
            },
            4);
}

TEST_F(GlobalFilters, SupportBoundsTheFirstKernels) {
    const auto layer = make({{2, {9, 8}}, 2, 3, 1}, FilterActivation::relu, 1, 3);
    const auto patterns = layer->patterns();
    ASSERT_EQ(patterns.size(), 3);
    const HostTensor& kernels = patterns[2].values;  // three tiles of 9 × 8, the origin at 4, 4
    ASSERT_EQ(kernels.shape, Shape({9, 3 * 9 - 1}));
    for (std::int64_t r = 0; r < 9; ++r)
        for (std::int64_t c = 0; c < 26; ++c) {
            const float value = kernels.values[static_cast<std::size_t>(r * 26 + c)];
            const bool inside = c % 9 < 8 && std::abs(r - 4) <= 1 && std::abs(c % 9 - 4) <= 1;
            EXPECT_EQ(std::abs(value) > 1e-6F, inside) << r << ", " << c;
        }
    try {
        make({{2, {9, 8}}, 1, 1, 1}, FilterActivation::relu, 1, 9);
        FAIL();
    } catch (const BadValue& bad) {
        EXPECT_EQ(bad.field(), "support");
    }
}

/// A filter that only delays: all magnitudes 1, phases of a ramp, one value in space.
TEST_F(GlobalFilters, PatternsShowADelayAsItIs) {
    const SignalShape signal{1, {6}};
    HostTensor filters{Shape{1, 4, 2}, {}}, kernels{Shape{1, 6}, {0, 1, 0, 0, 0, 0}};
    for (int f = 0; f < 4; ++f) {
        const double angle = -2 * std::numbers::pi * f / 6;
        filters.values.push_back(static_cast<float>(std::cos(angle)));
        filters.values.push_back(static_cast<float>(std::sin(angle)));
    }
    const auto patterns = filter_patterns(signal, "weight", 8, filters, kernels);
    ASSERT_EQ(patterns.size(), 3);
    for (const float magnitude : patterns[0].values.values)
        EXPECT_NEAR(static_cast<double>(magnitude), 1, 1e-6);
    for (int f = 0; f < 3; ++f)
        EXPECT_NEAR(static_cast<double>(patterns[1].values.values[static_cast<std::size_t>(f)]),
                    -2 * std::numbers::pi * f / 6, 1e-6);
    EXPECT_EQ(patterns[2].values.values, (std::vector<float>{0, 0, 0, 0, 1, 0}));
}

/// On a sheet the half that is not stored stands opposite, conjugate.
TEST_F(GlobalFilters, SheetsAreHermitian) {
    const auto layer = make({kImage, 1, 2, 1}, FilterActivation::relu, 1, 3);
    const auto patterns = layer->patterns();
    for (std::int64_t tile = 0; tile < 2; ++tile)
        for (std::int64_t r = 0; r < 5; ++r)
            for (std::int64_t c = 1; c < 6; ++c) {
                const auto at = [&](const HostTensor& sheet, std::int64_t row, std::int64_t column) {
                    return static_cast<double>(
                        sheet.values[static_cast<std::size_t>(row * 13 + tile * 7 + column)]);
                };
                EXPECT_NEAR(at(patterns[0].values, r, c), at(patterns[0].values, 4 - r, 6 - c), 1e-5);
                EXPECT_NEAR(std::sin(at(patterns[1].values, r, c)),
                            -std::sin(at(patterns[1].values, 4 - r, 6 - c)), 1e-4);
            }
}

TEST_F(GlobalFilters, TheModelCountsItsParametersBeforehand) {
    const ModelInfo& info = find_model("global-filter");
    for (const char* given :
         {"{}", R"({"blocks": 3, "channels": 4})", R"({"blocks": 2, "mixing": "depthwise", "support": 3})",
          R"({"activation": "modrelu", "blocks": 2, "channels": 3})",
          R"({"blocks": 3, "channels": 2, "pooling": "max", "support": 0})",
          R"({"blocks": 2, "pooling": "average", "mixing": "depthwise", "support": 2})"})
        for (const SignalShape& shape :
             {SignalShape{1, {12}}, SignalShape{2, {6, 7}}, SignalShape{3, {3, 6, 5}}}) {
            SCOPED_TRACE(given);
            const Json options = complete(info.schema, Json::parse(given), "test");
            const auto model = info.make({device_, options, shape, 10, 2, 1, 1});
            EXPECT_EQ(model->parameter_count(), info.count_parameters(options, shape, 10));
            EXPECT_EQ(model->patterns().size(), 3);
        }
}

TEST_F(GlobalFilters, TheModelRefusesKernelsLargerThanTheImageBeforehand) {
    const ModelInfo& info = find_model("global-filter");
    const Json options = complete(info.schema, Json::parse(R"({"support": 7})"), "test");
    EXPECT_THROW(info.count_parameters(options, {2, {6, 7}}, 10), BadValue);
    EXPECT_THROW(info.make({device_, options, {2, {6, 7}}, 10, 2, 1, 1}), BadValue);
    EXPECT_THROW(info.count_parameters(options, {4, {9, 9, 9, 9}}, 10), BadValue);
}

/// Each block sees half of what the one before saw, an odd last value dropped; what stays of two kinds.
TEST_F(GlobalFilters, PoolingHalvesWhatFollows) {
    const ModelInfo& info = find_model("global-filter");
    for (const char* pooling : {"average", "max"}) {
        const Json options = complete(
            info.schema,
            {{"blocks", 3}, {"channels", 2}, {"pooling", pooling}, {"support", 1}, {"dropout", 0.5}}, "test");
        const auto model = info.make({device_, options, {2, {9, 4}}, 10, 2, 1, 1});
        std::vector<std::string> kinds;
        std::vector<std::int64_t> outputs;
        for (Layer* layer : model->layers()) {
            kinds.emplace_back(layer->kind());
            outputs.push_back(layer->outputs());
        }
        const std::string pool = std::string(pooling) + "-pool";
        EXPECT_EQ(kinds, (std::vector<std::string>{"global-filter", pool, "global-filter", pool,
                                                   "global-filter", pool, "dropout", "dense"}));
        EXPECT_EQ(outputs, (std::vector<std::int64_t>{72, 16, 16, 4, 4, 2, 2, 10}));
    }
    const Json options = complete(info.schema, {{"blocks", 2}, {"pooling", "max"}, {"support", 5}}, "test");
    EXPECT_NO_THROW(info.count_parameters(options, {2, {10, 10}}, 10));
    try {  // 9 halved is 4
        info.count_parameters(options, {2, {10, 9}}, 10);
        FAIL();
    } catch (const BadValue& bad) {
        EXPECT_EQ(bad.field(), "support");
    }
    EXPECT_THROW(info.make({device_, options, {2, {10, 9}}, 10, 2, 1, 1}), BadValue);
}

TEST_F(GlobalFilters, TheAudioModelFiltersFrequenciesOverTime) {
    const ModelInfo& info = find_model("audio-spectral");
    const Json options = complete(info.schema, Json::parse(R"({"channels": 3, "blocks": 2})"), "test");
    const SignalShape spectrogram{2, {7, 4}};  // 7 frames of 4 frequencies
    const auto model = info.make({device_, options, spectrogram, 5, 2, 1, 1});
    EXPECT_EQ(model->parameter_count(), info.count_parameters(options, spectrogram, 5));
    EXPECT_EQ(model->parameters().front()->value.shape(), Shape({3, 4, 4, 2}));
    std::vector<float> values(28);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
    Array<float> x(*backend_, std::span<const float>(values)), y(*backend_, 28);
    model->layers().front()->forward(1, {x.data(), 28, nullptr}, y.data(), false);
    EXPECT_EQ(first(y, 9), (std::vector<float>{0, 4, 8, 12, 16, 20, 24, 1, 5}));
    EXPECT_THROW(info.count_parameters(options, {3, {1, 7, 4}}, 5), BadValue);
    EXPECT_THROW(info.count_parameters(options, {2, {4, 28}}, 5), BadValue);  // kernels of 5 in 4 frames
}

TEST_F(GlobalFilters, TheAudioModelFiltersWaveformsAsSignalsOfOneChannel) {
    const ModelInfo& info = find_model("audio-spectral");
    const Json options = complete(
        info.schema, Json::parse(R"({"channels": 3, "blocks": 2, "pooling": "max", "dropout": 0})"), "test");
    const SignalShape waveform{1, {29}};
    const auto model = info.make({device_, options, waveform, 5, 2, 1, 1});
    EXPECT_EQ(model->parameter_count(), info.count_parameters(options, waveform, 5));
    EXPECT_EQ(model->layers().front()->inputs(), 29);
    EXPECT_EQ(model->parameters().front()->value.shape(), Shape({3, 1, 15, 2}));
    EXPECT_EQ(model->layers().back()->inputs(), 3 * 7);  // 29 halved twice, each filter's
    EXPECT_THROW(info.count_parameters(options, {1, {4}}, 5), BadValue);
}

}  // namespace
}  // namespace spectral::test
