// Convolution, direct and in tiles, against the sums in double precision.
#include "kernels/ops/convolution.hpp"

#include <gtest/gtest.h>

#include "engine/spectral/convolution.hpp"
#include "tests/support/complex_values.hpp"
#include "tests/support/definitions.hpp"

namespace spectral::test {
namespace {

struct Case {
    ConvolutionShape shape;
    SignalShape tile;
};

void PrintTo(const Case& c, std::ostream* out) {
    *out << extents_text(c.shape.rank, c.shape.input) << " by " << extents_text(c.shape.rank, c.shape.kernel)
         << " in " << extents_text(c.tile.rank, c.tile.extent);
}

/// Images, channels in and out; extents and zeros in front.
ConvolutionShape shape(int rank, std::array<std::int64_t, 3> counts, ConvolutionShape::Extents input,
                       ConvolutionShape::Extents kernel, ConvolutionShape::Extents output,
                       ConvolutionShape::Extents before, bool flipped = false, bool swapped = false) {
    return {rank, counts[0], counts[1], counts[2], input, kernel, output, before, flipped, swapped};
}

class Convolution : public testing::TestWithParam<Case> {
protected:
    ConvolutionShape shape_ = GetParam().shape;
    SignalShape tile_ = GetParam().tile;
    std::int64_t values_ = shape_.images * shape_.out_channels * shape_.output_size();
    std::vector<float> x_ = normal_values(shape_.images * shape_.in_channels * shape_.input_size(), 1),
                       w_ = normal_values(shape_.out_channels * shape_.in_channels * shape_.kernel_size(), 2);
    definition::Doubles expected_ = definition::convolve(shape_, to_doubles(x_), to_doubles(w_));
};

TEST_P(Convolution, DirectlyIsTheSum) {
    at_every_level<Convolve>([&](Backend& backend, Level level) {
        Array<float> x(backend, view(x_)), w(backend, view(w_)), y(backend, values_);
        backend.run(Convolve{shape_, x.data(), w.data(), y.data()}, level);
        EXPECT_LE(relative_energy_error(y.host(), expected_), kEnergyTolerance);
    });
}

TEST_P(Convolution, AddsABiasToEveryChannel) {
    const std::vector<float> offsets = normal_values(shape_.out_channels, 3);
    definition::Doubles expected = expected_;
    for (std::size_t i = 0; i < expected.size(); ++i)
        expected[i] += static_cast<double>(offsets[i / static_cast<std::size_t>(shape_.output_size()) %
                                                   static_cast<std::size_t>(shape_.out_channels)]);
    at_every_level<Convolve>([&](Backend& backend, Level level) {
        Array<float> x(backend, view(x_)), w(backend, view(w_)), bias(backend, view(offsets)),
            y(backend, values_);
        backend.run(Convolve{shape_, x.data(), w.data(), y.data(), bias.data()}, level);
        EXPECT_LE(relative_energy_error(y.host(), expected), kEnergyTolerance);
    });
}

TEST_P(Convolution, WeightGradientIsTheSum) {
    const std::vector<float> dy_values = normal_values(values_, 4);
    const definition::Doubles expected =
        definition::convolve_weight_gradient(shape_, to_doubles(x_), to_doubles(dy_values));
    definition::Doubles of_bias(static_cast<std::size_t>(shape_.out_channels));
    for (std::size_t i = 0; i < dy_values.size(); ++i)
        of_bias[i / static_cast<std::size_t>(shape_.output_size()) % of_bias.size()] +=
            static_cast<double>(dy_values[i]);
    at_every_level<ConvolveWeightGradient>([&](Backend& backend, Level level) {
        Array<float> x(backend, view(x_)), dy(backend, view(dy_values)), dw(backend, std::ssize(w_)),
            again(backend, std::ssize(w_)), dbias(backend, shape_.out_channels);
        backend.run(ConvolveWeightGradient{shape_, x.data(), dy.data(), dw.data(), dbias.data()}, level);
        EXPECT_LE(relative_energy_error(dw.host(), expected), kEnergyTolerance);
        EXPECT_LE(relative_energy_error(dbias.host(), of_bias), kEnergyTolerance);
        backend.run(ConvolveWeightGradient{shape_, x.data(), dy.data(), again.data()}, level);
        EXPECT_LE(relative_energy_error(again.host(), expected), kEnergyTolerance);
        backend.run(ConvolveWeightGradient{shape_, x.data(), dy.data(), again.data()}, level);
        const std::vector<float> first = again.host();
        backend.run(ConvolveWeightGradient{shape_, x.data(), dy.data(), again.data()}, level);
        EXPECT_EQ(again.host(), first);
    });
}

/// It is a convolution: of the gradient, with the channels exchanged and the kernel read the other way.
TEST_P(Convolution, OfTheGradientIsTheInputGradient) {
    const std::vector<float> dy_values = normal_values(values_, 4);
    const definition::Doubles expected =
        definition::convolve_input_gradient(shape_, to_doubles(w_), to_doubles(dy_values));
    at_every_level<Convolve>([&](Backend& backend, Level level) {
        Array<float> dy(backend, view(dy_values)), w(backend, view(w_)), dx(backend, std::ssize(x_));
        backend.run(Convolve{input_gradient_shape(shape_), dy.data(), w.data(), dx.data()}, level);
        EXPECT_LE(relative_energy_error(dx.host(), expected), kEnergyTolerance);
    });
}

TEST_P(Convolution, InTilesIsTheSum) {
    at_every_level<TiledConvolve>([&](Backend& backend, Level level) {
        const int threads = backend.threads();
        Array<float> x(backend, view(x_)), w(backend, view(w_)), y(backend, values_);
        Array<Complex> spectrum(backend, ConvolutionSpectrum::spectrum_size(shape_, tile_)),
            spectrum_scratch(backend, ConvolutionSpectrum::scratch_size(tile_, threads)),
            scratch(backend, TiledConvolve::scratch_size(shape_, tile_, threads));
        backend.run(ConvolutionSpectrum{shape_, tile_, w.data(), spectrum.data(), spectrum_scratch.data()});
        backend.run(TiledConvolve{shape_, tile_, x.data(), spectrum.data(), y.data(), scratch.data()}, level);
        EXPECT_LE(relative_energy_error(y.host(), expected_), kEnergyTolerance);
    });
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, Convolution,
    testing::Values(Case{shape(1, {1, 1, 1}, {1}, {1}, {1}, {0}), {1, {1}}},
                    Case{shape(1, {1, 1, 1}, {97}, {5}, {97}, {2}), {1, {16}}},
                    Case{shape(1, {1, 1, 1}, {97}, {5}, {101}, {4}, true), {1, {13}}},
                    Case{shape(1, {2, 3, 2}, {11}, {4}, {8}, {0}), {1, {4}}},
                    Case{shape(1, {1, 1, 1}, {5000}, {7}, {5000}, {3}), {1, {2500}}},
                    Case{shape(2, {0, 2, 3}, {8, 8}, {3, 3}, {8, 8}, {1, 1}), {2, {8, 8}}},
                    Case{shape(2, {2, 0, 3}, {8, 8}, {3, 3}, {8, 8}, {1, 1}), {2, {8, 8}}},
                    Case{shape(2, {1, 1, 1}, {12, 9}, {3, 4}, {12, 9}, {1, 1}), {2, {8, 8}}},
                    Case{shape(2, {3, 2, 5}, {12, 9}, {5, 2}, {16, 10}, {4, 1}), {2, {7, 6}}},
                    Case{shape(2, {3, 2, 5}, {12, 9}, {5, 2}, {16, 10}, {4, 1}, true, true), {2, {20, 12}}},
                    Case{shape(2, {1, 2, 3}, {6, 7}, {6, 7}, {1, 1}, {0, 0}, false, true), {2, {6, 7}}},
                    // Samples left out at the end.
                    Case{shape(2, {1, 1, 2}, {9, 9}, {2, 2}, {4, 5}, {0, 0}), {2, {4, 4}}},
                    Case{shape(2, {1, 16, 16}, {28, 28}, {3, 3}, {28, 28}, {1, 1}), {2, {16, 16}}},
                    // Enough channels for Winograd's algorithm, in odd numbers.
                    Case{shape(2, {2, 33, 35}, {7, 9}, {3, 3}, {7, 9}, {1, 1}), {2, {8, 8}}},
                    Case{shape(3, {1, 2, 2}, {5, 6, 4}, {2, 3, 2}, {5, 6, 4}, {0, 1, 1}), {3, {4, 5, 4}}},
                    Case{shape(3, {2, 1, 1}, {5, 6, 4}, {2, 3, 2}, {6, 8, 5}, {1, 2, 1}, true),
                         {3, {3, 4, 3}}}));

}  // namespace
}  // namespace spectral::test
