// Selection by magnitude and reductions of complex values against their definitions; selections exactly.
#include "kernels/ops/select.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "kernels/ops/reduce.hpp"
#include "tests/support/complex_values.hpp"
#include "tests/support/sparse_definitions.hpp"

namespace spectral::test {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr std::int64_t kManyParts = (1 << 19) + 1;  // three parts, and blocks that are not full

enum class Kind { normal, repeated, equal, special };

/// Repeated: few different magnitudes, so that ties decide. Special: zeros, subnormals, what overflows,
/// infinities and NaN of both signs among normal values.
std::vector<Complex> values_of(Kind kind, std::int64_t size) {
    std::vector<Complex> values = complex_values(size, 23);
    Random random(29);
    const Complex specials[] = {{0, -0.0F},       {1e-30F, 0},       {0, 3e-23F}, {1e30F, 1},
                                {-kInfinity, 0},  {kInfinity, kNan}, {kNan, 0},   {0, -kNan},
                                {1e-20F, 1e-20F}, {1.5e19F, 0}};
    for (Complex& value : values) {
        const std::uint32_t draw = random.below(40);
        if (kind == Kind::repeated) value = {static_cast<float>(draw % 5), draw % 2 == 0 ? -2.0F : 2.0F};
        if (kind == Kind::equal) value = {0.6F, -0.8F};
        if (kind == Kind::special && draw < std::size(specials)) value = specials[draw];
    }
    return values;
}

/// Bit for bit, NaN included.
void expect_chosen(const std::vector<Complex>& x, const definition::Indices& expected, std::int64_t written,
                   Array<std::uint32_t>& index, Array<Complex>& v) {
    const definition::Indices chosen(expected.begin(), expected.begin() + written);
    ASSERT_EQ(first(index, written), chosen);
    const std::vector<Complex> values = first(v, written);
    for (std::size_t j = 0; j < values.size(); ++j)
        ASSERT_EQ(std::memcmp(&values[j], &x[chosen[j]], sizeof(Complex)), 0) << "entry " << j;
}

class Select : public testing::TestWithParam<std::tuple<std::int64_t, Kind>> {
protected:
    void SetUp() override {
        if (too_large_to_test(size_)) GTEST_SKIP() << "too slow in this build";
    }

    std::int64_t size_ = std::get<0>(GetParam());
    std::vector<Complex> x_ = values_of(std::get<1>(GetParam()), size_);

