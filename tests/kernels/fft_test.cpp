// Transforms, magnitudes and their adjoints at awkward shapes against the float64 definition.
#include "kernels/ops/fft.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <span>

#include "kernels/ops/dct.hpp"
#include "tests/support/arrays.hpp"
#include "tests/support/backend_under_test.hpp"
#include "tests/support/definitions.hpp"

namespace spectral::test {
namespace {

/// Some fit vector lanes, some a general transform alone.
const std::vector<SignalShape> kShapes{
    {1, {1, 1, 1}},    {1, {2, 1, 1}},    {1, {7, 1, 1}},       {1, {64, 1, 1}},
    {1, {97, 1, 1}},   {1, {784, 1, 1}},  {2, {1, 1, 1}},       {2, {5, 6, 1}},
    {2, {28, 28, 1}},  {2, {11, 26}},     {2, {33, 1, 1}},      {2, {17, 8, 1}},
    {2, {32, 30}},     {2, {9, 125}},     {3, {2, 3, 5}},       {3, {4, 4, 4}},
    {4, {3, 2, 4, 5}}, {4, {6, 1, 1, 1}}, {5, {2, 1, 3, 4, 2}}, {8, {2, 3, 1, 2, 1, 2, 2, 3}}};

class Fft : public testing::TestWithParam<std::tuple<SignalShape, int>> {
protected:
    SignalShape shape_ = std::get<0>(GetParam());
    int batch_ = std::get<1>(GetParam());
    std::unique_ptr<Backend> backend_ = open_tested(2);

