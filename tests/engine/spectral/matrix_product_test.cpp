// Products of matrices that are sparse spectra, by both routes, and their gradients.
#include "engine/spectral/matrix_product.hpp"

#include "tests/engine/spectral/operation_check.hpp"
#include "tests/support/failure.hpp"

namespace spectral::test {
namespace {

using definition::Doubles;

struct Sizes {
    std::int64_t m, k, n;
};

class MatrixProduct : public SparseOperation, public testing::WithParamInterface<Sizes> {};

TEST_P(MatrixProduct, IsThatInSpaceByBothRoutes) {
    const auto [m, k, n] = GetParam();
    const Function f = [=](const std::vector<Doubles>& x) {
        return definition::matmul(x[0], x[1], Doubles(static_cast<std::size_t>(m * n)), m, n, k, false, false,
                                  0);
    };
    for (const double density : {0.3, 1.0}) {
        SCOPED_TRACE(density);
        const SparseSpectralTensor a = drawn({m, k}, 1, density), b = drawn({k, n}, 2, density / 2);
        for (const ProductRoute route : {ProductRoute::frequency, ProductRoute::space}) {
            SCOPED_TRACE(route == ProductRoute::frequency ? "frequency" : "space");
            const SparseSpectralTensor whole = matrix_product(device_, a, b, {}, route);
            EXPECT_EQ(whole.count(), whole.spectrum().size());
            expect_result(whole, f, {&a, &b});
            expect_result(matrix_product(device_, a, b, {Keep::By::density, 0.4}, route), f, {&a, &b});
        }
        const SparseSpectralTensor y = matrix_product(device_, a, b, {Keep::By::density, 0.6});
        const SparseSpectralTensor g = drawn_on({m, n}, y.host_index(), 3);
        const PairGradient gradient = matrix_product_gradient(device_, a, b, g);
        expect_gradients(g, f, {&a, &b}, {&gradient.a, &gradient.b});
    }
}

INSTANTIATE_TEST_SUITE_P(Shapes, MatrixProduct,
                         testing::Values(Sizes{1, 1, 1}, Sizes{2, 3, 4}, Sizes{4, 6, 5}, Sizes{5, 4, 7},
                                         Sizes{1, 8, 3}, Sizes{7, 1, 2}, Sizes{6, 7, 8}));

TEST_F(SparseOperation, FewCoefficientsAreMultipliedInFrequency) {
    // 8·m·K_B against m·k·n/4 and three transforms: the routes change places between these densities.
    const SparseSpectralTensor dense = drawn({64, 64}, 1, 1), few = drawn({64, 64}, 2, 0.01);
    EXPECT_EQ(matrix_product_route(dense, few), ProductRoute::frequency);
    EXPECT_EQ(matrix_product_route(few, dense), ProductRoute::space);
}

TEST_F(SparseOperation, MatricesThatDoNotFitAreRefused) {
    const SparseSpectralTensor a = drawn({4, 6}, 1, 0.5), vector = drawn({6}, 2, 0.5);
    EXPECT_EQ(failure([&] { matrix_product(device_, a, a); }), "matrix product: 4 × 6 and 4 × 6 do not fit");
    EXPECT_EQ(failure([&] { matrix_product(device_, a, vector); }), "matrix product: 4 × 6 and 6 do not fit");
    EXPECT_EQ(failure([&] { matrix_product_gradient(device_, vector, a, a); }),
              "matrix product: 6 and 4 × 6 do not fit");
}

}  // namespace
}  // namespace spectral::test