    void expect_top_k(const std::vector<std::uint8_t>& weight, std::int64_t k) {
        SCOPED_TRACE("k = " + std::to_string(k));
        const definition::Indices expected = definition::top_k(x_, weight, k);
        const std::int64_t capacity = std::min(k, size_);
        at_every_level<TopK>([&](Backend& backend, Level level) {
            Array<Complex> in(backend, view(x_)), v(backend, capacity);
            Array<std::uint8_t> weights(backend, view(weight));
            Array<std::uint32_t> index(backend, capacity);
            Array<std::int64_t> count(backend, 1), scratch(backend, TopK::scratch_size(size_));
            backend.run(TopK{size_, k, in.data(), weight.empty() ? nullptr : weights.data(), index.data(),
                             v.data(), count.data(), scratch.data()},
                        level);
            ASSERT_EQ(count.host()[0], static_cast<std::int64_t>(expected.size()));
            expect_chosen(x_, expected, count.host()[0], index, v);
        });
    }
    /// The bisection takes a pass for each bit: fewer of the large inputs.
    std::vector<std::int64_t> budgets() const {
        if (size_ > 100000) return {1000, size_ / 3};
        return {0, 1, 2, 3, size_ / 20, size_ / 2, size_ - 1, size_, size_ + 1, 2 * size_};
    }
};

TEST_P(Select, TopKIsExact) {
    for (const std::int64_t k : budgets())
        if (k >= 0) expect_top_k({}, k);
}

TEST_P(Select, TopKCountsConjugatePairsTwice) {
    Random random(31);
    std::vector<std::uint8_t> weight(x_.size());
    for (std::uint8_t& each : weight) each = static_cast<std::uint8_t>(random.below(3));
    if (weight.empty()) return;
    for (const std::int64_t k : budgets())
        if (k >= 0) expect_top_k(weight, k);
}

TEST_P(Select, AboveIsExactAndStopsAtTheCapacity) {
    for (const float threshold : {0.0F, 1e-30F, 1.0F, 2.0F, 1e30F, kInfinity}) {
        SCOPED_TRACE(threshold);
        const definition::Indices expected = definition::select_above(x_, threshold);
        const auto matching = static_cast<std::int64_t>(expected.size());
        for (const std::int64_t capacity : {std::int64_t{0}, matching / 2, matching}) {
            at_every_level<SelectAbove>([&](Backend& backend, Level level) {
                Array<Complex> in(backend, view(x_)), v(backend, capacity);
                Array<std::uint32_t> index(backend, capacity);
                Array<std::int64_t> count(backend, 1), scratch(backend, SelectAbove::scratch_size(size_));
                backend.run(SelectAbove{size_, capacity, threshold, in.data(), index.data(), v.data(),
                                        count.data(), scratch.data()},
                            level);
                ASSERT_EQ(count.host()[0], matching);
                expect_chosen(x_, expected, capacity, index, v);
            });
        }
    }
}

TEST_P(Select, PeakIsTheFirstOfTheLargest) {
    const auto rank = [](Complex a, Complex b) {
        return definition::magnitude_rank(a) < definition::magnitude_rank(b);
    };
    const auto largest = std::ranges::max_element(x_, rank);
    at_every_level<PeakMagnitude>([&](Backend& backend, Level level) {
        Array<Complex> in(backend, view(x_));
        Array<Peak> peak(backend, 1);
        Array<std::uint64_t> scratch(backend, PeakMagnitude::scratch_size(size_));
        backend.run(PeakMagnitude{size_, in.data(), peak.data(), scratch.data()}, level);
        const Peak result = peak.host()[0];
        ASSERT_EQ(result.index, x_.empty() ? -1 : largest - x_.begin());
        if (x_.empty())
            EXPECT_EQ(result.magnitude, 0);
        else if (std::isnan(std::norm(*largest)))
            EXPECT_TRUE(std::isnan(result.magnitude));
        else
            EXPECT_FLOAT_EQ(result.magnitude, std::sqrt(std::fma(largest->real(), largest->real(),
                                                                 largest->imag() * largest->imag())));
    });
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, Select,
    testing::Combine(testing::Values(0, 1, 2, 15, 16, 17, 97, 1023, 1025, 4097, 65537, kManyParts),
                     testing::Values(Kind::normal, Kind::repeated, Kind::equal, Kind::special)));

class Reduce : public testing::TestWithParam<std::int64_t> {
protected:
    std::int64_t size_ = GetParam();
    std::vector<Complex> x_ = complex_values(size_, 37);
};

TEST_P(Reduce, EnergyAndSumAgreeAndDoNotDependOnThreads) {
    double energy = 0, weighted = 0;
    std::complex<double> sum;
    std::vector<std::uint8_t> weight(x_.size());
    for (std::size_t i = 0; i < x_.size(); ++i) {
        weight[i] = static_cast<std::uint8_t>(i % 3);
        const std::complex<double> value = x_[i];
        energy += std::norm(value);
        weighted += weight[i] * std::norm(value);
        sum += value;
    }
    std::vector<double> tiled;
    at_every_level<ComplexEnergy>([&](Backend& backend, Level level) {
        Array<Complex> in(backend, view(x_));
        Array<std::uint8_t> weights(backend, view(weight));
        Array<double> y(backend, 1), scratch(backend, ComplexEnergy::scratch_size(size_));
        backend.run(ComplexEnergy{size_, in.data(), nullptr, y.data(), scratch.data()}, level);
        EXPECT_NEAR(y.host()[0], energy, 1e-12 * energy);
        if (level == Level::tiled) tiled.push_back(y.host()[0]);
        backend.run(ComplexEnergy{size_, in.data(), weights.data(), y.data(), scratch.data()}, level);
        EXPECT_NEAR(y.host()[0], weighted, 1e-12 * weighted);
    });
    ASSERT_EQ(tiled.size(), 3U);
    EXPECT_EQ(tiled, std::vector<double>(3, tiled[0]));
    std::vector<std::complex<double>> sums;
    at_every_level<ComplexSum>([&](Backend& backend, Level level) {
        Array<Complex> in(backend, view(x_));
        Array<std::complex<double>> y(backend, 1), scratch(backend, ComplexSum::scratch_size(size_));
        backend.run(ComplexSum{size_, in.data(), y.data(), scratch.data()}, level);
        EXPECT_NEAR(std::abs(y.host()[0] - sum), 0, 1e-12 * std::sqrt(energy * static_cast<double>(size_)));
        if (level == Level::tiled) sums.push_back(y.host()[0]);
    });
    EXPECT_EQ(sums, std::vector<std::complex<double>>(3, sums.at(0)));
}

TEST_P(Reduce, WhatIsNotFiniteShows) {
    if (size_ == 0) return;
    for (const float bad : {kInfinity, kNan}) {
        x_.back() = {0, bad};
        at_every_level<ComplexEnergy>([&](Backend& backend, Level level) {
            Array<Complex> in(backend, view(x_));
            Array<double> y(backend, 1), scratch(backend, ComplexEnergy::scratch_size(size_));
            backend.run(ComplexEnergy{size_, in.data(), nullptr, y.data(), scratch.data()}, level);
            EXPECT_FALSE(std::isfinite(y.host()[0]));
        });
        at_every_level<ComplexSum>([&](Backend& backend, Level level) {
            Array<Complex> in(backend, view(x_));
            Array<std::complex<double>> y(backend, 1), scratch(backend, ComplexSum::scratch_size(size_));
            backend.run(ComplexSum{size_, in.data(), y.data(), scratch.data()}, level);
            EXPECT_FALSE(std::isfinite(y.host()[0].imag()));
        });
    }
}

INSTANTIATE_TEST_SUITE_P(Sizes, Reduce, testing::Values(0, 1, 2, 15, 16, 17, 97, 4096, 4097, 65537));

}  // namespace
}  // namespace spectral::test