    definition::ComplexDoubles expected(const std::vector<float>& x) const {
        definition::ComplexDoubles all;
        for (int b = 0; b < batch_; ++b) {
            const auto first = x.begin() + b * shape_.size();
            const auto one = definition::rfft({first, first + shape_.size()}, shape_);
            all.insert(all.end(), one.begin(), one.end());
        }
        return all;
    }
};

TEST_P(Fft, ForwardAndMagnitudeAgreeWithTheDefinition) {
    const std::vector<float> x = normal_values(batch_ * shape_.size(), 11);
    const std::int64_t bins = shape_.spectrum_size(), stride = padded_columns(bins);
    Array<float> input(*backend_, std::span<const float>(x)), magnitude(*backend_, batch_ * stride);
    Array<Complex> spectrum(*backend_, batch_ * bins),
        scratch(*backend_, RfftMagnitude::scratch_size(batch_, shape_));
    const auto reference = expected(x);
    for (const Level level : backend_->operations().levels(Rfft::name)) {
        SCOPED_TRACE(level_name(level));
        backend_->run(Rfft{batch_, shape_, input.data(), spectrum.data()}, level);
        EXPECT_LE(relative_energy_error(spectrum.host(), reference), kEnergyTolerance);
    }
    for (const Level level : backend_->operations().levels(RfftMagnitude::name)) {
        SCOPED_TRACE(level_name(level));
        backend_->run(RfftMagnitude{batch_, shape_, input.data(), magnitude.data(), stride, scratch.data()},
                      level);
        const std::vector<float> result = magnitude.host();
        for (int b = 0; b < batch_; ++b) {
            for (std::int64_t f = 0; f < stride; ++f) {
                const auto i = static_cast<std::size_t>(b * stride + f);
                const double wanted =
                    f < bins ? std::abs(reference[static_cast<std::size_t>(b * bins + f)]) : 0;
                ASSERT_NEAR(static_cast<double>(result[i]), wanted, 1e-4);
            }
        }
    }
}

TEST_P(Fft, BackwardAgreesWithTheDefinition) {
    const std::int64_t bins = shape_.spectrum_size();
    const std::vector<float> parts = normal_values(2 * batch_ * bins, 12);
    std::vector<Complex> dy(static_cast<std::size_t>(batch_ * bins));
    for (std::size_t i = 0; i < dy.size(); ++i) dy[i] = {parts[2 * i], parts[2 * i + 1]};
    Array<Complex> input(*backend_, std::span<const Complex>(dy)), scratch(*backend_, batch_ * bins);
    Array<float> dx(*backend_, batch_ * shape_.size());
    std::vector<double> reference;
    for (int b = 0; b < batch_; ++b) {
        const auto first = dy.begin() + b * bins;
        const auto one = definition::rfft_backward({first, first + bins}, shape_);
        reference.insert(reference.end(), one.begin(), one.end());
    }
    for (const Level level : backend_->operations().levels(RfftBackward::name)) {
        SCOPED_TRACE(level_name(level));
        backend_->run(RfftBackward{batch_, shape_, input.data(), dx.data(), scratch.data()}, level);
        EXPECT_LE(relative_energy_error(dx.host(), reference), kEnergyTolerance);
    }
}

/// As the gradient of Rfft, whose every stored bin counts once, of spectra whose mirrored bins are doubled.
TEST_P(Fft, InverseAgreesWithTheDefinition) {
    const std::int64_t bins = shape_.spectrum_size(),
                       last = shape_.extent[static_cast<std::size_t>(shape_.rank - 1)];
    const std::vector<float> parts = normal_values(2 * batch_ * bins, 13);
    std::vector<Complex> y(static_cast<std::size_t>(batch_ * bins));
    for (std::size_t i = 0; i < y.size(); ++i) y[i] = {parts[2 * i], parts[2 * i + 1]};
    std::vector<double> reference;
    for (int b = 0; b < batch_; ++b) {
        const auto first = y.begin() + b * bins;
        definition::ComplexDoubles spectrum(first, first + bins);
        for (std::int64_t f = 0; f < bins; ++f) {
            const std::int64_t k = f % (last / 2 + 1);
            spectrum[static_cast<std::size_t>(f)] *=
                (k != 0 && 2 * k != last ? 2.0 : 1.0) / static_cast<double>(shape_.size());
        }
        const auto one = definition::rfft_backward(spectrum, shape_);
        reference.insert(reference.end(), one.begin(), one.end());
    }
    for (const Level level : backend_->operations().levels(Irfft::name)) {
        SCOPED_TRACE(level_name(level));
        Array<Complex> input(*backend_, std::span<const Complex>(y));  // which is destroyed
        Array<float> x(*backend_, batch_ * shape_.size());
        backend_->run(Irfft{batch_, shape_, input.data(), x.data()}, level);
        EXPECT_LE(relative_energy_error(x.host(), reference), kEnergyTolerance);
    }
}

TEST_P(Fft, GradientOfTheInverseAgreesWithTheDefinition) {
    const std::int64_t bins = shape_.spectrum_size(),
                       last = shape_.extent[static_cast<std::size_t>(shape_.rank - 1)];
    const std::vector<float> dx = normal_values(batch_ * shape_.size(), 14);
    Array<float> input(*backend_, std::span<const float>(dx));
    Array<Complex> dy(*backend_, batch_ * bins);
    definition::ComplexDoubles reference = expected(dx);
    for (std::size_t i = 0; i < reference.size(); ++i) {
        const std::int64_t k = static_cast<std::int64_t>(i) % (last / 2 + 1);
        reference[i] *= (k != 0 && 2 * k != last ? 2.0 : 1.0) / static_cast<double>(shape_.size());
    }
    for (const Level level : backend_->operations().levels(IrfftBackward::name)) {
        SCOPED_TRACE(level_name(level));
        backend_->run(IrfftBackward{batch_, shape_, input.data(), dy.data()}, level);
        EXPECT_LE(relative_energy_error(dy.host(), reference), kEnergyTolerance);
    }
}

TEST_P(Fft, InverseGivesTheSignalBack) {
    const std::vector<float> x = normal_values(batch_ * shape_.size(), 11);
    Array<float> input(*backend_, std::span<const float>(x)), back(*backend_, batch_ * shape_.size());
    Array<Complex> spectrum(*backend_, batch_ * shape_.spectrum_size());
    backend_->run(Rfft{batch_, shape_, input.data(), spectrum.data()});
    backend_->run(Irfft{batch_, shape_, spectrum.data(), back.data()});
    EXPECT_LE(relative_energy_error(back.host(), to_doubles(x)), kEnergyTolerance);
}

TEST_P(Fft, CosineTransformsAgreeWithTheDefinition) {
    const std::int64_t size = shape_.size();
    const std::vector<float> x = normal_values(batch_ * size, 13);
    Array<float> input(*backend_, std::span<const float>(x)), y(*backend_, batch_ * size);
    Array<Complex> scratch(*backend_, Dct::scratch_size(batch_, shape_));
    for (const bool inverse : {false, true}) {
        SCOPED_TRACE(inverse);
        backend_->run(Dct{batch_, shape_, inverse, input.data(), y.data(), scratch.data()});
        std::vector<double> reference;
        for (int b = 0; b < batch_; ++b) {
            const definition::Doubles row(x.begin() + b * size, x.begin() + (b + 1) * size);
            const auto one = inverse ? definition::dct_inverse(row, shape_) : definition::dct(row, shape_);
            reference.insert(reference.end(), one.begin(), one.end());
        }
        EXPECT_LE(relative_energy_error(y.host(), reference), kEnergyTolerance);
    }
}

/// Neither the other images of a batch nor a place in it change a bit of a result.
TEST(SmallFft, OfAnImageIsItsOwn) {
    const auto backend = open_tested(2);
    for (const SignalShape& shape : {SignalShape{2, {28, 28}}, SignalShape{2, {7, 15}}}) {
        SCOPED_TRACE(shape.extent[0]);
        const std::int64_t batch = 37, size = shape.size(), bins = shape.spectrum_size();
        std::vector<float> x = normal_values(batch * size, 5);
        const std::vector<float> image(x.begin() + 20 * size, x.begin() + 21 * size);
        x[static_cast<std::size_t>(19 * size)] = std::numeric_limits<float>::infinity();
        Array<float> images(*backend, std::span<const float>(x)),
            one(*backend, std::span<const float>(image)), all_back(*backend, batch * size),
            one_back(*backend, size);
        Array<Complex> all(*backend, batch * bins), alone(*backend, bins);
        backend->run(Rfft{batch, shape, images.data(), all.data()});
        backend->run(Rfft{1, shape, one.data(), alone.data()});
        const std::vector<Complex> spectra = all.host(), spectrum = alone.host();
        EXPECT_TRUE(std::ranges::equal(
            spectrum, std::span(spectra).subspan(static_cast<std::size_t>(20 * bins), spectrum.size())));
        backend->run(Irfft{batch, shape, all.data(), all_back.data()});
        backend->run(Irfft{1, shape, alone.data(), one_back.data()});
        const std::vector<float> signals = all_back.host(), signal = one_back.host();
        EXPECT_TRUE(std::ranges::equal(
            signal, std::span(signals).subspan(static_cast<std::size_t>(20 * size), signal.size())));
    }
}

/// A large signal alone takes another way than two of them, whose way small ones are tested on.
TEST(LargeFft, AloneIsAsInABatch) {
    const auto backend = open_tested(2);
    for (const SignalShape& shape :
         {SignalShape{2, {257, 256}}, SignalShape{2, {9, 16384}}, SignalShape{2, {2, 32769}},
          SignalShape{3, {40, 41, 43}}, SignalShape{4, {16, 1, 17, 256}}}) {
        SCOPED_TRACE(shape.extent[0]);
        const std::int64_t size = shape.size(), bins = shape.spectrum_size();
        const std::vector<float> x = normal_values(2 * size, 3);
        Array<float> signals(*backend, std::span<const float>(x)), back(*backend, 2 * size);
        Array<Complex> both(*backend, 2 * bins), one(*backend, bins), scratch(*backend, 2 * bins);
        backend->run(Rfft{2, shape, signals.data(), both.data()});
        backend->run(Rfft{1, shape, signals.data(), one.data()});
        const std::vector<Complex> spectra = both.host();
        EXPECT_LE(relative_energy_error(one.host(),
                                        definition::ComplexDoubles(spectra.begin(), spectra.begin() + bins)),
                  kEnergyTolerance);
        backend->run(RfftBackward{2, shape, both.data(), back.data(), scratch.data()});
        const std::vector<float> signals_back = back.host();
        Array<float> alone(*backend, size);
        backend->run(RfftBackward{1, shape, both.data(), alone.data(), scratch.data()});
        EXPECT_LE(relative_energy_error(
                      alone.host(), definition::Doubles(signals_back.begin(), signals_back.begin() + size)),
                  kEnergyTolerance);
    }
}

TEST(LargeDct, AloneIsAsInABatch) {
    const auto backend = open_tested(2);
    for (const SignalShape& shape :
         {SignalShape{2, {257, 256}}, SignalShape{2, {9, 16384}}, SignalShape{2, {2, 32769}},
          SignalShape{3, {40, 41, 43}}, SignalShape{4, {16, 1, 17, 256}}}) {
        SCOPED_TRACE(shape.extent[0]);
        const std::int64_t size = shape.size();
        const std::vector<float> x = normal_values(2 * size, 4);
        Array<float> signals(*backend, std::span<const float>(x)), both(*backend, 2 * size),
            one(*backend, size);
        Array<Complex> scratch(*backend, Dct::scratch_size(2, shape));
        for (const bool inverse : {false, true}) {
            backend->run(Dct{2, shape, inverse, signals.data(), both.data(), scratch.data()});
            backend->run(Dct{1, shape, inverse, signals.data(), one.data(), scratch.data()});
            const std::vector<float> two = both.host();
            EXPECT_LE(relative_energy_error(one.host(), definition::Doubles(two.begin(), two.begin() + size)),
                      kEnergyTolerance);
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Shapes, Fft, testing::Combine(testing::ValuesIn(kShapes), testing::Values(0, 1, 5)));
/// More than there are lanes of a vector, and not a multiple of them.
INSTANTIATE_TEST_SUITE_P(Batches, Fft,
                         testing::Combine(testing::Values(SignalShape{2, {5, 6}}, SignalShape{2, {11, 26}},
                                                          SignalShape{3, {4, 4, 4}}),
                                          testing::Values(33)));

TEST(Magnitude, AndItsGradientAgreeWithTheDefinition) {
    const auto backend = open_tested(2);
    const std::vector<Complex> x{{3, -4}, {0, 0}, {-1, 0}, {0, 2}, {1e-20F, 0}};
    const std::vector<float> dy{1, 1, 2, -1, 1};
    Array<Complex> input(*backend, std::span<const Complex>(x)), dx(*backend, 5);
    Array<float> gradient(*backend, std::span<const float>(dy)), y(*backend, 5);
    backend->run(Magnitude{5, input.data(), y.data()});
    backend->run(MagnitudeBackward{5, input.data(), gradient.data(), dx.data()});
    EXPECT_EQ(y.host()[0], 5.0F);
    EXPECT_EQ(y.host()[1], 0.0F);
    const std::vector<Complex> expected{{0.6F, -0.8F}, {0, 0}, {-2, 0}, {0, -1}, {1, 0}};
    EXPECT_LE(
        relative_energy_error(dx.host(), std::vector<std::complex<double>>(expected.begin(), expected.end())),
        kEnergyTolerance);
}

}  // namespace
}  // namespace spectral::test
