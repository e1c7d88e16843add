// Magnitudes of real rows of every length that a kernel may treat in a way of its own, against the float64
// definition.
#include <gtest/gtest.h>

#include <algorithm>
#include <numbers>

#include "kernels/ops/fft.hpp"
#include "tests/support/arrays.hpp"
#include "tests/support/backend_under_test.hpp"

namespace spectral::test {
namespace {

/// |Σ_n x[n] e^{−2πi fn/N}| of one row, f ≤ N/2, with exact reduction of f·n.
std::vector<double> definition_of(std::span<const float> x) {
    const std::size_t size = x.size();
    std::vector<std::complex<double>> turns;
    for (std::size_t i = 0; i < size; ++i)
        turns.push_back(
            std::polar(1.0, -2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(size)));
    std::vector<double> result;
    for (std::size_t f = 0; f <= size / 2; ++f) {
        std::complex<double> sum = 0;
        std::size_t turn = 0;
        for (const float value : x) {
            sum += static_cast<double>(value) * turns[turn];
            turn = (turn + f) % size;
        }
        result.push_back(std::abs(sum));
    }
    return result;
}

struct Rows {
    std::int64_t batch, samples;
    std::int64_t gap = 0;     ///< behind the frequencies of a row
    std::int64_t offset = 0;  ///< of the input from an aligned address, in samples
};

void expect_agreement(const Rows& rows, int variant) {
    const SignalShape shape{1, {rows.samples}};
    const std::int64_t bins = shape.spectrum_size(), stride = bins + rows.gap;
    const std::vector<float> all =
        normal_values(rows.offset + rows.batch * rows.samples, 21 + static_cast<std::uint64_t>(rows.samples));
    std::vector<double> expected;
    for (std::int64_t b = 0; b < rows.batch; ++b) {
        const auto one =
            definition_of(std::span(all).subspan(static_cast<std::size_t>(rows.offset + b * rows.samples),
                                                 static_cast<std::size_t>(rows.samples)));
        expected.insert(expected.end(), one.begin(), one.end());
        expected.insert(expected.end(), static_cast<std::size_t>(rows.gap), 0.0);
    }
    const auto backend = open_tested(variant);
    Array<float> x(*backend, std::span<const float>(all));
    Array<Complex> scratch(*backend, RfftMagnitude::scratch_size(rows.batch, shape));
    for (const Level level : backend->operations().levels(RfftMagnitude::name)) {
        SCOPED_TRACE(std::string(level_name(level)) + ", " + std::to_string(rows.batch) + " × " +
                     std::to_string(rows.samples));
        Array<float> y(*backend, rows.batch * stride);
        backend->run(
            RfftMagnitude{rows.batch, shape, x.data() + rows.offset, y.data(), stride, scratch.data()},
            level);
        const std::vector<float> result = y.host();
        EXPECT_LE(relative_energy_error(result, expected), kEnergyTolerance);
        for (std::int64_t b = 0; b < rows.batch; ++b)
            for (std::int64_t f = bins; f < stride; ++f)
                ASSERT_EQ(result[static_cast<std::size_t>(b * stride + f)], 0.0F);
    }
}

class RfftMagnitudeRows : public testing::TestWithParam<std::int64_t> {};

TEST_P(RfftMagnitudeRows, AgreeWithTheDefinition) {
    const std::int64_t samples = GetParam();
    for (const std::int64_t batch : {0, 1, 3, 33}) {
        if (batch * samples > 50'000 || too_large_to_test(batch * samples)) continue;
        expect_agreement({batch, samples, batch}, static_cast<int>(batch % 4));
    }
}

INSTANTIATE_TEST_SUITE_P(Lengths, RfftMagnitudeRows,
                         testing::Values(1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 16, 17, 22, 26, 28, 30, 32, 49,
                                         64, 97, 105, 112, 128, 143, 256, 343, 784, 1000, 1024, 2187, 4096,
                                         9604, 20000));

/// More rows than all blocks of a device have at once.
TEST(RfftMagnitude, ABlockGoesOnToFurtherRows) {
    if (too_large_to_test(37'000)) GTEST_SKIP() << "too slow in this build";
    for (const int variant : {1, 2, 3}) {
        expect_agreement({200, 112, 7}, variant);
        expect_agreement({1500, 16, 7}, variant);
        expect_agreement({300, 49, 0}, variant);
        expect_agreement({37, 784, 7}, variant);
    }
}

TEST(RfftMagnitude, RowsNeedNoAlignment) {
    expect_agreement({3, 28, 2, 1}, 1);
    expect_agreement({3, 27, 2, 1}, 1);
}

TEST(RfftMagnitude, LeadingAxesOfOneChangeNothing) {
    const auto backend = open_tested(1);
    const std::vector<float> values = normal_values(140, 3);
    Array<float> x(*backend, std::span<const float>(values)), plain(*backend, 80), shaped(*backend, 80);
    const SignalShape row{1, {28}}, shape{3, {1, 1, 28}};
    Array<Complex> scratch(*backend, RfftMagnitude::scratch_size(5, shape));
    backend->run(RfftMagnitude{5, row, x.data(), plain.data(), 16, scratch.data()});
    backend->run(RfftMagnitude{5, shape, x.data(), shaped.data(), 16, scratch.data()});
    EXPECT_LE(relative_energy_error(shaped.host(), to_doubles(plain.host())), kEnergyTolerance);
}

/// Neither rounding nor anything else of a row reaches another: a faint one stays exact beside a loud one.
TEST(RfftMagnitude, RowsDoNotMix) {
    const auto backend = open_tested(2);
    const auto& levels = backend->operations().levels(RfftMagnitude::name);
    if (backend->name() != "cuda") GTEST_SKIP() << "two rows share a transform there";
    for (const std::int64_t samples : {21, 28}) {
        const SignalShape shape{1, {samples}};
        const std::int64_t bins = shape.spectrum_size();
        std::vector<float> values = normal_values(2 * samples, 4);
        for (std::int64_t i = 0; i < samples; ++i) values[static_cast<std::size_t>(i)] *= 1e20F;
        const std::vector<double> expected =
            definition_of(std::span<const float>(values).subspan(static_cast<std::size_t>(samples)));
        Array<float> x(*backend, std::span<const float>(values)), y(*backend, 2 * bins);
        Array<Complex> scratch(*backend, RfftMagnitude::scratch_size(2, shape));
        for (const Level level : levels) {
            backend->run(RfftMagnitude{2, shape, x.data(), y.data(), bins, scratch.data()}, level);
            const std::vector<float> all = y.host();
            EXPECT_LE(relative_energy_error(std::vector<float>(all.begin() + bins, all.end()), expected),
                      kEnergyTolerance);
            EXPECT_TRUE(std::all_of(all.begin(), all.begin() + bins, [](float v) { return v < 1e23F; }))
                << "squares of 1e20 are beyond float32";
        }
    }
}

TEST(RfftMagnitude, NoSamplesAreZeros) {
    const auto backend = open_tested(1);
    for (const Level level : backend->operations().levels(RfftMagnitude::name)) {
        SCOPED_TRACE(level_name(level));
        Array<float> y(*backend, 12);
        backend->run(RfftMagnitude{3, {1, {0}}, nullptr, y.data(), 4, nullptr}, level);
        EXPECT_EQ(y.host(), std::vector<float>(12, 0.0F));
    }
}

}  // namespace
}  // namespace spectral::test
