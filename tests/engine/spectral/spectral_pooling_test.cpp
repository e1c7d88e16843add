// Spectral pooling against the low-passed function evaluated at the coarse points.
#include "engine/spectral/spectral_pooling.hpp"

#include <numbers>

#include "tests/engine/spectral/operation_check.hpp"
#include "tests/engine/spectral/shapes.hpp"
#include "tests/support/failure.hpp"

namespace spectral::test {
namespace {

using definition::Doubles;

/// The place of a flat index along every axis.
std::vector<std::int64_t> place(const Shape& shape, std::int64_t index) {
    std::vector<std::int64_t> result(static_cast<std::size_t>(shape.rank()));
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
        result[static_cast<std::size_t>(axis)] = index % shape[axis];
        index /= shape[axis];
    }
    return result;
}

/// Σ over |f| ≤ m/2 of the Fourier coefficients of x, at the points of the coarse grid: a product of one
/// matrix for each axis.
Doubles pooled(const Shape& fine, const Shape& coarse, const Doubles& x) {
    std::vector<std::vector<std::complex<double>>> kernel;  // of each axis: coarse × fine
    for (int axis = 0; axis < fine.rank(); ++axis) {
        const std::int64_t n = fine[axis], m = coarse[axis];
        auto& matrix = kernel.emplace_back();
        for (std::int64_t i = 0; i < m; ++i)
            for (std::int64_t j = 0; j < n; ++j) {
                std::complex<double> sum;
                for (std::int64_t f = -n; f <= n; ++f) {
                    const bool is_of_fine = 2 * f > -n && 2 * f <= n;
                    if (!is_of_fine || (m < n && 2 * std::abs(f) > m)) continue;
                    sum += std::polar(1.0 / static_cast<double>(n),
                                      2 * std::numbers::pi * static_cast<double>(f) *
                                          (static_cast<double>(i) / static_cast<double>(m) -
                                           static_cast<double>(j) / static_cast<double>(n)));
                }
                matrix.push_back(sum);
            }
    }
    Doubles y;
    for (std::int64_t i = 0; i < coarse.size(); ++i) {
        const auto to = place(coarse, i);
        std::complex<double> sum;
        for (std::int64_t j = 0; j < fine.size(); ++j) {
            const auto from = place(fine, j);
            std::complex<double> product = x[static_cast<std::size_t>(j)];
            for (int axis = 0; axis < fine.rank(); ++axis) {
                const auto a = static_cast<std::size_t>(axis);
                product *= kernel[a][static_cast<std::size_t>(to[a] * fine[axis] + from[a])];
            }
            sum += product;
        }
        EXPECT_NEAR(sum.imag(), 0, 1e-10);
        y.push_back(sum.real());
    }
    return y;
}

struct Case {
    Shape fine, coarse;
};

class Pooling : public SparseOperation, public testing::WithParamInterface<Case> {};

TEST_P(Pooling, IsTheLowPassedFunctionAtCoarsePoints) {
    const auto& [fine, coarse] = GetParam();
    const Function f = [&](const std::vector<Doubles>& x) { return pooled(fine, coarse, x[0]); };
    for (const double density : {1.0, 0.5}) {
        SCOPED_TRACE(density);
        const SparseSpectralTensor a = drawn(fine, 1, density);
        const SparseSpectralTensor y = spectral_pooling(device_, a, coarse);
        ASSERT_EQ(y.shape(), coarse);
        expect_result(y, f, {&a});
        const Doubles whole = f({in_space(a)});
        EXPECT_NEAR(y.energy(), std::inner_product(whole.begin(), whole.end(), whole.begin(), 0.0),
                    1e-5 * std::max(y.energy(), 1e-6));
        // A support that a file may hold: both members of every stored pair.
        SparseSpectralTensor::from_host(device_, coarse, y.host_index(), y.host_values(*backend_));
        const SparseSpectralTensor g = drawn_on(coarse, y.host_index(), 2);
        const SparseSpectralTensor gradient = spectral_pooling_gradient(device_, a, g);
        expect_gradients(g, f, {&a}, {&gradient});
    }
}

INSTANTIATE_TEST_SUITE_P(Shapes, Pooling,
                         testing::Values(Case{{1}, {1}}, Case{{8}, {8}}, Case{{8}, {6}}, Case{{8}, {5}},
                                         Case{{7}, {4}}, Case{{7}, {6}}, Case{{9}, {1}}, Case{{9}, {2}},
                                         Case{{6, 8}, {4, 4}}, Case{{7, 5}, {4, 2}}, Case{{6, 8}, {6, 4}},
                                         Case{{6, 8}, {4, 8}}, Case{{5, 6}, {3, 5}},
                                         Case{{4, 5, 6}, {2, 4, 4}}, Case{{3, 4, 3}, {2, 2, 2}}));

TEST_F(SparseOperation, PoolingToTheSameShapeIsTheIdentity) {
    for (const Shape& shape : {Shape{8}, Shape{6, 8}, Shape{5, 7}, Shape{3, 4, 2}}) {
        const SparseSpectralTensor a = drawn(shape, 1, 0.6), y = spectral_pooling(device_, a, shape);
        EXPECT_EQ(y.host_index(), a.host_index());
        EXPECT_EQ(y.host_values(*backend_), a.host_values(*backend_));
    }
}

TEST_F(SparseOperation, PoolingKeepsAConstant) {
    const SparseSpectralTensor a = SparseSpectralTensor::from_dense(
        device_, dense({12, 10}, std::vector<float>(120, 2.5F)), {Keep::By::count, 1});
    for (const float value : spectral_pooling(device_, a, {5, 4}).to_dense(device_).to_host(*backend_).values)
        EXPECT_NEAR(value, 2.5F, 1e-6F);
}

TEST_F(SparseOperation, PoolingRefusesFinerShapes) {
    const SparseSpectralTensor a = drawn({4, 6}, 1, 0.5);
    EXPECT_EQ(failure([&] {
                  spectral_pooling(device_, a, {4, 7});
              }),
              "spectral pooling: 4 × 7 is no coarser 4 × 6");
    EXPECT_EQ(failure([&] {
                  spectral_pooling(device_, a, {4, 0});
              }),
              "spectral pooling: 4 × 0 is no coarser 4 × 6");
    EXPECT_EQ(failure([&] { spectral_pooling(device_, a, Shape{4}); }),
              "spectral pooling: 4 is no coarser 4 × 6");
}

}  // namespace
}  // namespace spectral::test
