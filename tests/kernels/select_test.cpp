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

/// TopK at every level against its definition; `weight` empty: 1 each.
void expect_top_k(const std::vector<Complex>& x, const std::vector<std::uint8_t>& weight, std::int64_t k) {
    SCOPED_TRACE("k = " + std::to_string(k));
    const definition::Indices expected = definition::top_k(x, weight, k);
    const auto size = static_cast<std::int64_t>(x.size());
    const std::int64_t capacity = std::min(k, size);
    at_every_level<TopK>([&](Backend& backend, Level level) {
        Array<Complex> in(backend, view(x)), v(backend, capacity);
        Array<std::uint8_t> weights(backend, view(weight));
        Array<std::uint32_t> index(backend, capacity);
        Array<std::int64_t> count(backend, 1), scratch(backend, TopK::scratch_size(size));
        backend.run(TopK{size, k, in.data(), weight.empty() ? nullptr : weights.data(), index.data(),
                         v.data(), count.data(), scratch.data()},
                    level);
        ASSERT_EQ(count.host()[0], static_cast<std::int64_t>(expected.size()));
        expect_chosen(x, expected, count.host()[0], index, v);
    });
}

class Select : public testing::TestWithParam<std::tuple<std::int64_t, Kind>> {
protected:
    void SetUp() override {
        if (too_large_to_test(size_)) GTEST_SKIP() << "too slow in this build";
    }

    std::int64_t size_ = std::get<0>(GetParam());
    std::vector<Complex> x_ = values_of(std::get<1>(GetParam()), size_);

    void expect_top_k(const std::vector<std::uint8_t>& weight, std::int64_t k) {
        test::expect_top_k(x_, weight, k);
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

/// Inputs that lead TopK on a device along each of its ways: what lies in and above the bin where the budget
/// ends is set aside where it fits. Sizes around a chunk, and more chunks than the emulated grid has blocks.
class TopKWays : public testing::TestWithParam<std::int64_t> {
protected:
    void SetUp() override {
        if (too_large_to_test(size_)) GTEST_SKIP() << "too slow in this build";
    }

    /// `count` values between 1.2 and 1.21, all in one bin of keys and few of them equal, spread over the
    /// others, which are small.
    std::vector<Complex> in_one_bin(std::int64_t count) const {
        std::vector<Complex> x(static_cast<std::size_t>(size_));
        Random random(41);
        for (Complex& value : x) value = {0.001F * static_cast<float>(random.below(1000)), 0.01F};
        for (std::int64_t i = 0; i < count; ++i)
            x[static_cast<std::size_t>(i * size_ / count)] = {
                0, 1.2F + 1e-6F * static_cast<float>(random.below(10000))};
        return x;
    }
    std::vector<std::uint8_t> all(std::uint8_t weight) const {
        return std::vector<std::uint8_t>(static_cast<std::size_t>(size_), weight);
    }

    std::int64_t size_ = GetParam();
    std::int64_t fits_ = TopK::list_capacity(size_);
    bool large_ = size_ > 100'000;  ///< fewer cases of these
};

TEST_P(TopKWays, WhatIsSetAsideJustFitsOrDoesNot) {
    for (const std::int64_t count : {fits_ - 1, fits_, fits_ + 1, 2 * fits_, 2 * fits_ + 1}) {
        if (count < 1 || (large_ && count != fits_ && count != fits_ + 1)) continue;
        SCOPED_TRACE(count);
        const std::vector<Complex> x = in_one_bin(count);
        for (const std::int64_t k : {std::int64_t{0}, count / 2, count - 1}) {
            if (large_ && k != count / 2) continue;
            expect_top_k(x, {}, k);
            // Found out while they are set aside: up to twice the room may do as far as weights can tell.
            expect_top_k(x, all(1), k);
            expect_top_k(x, all(2), 2 * k + 1);
        }
    }
}

TEST_P(TopKWays, TiesOfAllOrOfTwoMagnitudes) {
    const std::int64_t budgets[] = {0, 1, size_ / 20, size_ / 2, size_ - 1, size_, size_ + 1};
    // Half a spectrum whose first and last coefficient stand for themselves: an odd budget ends in a 2.
    std::vector<std::uint8_t> half = all(2);
    half.front() = half.back() = 1;
    const float next = std::nextafter(1.0F, 2.0F), before = std::nextafter(1.0F, 0.0F);
    for (const auto& [even, odd] : std::vector<std::pair<Complex, Complex>>{
             {{0.6F, -0.8F}, {0.6F, -0.8F}}, {0, {-0.0F, 0}}, {1, next}, {before, 1}, {kNan, kInfinity}}) {
        SCOPED_TRACE(testing::Message() << even << " and " << odd);
        std::vector<Complex> x(static_cast<std::size_t>(size_));
        for (std::size_t i = 0; i < x.size(); ++i) x[i] = i % 2 == 0 ? even : odd;
        for (const std::int64_t k : budgets) {
            if (large_ && k != size_ / 20 && k != size_ / 2) continue;
            expect_top_k(x, {}, k);
            expect_top_k(x, half, k | 1);
        }
    }
}

TEST_P(TopKWays, FewAreLargeOrNotFinite) {
    std::vector<Complex> x = in_one_bin(1);
    x.back() = {kInfinity, 0};
    x[x.size() / 2] = {0, kNan};
    const std::vector<std::uint8_t> none = all(0);
    for (const std::int64_t k : {0, 1, 2, 3, 4}) {
        expect_top_k(x, {}, k);
        expect_top_k(x, all(2), k);
        expect_top_k(x, none, k);
    }
}

INSTANTIATE_TEST_SUITE_P(Sizes, TopKWays, testing::Values(7, 8, 31, 1000, 4095, 4096, 4097, 12289, 199'001));

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
