// Convolution of images by both routes, what the routes are chosen by, and the linear convolution of sparse
// spectral tensors with its gradients.
#include "engine/spectral/convolution.hpp"

#include "engine/spectral/sparse_convolution.hpp"
#include "tests/engine/spectral/operation_check.hpp"
#include "tests/engine/spectral/shapes.hpp"
#include "tests/support/failure.hpp"

namespace spectral::test {
namespace {

using definition::Doubles;

/// y[o,n] = Σ_c Σ_m w[o,c,m]·x[c,n − m] over all n where they touch, then the part that the padding keeps:
/// written from the formula, with no offsets in common with the program.
Doubles convolved(const ConvolutionShape& s, Padding padding, const Doubles& x, const Doubles& w) {
    const auto axes = static_cast<std::size_t>(s.rank);
    const auto places = [&](const ConvolutionShape::Extents& extents, std::int64_t index) {
        std::vector<std::int64_t> place(axes);
        for (std::size_t axis = axes; axis-- > 0;) {
            place[axis] = index % extents[axis];
            index /= extents[axis];
        }
        return place;
    };
    Doubles y(static_cast<std::size_t>(s.out_channels * s.output_size()));
    for (std::int64_t i = 0; i < s.input_size(); ++i)
        for (std::int64_t m = 0; m < s.kernel_size(); ++m) {
            const auto from = places(s.input, i), by = places(s.kernel, m);
            std::int64_t n = 0;
            bool kept = true;
            for (std::size_t axis = 0; axis < axes; ++axis) {
                const std::int64_t k = s.kernel[axis];
                const std::int64_t first = padding == Padding::full   ? 0
                                           : padding == Padding::same ? (k - 1) / 2
                                                                      : k - 1;
                const std::int64_t place = from[axis] + by[axis] - first;
                kept = kept && place >= 0 && place < s.output[axis];
                n = n * s.output[axis] + place;
            }
            if (!kept) continue;
            for (std::int64_t o = 0; o < s.out_channels; ++o)
                for (std::int64_t c = 0; c < s.in_channels; ++c)
                    y[static_cast<std::size_t>(o * s.output_size() + n)] +=
                        w[static_cast<std::size_t>((o * s.in_channels + c) * s.kernel_size() + m)] *
                        x[static_cast<std::size_t>(c * s.input_size() + i)];
        }
    return y;
}

struct Case {
    Shape x, w;  ///< channels × space, output channels × channels × space
};

class SparseConvolution : public SparseOperation, public testing::WithParamInterface<Case> {};

TEST_P(SparseConvolution, IsTheSumAndHasItsGradients) {
    const auto& [x_shape, w_shape] = GetParam();
    std::vector<std::int64_t> image{1};
    image.insert(image.end(), x_shape.extents().begin(), x_shape.extents().end());
    for (const Padding padding : {Padding::full, Padding::same, Padding::valid}) {
        SCOPED_TRACE(static_cast<int>(padding));
        const ConvolutionShape shape =
            convolution_shape(Shape(image), w_shape, padding, KernelOrder::convolution);
        const Function f = [&](const std::vector<Doubles>& in) {
            return convolved(shape, padding, in[0], in[1]);
        };
        const SparseSpectralTensor x = drawn(x_shape, 1, 0.6), w = drawn(w_shape, 2, 0.7);
        expect_result(linear_convolution(device_, x, w, padding), f, {&x, &w});
        const SparseSpectralTensor y = linear_convolution(device_, x, w, padding, {Keep::By::density, 0.5});
        expect_result(y, f, {&x, &w});
        const SparseSpectralTensor g = drawn_on(y.shape(), y.host_index(), 3);
        const PairGradient gradient = linear_convolution_gradient(device_, x, w, g, padding);
        expect_gradients(g, f, {&x, &w}, {&gradient.a, &gradient.b});
    }
}

INSTANTIATE_TEST_SUITE_P(Shapes, SparseConvolution,
                         testing::Values(Case{{1, 1}, {1, 1, 1}}, Case{{1, 7}, {1, 1, 3}},
                                         Case{{2, 8}, {3, 2, 4}}, Case{{1, 5, 6}, {1, 1, 3, 2}},
                                         Case{{2, 4, 5}, {2, 2, 2, 3}}, Case{{1, 3, 4, 3}, {2, 1, 2, 2, 3}}));

struct Layer {
    Shape x, w;
};

class Layers : public SparseOperation, public testing::WithParamInterface<Layer> {};

TEST_P(Layers, BothRoutesAndOrdersAreTheSum) {
    const auto& [x_shape, w_shape] = GetParam();
    const std::vector<float> x = normal_values(x_shape.size(), 1), w = normal_values(w_shape.size(), 2);
    const Tensor image = dense(x_shape, x), kernel = dense(w_shape, w);
    for (const KernelOrder order : {KernelOrder::correlation, KernelOrder::convolution})
        for (const Padding padding : {Padding::full, Padding::same, Padding::valid}) {
            SCOPED_TRACE(testing::Message() << static_cast<int>(order) << ' ' << static_cast<int>(padding));
            const ConvolutionShape shape = convolution_shape(x_shape, w_shape, padding, order);
            const Doubles expected = definition::convolve(shape, to_doubles(x), to_doubles(w));
            for (const ConvolutionRoute route : {ConvolutionRoute::direct, ConvolutionRoute::tiles}) {
                Convolution convolution(device_, kernel, padding, order, route);
                for (int again = 0; again < 2; ++again)
                    EXPECT_LE(relative_energy_error(convolution(image).to_host(*backend_).values, expected),
                              kEnergyTolerance);
            }
        }
}

INSTANTIATE_TEST_SUITE_P(Shapes, Layers,
                         testing::Values(Layer{{3, 1, 20}, {2, 1, 5}}, Layer{{2, 3, 9, 12}, {4, 3, 3, 3}},
                                         Layer{{1, 1, 33, 20}, {1, 1, 11, 8}},
                                         Layer{{1, 2, 4, 5, 6}, {2, 2, 3, 2, 3}},
                                         Layer{{0, 2, 5, 5}, {3, 2, 3, 3}}));

TEST_F(SparseOperation, OneKernelServesImagesOfAnyExtent) {
    const Tensor kernel = dense({1, 1, 9, 9}, normal_values(81, 1));
    Convolution convolution(device_, kernel, Padding::same, KernelOrder::correlation,
                            ConvolutionRoute::tiles);
    for (const std::int64_t side : {20, 9, 40, 20}) {
        const Shape shape{1, 1, side, side};
        const std::vector<float> x = normal_values(shape.size(), 2);
        const Doubles expected = definition::convolve(
            convolution_shape(shape, kernel.shape(), Padding::same, KernelOrder::correlation), to_doubles(x),
            to_doubles(normal_values(81, 1)));
        EXPECT_LE(relative_energy_error(convolution(dense(shape, x)).to_host(*backend_).values, expected),
                  kEnergyTolerance);
    }
}

ConvolutionRoute route(std::int64_t channels, std::int64_t side, std::int64_t kernel,
                       KernelOrder order = KernelOrder::correlation) {
    return convolution_route(convolution_shape({1, channels, side, side},
                                               {channels, channels, kernel, kernel}, Padding::same, order));
}

TEST(ConvolutionRoutes, SmallKernelsAreSummedAndLargeOnesTransformed) {
    for (const std::int64_t kernel : {1, 3, 5, 7})
        for (const std::int64_t channels : {1, 3, 64})
            for (const KernelOrder order : {KernelOrder::correlation, KernelOrder::convolution})
                EXPECT_EQ(route(channels, 512, kernel, order), ConvolutionRoute::direct) << kernel;
    for (const std::int64_t kernel : {9, 15, 31, 101})
        EXPECT_EQ(route(1, 512, kernel), ConvolutionRoute::tiles) << kernel;
    EXPECT_EQ(route(64, 512, 31), ConvolutionRoute::tiles);
}

TEST(ConvolutionRoutes, TilesHoldTheKernelAndAreNoLargerThanNeeded) {
    for (const auto& [x, w] : {std::pair<Shape, Shape>{{1, 1, 512, 512}, {1, 1, 31, 31}},
                               {{1, 1, 100000}, {1, 1, 4001}},
                               {{1, 1, 7, 3000}, {1, 1, 7, 2}},
                               {{4, 8, 20, 30, 40}, {8, 8, 9, 9, 9}},
                               {{1, 1, 1}, {1, 1, 1}}}) {
        const ConvolutionShape shape = convolution_shape(x, w, Padding::full, KernelOrder::correlation);
        const SignalShape tile = convolution_tile(shape);
        ASSERT_EQ(tile.rank, shape.rank);
        for (std::size_t axis = 0; axis < static_cast<std::size_t>(shape.rank); ++axis) {
            EXPECT_GE(tile.extent[axis], shape.kernel[axis]);
            EXPECT_LT(tile.extent[axis], 2 * (shape.output[axis] + shape.kernel[axis]));
        }
    }
}

TEST(ConvolutionShapes, ThatDoNotFitAreRefused) {
    const auto refused = [](const Shape& x, const Shape& w, Padding padding = Padding::same) {
        return failure([&] { convolution_shape(x, w, padding, KernelOrder::correlation); });
    };
    EXPECT_EQ(refused({1, 1}, {1, 1}),
              "convolution: 1 × 1 by 1 × 1: there are not one to three axes of space");
    EXPECT_EQ(refused({1, 1, 4}, {1, 1, 2, 2}),
              "convolution: 1 × 1 × 4 by 1 × 1 × 2 × 2: the kernel has other axes");
    EXPECT_EQ(refused({1, 2, 4}, {1, 3, 2}), "convolution: 1 × 2 × 4 by 1 × 3 × 2: the channels differ");
    EXPECT_EQ(refused({1, 1, 0}, {1, 1, 2}), "convolution: 1 × 1 × 0 by 1 × 1 × 2: an axis is empty");
    EXPECT_EQ(refused({1, 1, 2}, {1, 1, 3}, Padding::valid),
              "convolution: 1 × 1 × 2 by 1 × 1 × 3: the kernel is larger than the image");
}

}  // namespace
}  // namespace spectral::test
