// PureFFT at every level and shape against the float64 definition; gradients against finite differences of
// it.
#include "kernels/ops/purefft.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/backend.hpp"
#include "tests/support/arrays.hpp"
#include "tests/support/backend_under_test.hpp"
#include "tests/support/definitions.hpp"

namespace spectral::test {
namespace {

/// The last two: rows of which one, or none, fits into the shared memory of a device's block.
const std::vector<PureFftSizes> kShapes{{0, 8, 2, 10, 393},  {1, 1, 1, 1, 1},      {3, 2, 1, 2, 5},
                                        {7, 3, 3, 11, 16},   {5, 8, 2, 10, 17},    {64, 8, 2, 10, 393},
                                        {97, 5, 4, 7, 31},   {256, 8, 2, 10, 393}, {130, 16, 1, 26, 64},
                                        {2, 8, 2, 10, 4097}, {3, 2, 1, 3, 40001},  {2, 2, 1, 3, 60001}};

/// Keeps the scores, sums over the frequencies, where the softmax is not saturated: a pattern of weight 1 has
/// a gradient that is all cancellation.
double layer_spread(std::int64_t frequencies) {
    return std::min(0.3, 6 / std::sqrt(static_cast<double>(frequencies)));
}

/// One problem in backend memory, rows shuffled through an index.
struct Problem {
    Backend& backend;
    PureFftSizes sizes;
    std::int64_t stride;
    std::vector<float> pool, layer, class_;
    std::vector<float> x;  ///< tight, in batch order
    std::vector<std::int32_t> labels;
    Array<float> rows_x, pool_d, layer_d, class_d;
    Array<std::uint32_t> rows;
    Array<std::int32_t> labels_d;

    Problem(Backend& b, const PureFftSizes& s)
        : backend(b),
          sizes(s),
          stride(padded_columns(s.frequencies)),
          pool(normal_values(s.patterns * s.frequencies, 1, 0.3, 0.2)),
          layer(normal_values(s.layers * s.frequencies, 2, layer_spread(s.frequencies))),
          class_(normal_values(s.classes * s.frequencies, 3, 0.3)),
          x(normal_values(s.batch * s.frequencies, 4)),
          labels(random_labels()),
          rows_x(b, std::span<const float>(padded())),
          pool_d(b, std::span<const float>(pool)),
          layer_d(b, std::span<const float>(layer)),
          class_d(b, std::span<const float>(class_)),
          rows(b, std::span<const std::uint32_t>(reversed())),
          labels_d(b, std::span<const std::int32_t>(labels)) {}

