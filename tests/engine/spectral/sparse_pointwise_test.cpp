// Activations and normalisation of sparse spectral tensors, and their gradients.
#include "engine/spectral/sparse_pointwise.hpp"

#include "tests/engine/spectral/operation_check.hpp"
#include "tests/engine/spectral/shapes.hpp"
#include "tests/support/failure.hpp"

namespace spectral::test {
namespace {

using definition::Doubles;

class Pointwise : public SparseOperation, public testing::WithParamInterface<Shape> {
protected:
    Shape shape_ = GetParam();
};

TEST_P(Pointwise, ActivationsAreThoseOfTheValues) {
    struct Named {
        ActivationKind kind;
        double (*value)(double);
    };
    const Named functions[] = {{ActivationKind::relu, [](double v) { return std::max(v, 0.0); }},
                               {ActivationKind::gelu, definition::gelu},
                               {ActivationKind::silu, definition::silu},
                               {ActivationKind::tanh, [](double v) { return std::tanh(v); }}};
    const SparseSpectralTensor a = drawn(shape_, 1, 0.6);
    for (const auto& [kind, value] : functions) {
        SCOPED_TRACE(static_cast<int>(kind));
        const Function f = [value = value](const std::vector<Doubles>& x) {
            Doubles y = x[0];
            std::ranges::transform(y, y.begin(), value);
            return y;
        };
        for (const double density : {1.0, 0.5}) {
            const SparseSpectralTensor y = activated(device_, a, kind, {Keep::By::density, density});
            expect_result(y, f, {&a});
            const SparseSpectralTensor g = drawn_on(shape_, y.host_index(), 2);
            const SparseSpectralTensor gradient = activated_gradient(device_, a, kind, g);
            expect_gradients(g, f, {&a}, {&gradient});
        }
    }
}

TEST_P(Pointwise, NormalisationDividesByTheNorm) {
    for (const double epsilon : {1e-12, 0.5}) {
        const Function f = [epsilon](const std::vector<Doubles>& x) {
            Doubles y = x[0];
            const double norm = std::sqrt(std::inner_product(y.begin(), y.end(), y.begin(), 0.0));
            for (double& value : y) value /= norm + epsilon;
            return y;
        };
        const SparseSpectralTensor a = drawn(shape_, 1, 0.6), y = normalised(device_, a, epsilon);
        ASSERT_EQ(y.host_index(), a.host_index());
        expect_result(y, f, {&a});
        const SparseSpectralTensor g = drawn_on(shape_, y.host_index(), 2);
        const SparseSpectralTensor gradient = normalised_gradient(device_, a, g, epsilon);
        expect_gradients(g, f, {&a}, {&gradient});
    }
}

INSTANTIATE_TEST_SUITE_P(Shapes, Pointwise,
                         testing::Values(Shape{1}, Shape{2}, Shape{7}, Shape{8}, Shape{4, 6}, Shape{5, 7},
                                         Shape{6, 5}, Shape{2, 3, 4}, Shape{3, 3, 3}));

TEST_F(SparseOperation, ZerosAreNormalisedToZeros) {
    const SparseSpectralTensor zero = scaled(device_, drawn({4, 6}, 1, 0.5), 0);
    EXPECT_EQ(normalised(device_, zero).energy(), 0);
    const SparseSpectralTensor g = drawn_on({4, 6}, zero.host_index(), 2);
    EXPECT_NEAR(normalised_gradient(device_, zero, g, 0.5).energy(), 4 * g.energy(), 1e-5 * g.energy());
    EXPECT_EQ(failure([&] { normalised(device_, zero, 0); }),
              "spectral normalisation: epsilon is not positive");
}

}  // namespace
}  // namespace spectral::test
