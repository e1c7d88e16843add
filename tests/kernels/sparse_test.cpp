// Gather, scatter, product and sum of sparse spectra against their definitions.
#include "kernels/ops/sparse.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "tests/support/complex_values.hpp"
#include "tests/support/sparse_definitions.hpp"

namespace spectral::test {
namespace {

struct SparseValues {
    std::vector<std::uint32_t> index;
    std::vector<Complex> v;

    SparseValues(std::int64_t size, std::uint32_t stride, std::uint64_t seed)
        : index(ascending_indices(size, stride, seed)),
          v(complex_values(static_cast<std::int64_t>(index.size()), seed + 1)) {}
    SparseValues(std::vector<std::uint32_t> indices, std::vector<Complex> values)
        : index(std::move(indices)), v(std::move(values)) {}

    std::int64_t count() const { return static_cast<std::int64_t>(index.size()); }
    definition::Sparse map() const {
        definition::Sparse result;
        for (std::size_t j = 0; j < index.size(); ++j) result[index[j]] = v[j];
        return result;
    }
};

/// The same in a backend's memory.
struct SparseArrays {
    Array<std::uint32_t> index;
    Array<Complex> v;
    std::int64_t count;

    SparseArrays(Backend& backend, const SparseValues& values)
        : index(backend, view(values.index)), v(backend, view(values.v)), count(values.count()) {}
    SparseArrays(Backend& backend, std::int64_t capacity)
        : index(backend, capacity), v(backend, capacity), count(capacity) {}
    SparseView operand() { return {count, index.data(), v.data()}; }
};

void expect_sparse(SparseArrays& result, std::int64_t count, const definition::Sparse& expected) {
    ASSERT_EQ(count, static_cast<std::int64_t>(expected.size()));
    std::vector<std::uint32_t> indices;
    definition::ComplexDoubles values;
    for (const auto& [index, value] : expected) {
        indices.push_back(index);
        values.push_back(value);
    }
    EXPECT_EQ(first(result.index, count), indices);
    EXPECT_LE(relative_energy_error(first(result.v, count), values), kEnergyTolerance);
}

void expect_product(const SparseValues& a, const SparseValues& b) {
    const auto expected = definition::sparse_multiply(a.map(), b.map());
    at_every_level<SparseMultiply>([&](Backend& backend, Level level) {
        SparseArrays left(backend, a), right(backend, b), result(backend, std::min(a.count(), b.count()));
        Array<std::int64_t> count(backend, 1),
            scratch(backend, SparseMultiply::scratch_size(a.count(), b.count()));
        backend.run(SparseMultiply{left.operand(), right.operand(), result.index.data(), result.v.data(),
                                   count.data(), scratch.data()},
                    level);
        expect_sparse(result, count.host()[0], expected);
    });
}

void expect_sum(const SparseValues& a, const SparseValues& b, float alpha, float beta) {
    const auto expected =
        definition::sparse_add(static_cast<double>(alpha), a.map(), static_cast<double>(beta), b.map());
    at_every_level<SparseAdd>([&](Backend& backend, Level level) {
        SparseArrays left(backend, a), right(backend, b), result(backend, a.count() + b.count());
        Array<std::int64_t> count(backend, 1),
            scratch(backend, SparseAdd::scratch_size(a.count(), b.count()));
        backend.run(SparseAdd{left.operand(), right.operand(), alpha, beta, result.index.data(),
                              result.v.data(), count.data(), scratch.data()},
                    level);
        expect_sparse(result, count.host()[0], expected);
    });
}

constexpr std::int64_t kManyParts = (1 << 19) + 1;  // three parts, and blocks that are not full

class Sparse : public testing::TestWithParam<std::tuple<std::int64_t, int>> {
protected:
    void SetUp() override {
        if (too_large_to_test(size_)) GTEST_SKIP() << "too slow in this build";
    }