    std::vector<std::uint32_t> reversed() const {
        std::vector<std::uint32_t> index(static_cast<std::size_t>(sizes.batch));
        std::iota(index.rbegin(), index.rend(), 0U);
        return index;
    }
    std::vector<float> padded() const {
        std::vector<float> result(static_cast<std::size_t>(sizes.batch * stride));
        for (std::int64_t b = 0; b < sizes.batch; ++b)
            std::copy_n(x.begin() + b * sizes.frequencies, sizes.frequencies,
                        result.begin() + (sizes.batch - 1 - b) * stride);
        return result;
    }
    std::vector<std::int32_t> random_labels() const {
        Random random(5);
        std::vector<std::int32_t> drawn(static_cast<std::size_t>(sizes.batch));
        for (std::int32_t& label : drawn)
            label = static_cast<std::int32_t>(random.below(static_cast<std::uint32_t>(sizes.classes)));
        return drawn;
    }
    PureFftInput input() { return {rows_x.data(), stride, rows.data()}; }
    PureFftParameters parameters() { return {pool_d.data(), layer_d.data(), class_d.data()}; }
    definition::PureFft reference() const {
        return {sizes, to_doubles(x), to_doubles(pool), to_doubles(layer), to_doubles(class_)};
    }
    std::int64_t scratch(Level level) const { return purefft_scratch_size(sizes, level, backend.threads()); }
};

/// Gradients of the mean loss by the chain rule on the collapsed form, in float64.
struct Gradients {
    std::vector<double> pool, layer, class_;
};

Gradients reference_gradients(const definition::PureFft& net, const std::vector<double>& delta) {
    const auto [batch, patterns, layers, classes, n] = net.sizes;
    const auto at = [](std::int64_t i) { return static_cast<std::size_t>(i); };
    const std::vector<double> gain = net.gain(), w = net.weights();
    Gradients g{std::vector<double>(net.pool.size()), std::vector<double>(net.layer.size()),
                std::vector<double>(net.class_.size())};
    std::vector<double> d_gain(at(n));
    for (std::int64_t b = 0; b < batch; ++b) {
        for (std::int64_t k = 0; k < classes; ++k) {
            for (std::int64_t f = 0; f < n; ++f) {
                g.class_[at(k * n + f)] += delta[at(b * classes + k)] * net.x[at(b * n + f)] * gain[at(f)];
                d_gain[at(f)] +=
                    delta[at(b * classes + k)] * net.x[at(b * n + f)] * net.class_[at(k * n + f)];
            }
        }
    }
    std::vector<std::vector<double>> layer_gain(at(layers), std::vector<double>(at(n)));
    for (std::int64_t l = 0; l < layers; ++l)
        for (std::int64_t p = 0; p < patterns; ++p)
            for (std::int64_t f = 0; f < n; ++f)
                layer_gain[at(l)][at(f)] += w[at(l * patterns + p)] * net.pool[at(p * n + f)];
    for (std::int64_t l = 0; l < layers; ++l) {
        std::vector<double> d(d_gain);
        for (std::int64_t m = 0; m < layers; ++m)
            for (std::int64_t f = 0; m != l && f < n; ++f) d[at(f)] *= layer_gain[at(m)][at(f)];
        std::vector<double> dw(at(patterns));
        double mean = 0;
        for (std::int64_t p = 0; p < patterns; ++p) {
            for (std::int64_t f = 0; f < n; ++f) dw[at(p)] += d[at(f)] * net.pool[at(p * n + f)];
            mean += w[at(l * patterns + p)] * dw[at(p)];
        }
        for (std::int64_t p = 0; p < patterns; ++p) {
            const double weight = w[at(l * patterns + p)], d_score = weight * (dw[at(p)] - mean);
            for (std::int64_t f = 0; f < n; ++f) {
                g.pool[at(p * n + f)] += weight * d[at(f)] + d_score * net.layer[at(l * n + f)];
                g.layer[at(l * n + f)] += d_score * net.pool[at(p * n + f)];
            }
        }
    }
    return g;
}

class PureFftLevels : public testing::TestWithParam<std::tuple<PureFftSizes, int>> {
protected:
    std::unique_ptr<Backend> backend_ = open_tested(std::get<1>(GetParam()));
    PureFftSizes sizes_ = std::get<0>(GetParam());

