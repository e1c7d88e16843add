// Sums, multiples and products of sparse spectral tensors, and their gradients.
#include "engine/spectral/sparse_arithmetic.hpp"

#include "tests/engine/spectral/operation_check.hpp"
#include "tests/engine/spectral/shapes.hpp"
#include "tests/support/failure.hpp"

namespace spectral::test {
namespace {

/// Odd and even extents, primes and one, ranks 1 to 3.
const std::vector<Shape> kShapes{Shape{1},    Shape{2},       Shape{5},       Shape{8},
                                 Shape{1, 6}, Shape{4, 6},    Shape{5, 7},    Shape{7, 4},
                                 Shape{6, 5}, Shape{2, 3, 4}, Shape{3, 4, 3}, Shape{3, 3, 3}};

using definition::Doubles;

Doubles combined(double alpha, const Doubles& a, double beta, const Doubles& b) {
    Doubles y;
    for (std::size_t n = 0; n < a.size(); ++n) y.push_back(alpha * a[n] + beta * b[n]);
    return y;
}

Doubles multiplied(const Doubles& a, const Doubles& b) {
    Doubles y;
    for (std::size_t n = 0; n < a.size(); ++n) y.push_back(a[n] * b[n]);
    return y;
}

/// y[n] = Σ_m a[m]·b[n − m] modulo the extents.
Doubles convolved(const Shape& shape, const Doubles& a, const Doubles& b) {
    const auto place_of_difference = [&](std::int64_t n, std::int64_t m) {
        std::int64_t place = 0, scale = 1;
        for (int axis = shape.rank() - 1; axis >= 0; --axis) {
            const std::int64_t extent = shape[axis];
            place += (n % extent - m % extent + extent) % extent * scale;
            n /= extent, m /= extent, scale *= extent;
        }
        return static_cast<std::size_t>(place);
    };
    Doubles y(a.size());
    for (std::int64_t n = 0; n < shape.size(); ++n)
        for (std::int64_t m = 0; m < shape.size(); ++m)
            y[static_cast<std::size_t>(n)] += a[static_cast<std::size_t>(m)] * b[place_of_difference(n, m)];
    return y;
}

class Arithmetic : public SparseOperation, public testing::WithParamInterface<Shape> {
protected:
    Shape shape_ = GetParam();

    /// Pairs of operands: supports that overlap in part, that are the whole, and that have nothing in common.
    template <class Body>
    void with_operands(const Body& body) {
        const SparseSpectralTensor a = drawn(shape_, 1, 0.5), all = drawn(shape_, 2, 1);
        const SparseSpectralTensor some = drawn(shape_, 3, 0.4), none = drawn_beside(a, 4);
        for (const auto& [name, b] : {std::pair{"part", &some}, {"whole", &all}, {"disjoint", &none}}) {
            SCOPED_TRACE(name);
            body(a, *b);
        }
    }