    std::int64_t size_ = std::get<0>(GetParam());
    std::uint32_t stride_ = static_cast<std::uint32_t>(std::get<1>(GetParam()));
};

TEST_P(Sparse, GatherTakesAndScatterPutsBack) {
    const SparseValues kept(size_, stride_, 3);
    const std::vector<Complex> x = complex_values(size_, 5);
    at_every_level<SparseGather>([&](Backend& backend, Level level) {
        Array<Complex> in(backend, view(x)), y(backend, kept.count());
        Array<std::uint32_t> index(backend, view(kept.index));
        backend.run(SparseGather{kept.count(), index.data(), in.data(), y.data()}, level);
        std::vector<Complex> expected;
        for (const std::uint32_t i : kept.index) expected.push_back(x[i]);
        EXPECT_EQ(y.host(), expected);
    });
    at_every_level<SparseScatter>([&](Backend& backend, Level level) {
        SparseArrays in(backend, kept);
        Array<Complex> y(backend, size_);
        backend.run(SparseScatter{kept.count(), size_, in.index.data(), in.v.data(), y.data()}, level);
        std::vector<Complex> expected(x.size());
        for (std::size_t j = 0; j < kept.index.size(); ++j) expected[kept.index[j]] = kept.v[j];
        EXPECT_EQ(y.host(), expected);
    });
}

TEST_P(Sparse, ProductAndSumAgree) {
    const SparseValues a(size_, stride_, 11), b(size_, 3, 13);
    expect_product(a, b);
    expect_sum(a, b, 1, 1);
    expect_sum(b, a, -0.75F, 2.5F);
}

INSTANTIATE_TEST_SUITE_P(Shapes, Sparse,
                         testing::Combine(testing::Values(0, 1, 2, 97, 4096, 4097, 65537, kManyParts),
                                          testing::Values(1, 2, 50)));

TEST(SparseMerge, OperandsMayBeEmptyEqualOrApart) {
    const SparseValues none({}, {}), low({0, 1, 2}, {1, 2, 3}), high({7, 0xFFFFFFFF}, {{0, 4}, 5});
    for (const SparseValues& a : {none, low, high}) {
        for (const SparseValues& b : {none, low, high}) {
            expect_product(a, b);
            expect_sum(a, b, 1, 1);
        }
    }
}

TEST(SparseMerge, AllOfOneOperandMayLieBetweenTwoOfTheOther) {
    const SparseValues dense(kManyParts, 1, 17);
    const auto last = static_cast<std::uint32_t>(kManyParts);
    expect_sum(dense, SparseValues({0, last}, {1, 2}), 1, 1);
    expect_product(SparseValues({5, last - 1, last}, {1, 2, 3}), dense);
}

TEST(SparseMerge, ExactZerosAreKept) {
    const SparseValues a(97, 2, 19);
    expect_sum(a, a, 1, -1);
    expect_sum(a, a, 0, 0);
}

TEST(SparseMerge, WhatIsNotFiniteGoesThrough) {
    const float infinity = std::numeric_limits<float>::infinity();
    const SparseValues bad({4, 9}, {{infinity, 0}, {std::numeric_limits<float>::quiet_NaN(), 1}});
    const SparseValues ones({4, 9}, {1, 1});
    at_every_level<SparseMultiply>([&](Backend& backend, Level level) {
        SparseArrays a(backend, bad), b(backend, ones), y(backend, 2);
        Array<std::int64_t> count(backend, 1), scratch(backend, SparseMultiply::scratch_size(2, 2));
        backend.run(SparseMultiply{a.operand(), b.operand(), y.index.data(), y.v.data(), count.data(),
                                   scratch.data()},
                    level);
        EXPECT_EQ(count.host()[0], 2);
        EXPECT_EQ(y.v.host()[0].real(), infinity);
        EXPECT_TRUE(std::isnan(y.v.host()[0].imag()));  // ∞·0 of the plain formula
        EXPECT_TRUE(std::isnan(y.v.host()[1].real()));
    });
}

}  // namespace
}  // namespace spectral::test