    void SetUp() override {
        if (too_large_to_test(sizes_.batch * sizes_.frequencies)) GTEST_SKIP() << "too slow in this build";
    }
};

TEST_P(PureFftLevels, ForwardAgreesWithTheDefinition) {
    Problem problem(*backend_, sizes_);
    const auto expected = problem.reference().logits();
    for (const Level level : backend_->operations().levels(PureFftForward::name)) {
        SCOPED_TRACE(level_name(level));
        Array<float> logits(*backend_, sizes_.batch * sizes_.classes),
            scratch(*backend_, problem.scratch(level));
        backend_->run(
            PureFftForward{sizes_, problem.input(), problem.parameters(), logits.data(), scratch.data()},
            level);
        EXPECT_LE(relative_energy_error(logits.host(), expected), energy_tolerance(level));
    }
}

TEST_P(PureFftLevels, StepAgreesWithTheDefinition) {
    Problem problem(*backend_, sizes_);
    const auto net = problem.reference();
    const auto logits = net.logits();
    const auto expected =
        reference_gradients(net, definition::nll_gradient(logits, sizes_.classes, problem.labels));
    const double loss = definition::nll_sum(logits, sizes_.classes, problem.labels);
    for (const Level level : backend_->operations().levels(PureFftStep::name)) {
        SCOPED_TRACE(level_name(level));
        Array<float> work(*backend_, sizes_.batch * sizes_.classes),
            scratch(*backend_, problem.scratch(level));
        Array<float> pool(*backend_, sizes_.patterns * sizes_.frequencies);
        Array<float> layer(*backend_, sizes_.layers * sizes_.frequencies);
        Array<float> class_(*backend_, sizes_.classes * sizes_.frequencies);
        Array<LossSums> sums(*backend_, 1);
        backend_->run(PureFftStep{sizes_,
                                  problem.input(),
                                  problem.parameters(),
                                  problem.labels_d.data(),
                                  work.data(),
                                  {pool.data(), layer.data(), class_.data()},
                                  sums.data(),
                                  scratch.data()},
                      level);
        EXPECT_NEAR(sums.host()[0].loss, loss,
                    std::max(1e-5, std::sqrt(energy_tolerance(level))) * std::max(1.0, loss));
        EXPECT_LE(relative_energy_error(pool.host(), expected.pool), energy_tolerance(level));
        EXPECT_LE(relative_energy_error(layer.host(), expected.layer), energy_tolerance(level));
        EXPECT_LE(relative_energy_error(class_.host(), expected.class_), energy_tolerance(level));
    }
}

TEST_P(PureFftLevels, GainAgreesWithTheDefinition) {
    Problem problem(*backend_, sizes_);
    Array<float> weights(*backend_, sizes_.layers * sizes_.patterns), gain(*backend_, sizes_.frequencies);
    Array<float> scratch(*backend_, problem.scratch(Level::best));
    backend_->run(PureFftGain{sizes_, problem.parameters(), weights.data(), gain.data(), scratch.data()});
    EXPECT_LE(relative_energy_error(gain.host(), problem.reference().gain()), kEnergyTolerance);
    EXPECT_LE(relative_energy_error(weights.host(), problem.reference().weights()), kEnergyTolerance);
}

/// Levels that round their inputs are for those who ask.
TEST(PureFft, BestRoundsNothing) {
    const auto backend = open_tested(1);
    const std::vector<Level> levels = backend->operations().levels(PureFftStep::name);
    const Level best = backend->operations().find<PureFftStep>(Level::best).level;
    EXPECT_EQ(energy_tolerance(best), kEnergyTolerance);
    for (const Level level : levels) EXPECT_TRUE(level <= best || energy_tolerance(level) > kEnergyTolerance);
}

INSTANTIATE_TEST_SUITE_P(Shapes, PureFftLevels,
                         testing::Combine(testing::ValuesIn(kShapes), testing::Values(1, 2, 3)));

/// The analytic gradient above is itself checked: central differences of the float64 definition.
TEST(PureFftDefinition, GradientsAgreeWithFiniteDifferences) {
    const auto backend = open_tested(1);
    const Problem problem(*backend, {5, 3, 2, 4, 9});
    definition::PureFft net = problem.reference();
    const auto loss = [&] { return definition::nll_sum(net.logits(), 4, problem.labels) / 5; };
    const Gradients analytic =
        reference_gradients(net, definition::nll_gradient(net.logits(), 4, problem.labels));
    const auto check = [&](std::vector<double>& values, const std::vector<double>& gradient) {
        for (std::size_t i = 0; i < values.size(); ++i) {
            constexpr double kStep = 1e-5;
            const double before = values[i];
            values[i] = before + kStep;
            const double above = loss();
            values[i] = before - kStep;
            const double below = loss();
            values[i] = before;
            EXPECT_NEAR((above - below) / (2 * kStep), gradient[i], 1e-8);
        }
    };
    check(net.pool, analytic.pool);
    check(net.layer, analytic.layer);
    check(net.class_, analytic.class_);
}

}  // namespace
}  // namespace spectral::test