    SparseSpectralTensor gradient_on(const SparseSpectralTensor& y) {
        return drawn_on(y.shape(), y.host_index(), 9);
    }
};

TEST_P(Arithmetic, SumsAreExactMerges) {
    with_operands([&](const SparseSpectralTensor& a, const SparseSpectralTensor& b) {
        const Function f = [](const std::vector<Doubles>& x) { return combined(0.5, x[0], -2, x[1]); };
        const SparseSpectralTensor y = add(device_, a, b, 0.5F, -2);
        std::vector<std::uint32_t> index;
        std::ranges::set_union(a.host_index(), b.host_index(), std::back_inserter(index));
        EXPECT_EQ(y.host_index(), index);
        expect_result(y, f, {&a, &b});
        const SparseSpectralTensor g = gradient_on(y);
        const PairGradient gradient = add_gradient(device_, a, b, g, 0.5F, -2);
        expect_gradients(g, f, {&a, &b}, {&gradient.a, &gradient.b});
        // a + b − b is a again, coefficient by coefficient, and nothing beside it.
        const SparseSpectralTensor back = add(device_, add(device_, a, b), b, 1, -1);
        const SparseSpectralTensor difference = add(device_, back, a, 1, -1);
        EXPECT_LE(difference.energy(), 1e-12 * (a.energy() + b.energy()));
    });
}

TEST_P(Arithmetic, MultiplesAreExact) {
    const SparseSpectralTensor a = drawn(shape_, 1, 0.5), y = scaled(device_, a, -0.25F);
    ASSERT_EQ(y.host_index(), a.host_index());
    std::vector<Complex> expected = a.host_values(*backend_);
    for (Complex& value : expected) value *= -0.25F;
    EXPECT_EQ(y.host_values(*backend_), expected);
    EXPECT_NEAR(y.energy(), a.energy() / 16, 1e-6 * a.energy());
}

TEST_P(Arithmetic, InnerProductsAreThoseInSpace) {
    with_operands([&](const SparseSpectralTensor& a, const SparseSpectralTensor& b) {
        const Doubles x = in_space(a), y = in_space(b);
        EXPECT_NEAR(inner_product(device_, a, b), std::inner_product(x.begin(), x.end(), y.begin(), 0.0),
                    1e-6 * std::sqrt(a.energy() * b.energy()) + 1e-12);
    });
}

TEST_P(Arithmetic, HadamardProductsAreThoseInSpace) {
    with_operands([&](const SparseSpectralTensor& a, const SparseSpectralTensor& b) {
        const Function f = [](const std::vector<Doubles>& x) { return multiplied(x[0], x[1]); };
        for (const double density : {1.0, 0.4}) {
            const SparseSpectralTensor y = hadamard_product(device_, a, b, {Keep::By::density, density});
            expect_result(y, f, {&a, &b});
            const SparseSpectralTensor g = gradient_on(y);
            const PairGradient gradient = hadamard_product_gradient(device_, a, b, g);
            expect_gradients(g, f, {&a, &b}, {&gradient.a, &gradient.b});
        }
    });
}

TEST_P(Arithmetic, CircularConvolutionsAreThoseInSpace) {
    with_operands([&](const SparseSpectralTensor& a, const SparseSpectralTensor& b) {
        const Function f = [&](const std::vector<Doubles>& x) { return convolved(shape_, x[0], x[1]); };
        const SparseSpectralTensor y = circular_convolution(device_, a, b);
        std::vector<std::uint32_t> index;
        std::ranges::set_intersection(a.host_index(), b.host_index(), std::back_inserter(index));
        EXPECT_EQ(y.host_index(), index);
        expect_result(y, f, {&a, &b});
        // The support says where the convolution is zero: what is not in it is exactly nothing.
        const Doubles whole = f({in_space(a), in_space(b)});
        EXPECT_NEAR(y.energy(), std::inner_product(whole.begin(), whole.end(), whole.begin(), 0.0),
                    1e-5 * std::max(1e-6, y.energy()));
        const SparseSpectralTensor g = gradient_on(y);
        const PairGradient gradient = circular_convolution_gradient(device_, a, b, g);
        expect_gradients(g, f, {&a, &b}, {&gradient.a, &gradient.b});
    });
}

INSTANTIATE_TEST_SUITE_P(Shapes, Arithmetic, testing::ValuesIn(kShapes));

TEST_F(SparseOperation, SupportsCanBeExchanged) {
    const SparseSpectralTensor a = drawn({4, 6}, 1, 0.5);
    std::vector<std::uint32_t> whole(static_cast<std::size_t>(a.spectrum().size()));
    std::iota(whole.begin(), whole.end(), 0U);
    const SparseSpectralTensor wide = on_support(device_, a, whole);
    EXPECT_EQ(wide.count(), a.spectrum().size());
    EXPECT_EQ(in_space(wide), in_space(a));
    EXPECT_EQ(on_support(device_, wide, a.host_index()).host_values(*backend_), a.host_values(*backend_));
    EXPECT_EQ(on_support(device_, a, {}).count(), 0);
}

TEST_F(SparseOperation, OtherShapesAreRefused) {
    const SparseSpectralTensor a = drawn({4, 6}, 1, 0.5), b = drawn({6, 4}, 2, 0.5);
    const std::string expected = "sparse tensors: 4 × 6 and 6 × 4 are not the same shape";
    EXPECT_EQ(failure([&] { add(device_, a, b); }), expected);
    EXPECT_EQ(failure([&] { hadamard_product(device_, a, b); }), expected);
    EXPECT_EQ(failure([&] { circular_convolution(device_, a, b); }), expected);
    EXPECT_EQ(failure([&] { inner_product(device_, a, b); }), expected);
}

TEST_F(SparseOperation, WhatGrowsBeyondNumbersIsRefused) {
    const SparseSpectralTensor a = scaled(device_, drawn({8}, 1, 1), 1e30F);
    EXPECT_EQ(failure([&] { circular_convolution(device_, a, a); }),
              "sparse spectrum: its energy is beyond what numbers hold");
}

}  // namespace
}  // namespace spectral::test
