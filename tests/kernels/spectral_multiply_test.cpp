// Products with spectral weights, dense and sparse, spectral normalisation, and the gradients of both.
#include "kernels/ops/spectral_multiply.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "kernels/ops/normalise.hpp"
#include "tests/support/complex_values.hpp"
#include "tests/support/sparse_definitions.hpp"

namespace spectral::test {
namespace {

using definition::ComplexDoubles;

class Batched : public testing::TestWithParam<std::tuple<std::int64_t, std::int64_t>> {
protected:
    std::int64_t batch_ = std::get<0>(GetParam()), size_ = std::get<1>(GetParam()), all_ = batch_ * size_;
    std::vector<Complex> x_ = complex_values(all_, 41), dy_ = complex_values(all_, 43);

    std::complex<double> at(const std::vector<Complex>& values, std::int64_t b, std::int64_t i) const {
        return values[static_cast<std::size_t>(b * size_ + i)];
    }
};

TEST_P(Batched, DenseProductAndGradientAgree) {
    const std::vector<Complex> w = complex_values(size_, 47);
    for (const bool conjugate : {false, true}) {
        ComplexDoubles expected;
        for (std::int64_t b = 0; b < batch_; ++b) {
            for (std::int64_t i = 0; i < size_; ++i) {
                const std::complex<double> weight = w[static_cast<std::size_t>(i)];
                expected.push_back(at(x_, b, i) * (conjugate ? std::conj(weight) : weight));
            }
        }
        at_every_level<SpectralMultiply>([&](Backend& backend, Level level) {
            Array<Complex> in(backend, view(x_)), weights(backend, view(w));
            backend.run(SpectralMultiply{batch_, size_, conjugate, in.data(), weights.data(), in.data()},
                        level);
            EXPECT_LE(relative_energy_error(in.host(), expected), kEnergyTolerance);
        });
    }
    ComplexDoubles gradient(w.size());
    for (std::int64_t b = 0; b < batch_; ++b)
        for (std::int64_t i = 0; i < size_; ++i)
            gradient[static_cast<std::size_t>(i)] += std::conj(at(x_, b, i)) * at(dy_, b, i);
    at_every_level<SpectralWeightGradient>([&](Backend& backend, Level level) {
        Array<Complex> in(backend, view(x_)), dy(backend, view(dy_)), dw(backend, size_);
        backend.run(SpectralWeightGradient{batch_, size_, in.data(), dy.data(), dw.data()}, level);
        EXPECT_LE(relative_energy_error(dw.host(), gradient), kEnergyTolerance);
    });
}

TEST_P(Batched, SparseProductAndGradientAgree) {
    for (const std::uint32_t stride : {1U, 3U, 40U}) {
        const std::vector<std::uint32_t> kept = ascending_indices(size_, stride, 53);
        const auto count = static_cast<std::int64_t>(kept.size());
        const std::vector<Complex> w = complex_values(count, 59);
        for (const bool conjugate : {false, true}) {
            ComplexDoubles expected(x_.size());
            for (std::int64_t b = 0; b < batch_; ++b) {
                for (std::size_t j = 0; j < kept.size(); ++j) {
                    const std::complex<double> weight = w[j];
                    expected[static_cast<std::size_t>(b * size_ + kept[j])] =
                        at(x_, b, kept[j]) * (conjugate ? std::conj(weight) : weight);
                }
            }
            at_every_level<SparseSpectralMultiply>([&](Backend& backend, Level level) {
                Array<Complex> in(backend, view(x_)), weights(backend, view(w)), y(backend, all_);
                Array<std::uint32_t> index(backend, view(kept));
                backend.run(SparseSpectralMultiply{batch_, size_, count, conjugate, index.data(), in.data(),
                                                   weights.data(), y.data()},
                            level);
                EXPECT_LE(relative_energy_error(y.host(), expected), kEnergyTolerance);
            });
        }
        ComplexDoubles gradient(w.size());
        for (std::int64_t b = 0; b < batch_; ++b)
            for (std::size_t j = 0; j < kept.size(); ++j)
                gradient[j] += std::conj(at(x_, b, kept[j])) * at(dy_, b, kept[j]);
        at_every_level<SparseSpectralWeightGradient>([&](Backend& backend, Level level) {
            Array<Complex> in(backend, view(x_)), dy(backend, view(dy_)), dw(backend, count);
            Array<std::uint32_t> index(backend, view(kept));
            backend.run(SparseSpectralWeightGradient{batch_, size_, count, index.data(), in.data(), dy.data(),
                                                     dw.data()},
                        level);
            EXPECT_LE(relative_energy_error(dw.host(), gradient), kEnergyTolerance);
        });
    }
}

TEST_P(Batched, NormalisationAndItsGradientAgree) {
    const float epsilon = 0.25F;
    for (const bool weighted : {false, true}) {
        std::vector<std::uint8_t> weight;
        for (std::int64_t i = 0; weighted && i < size_; ++i)
            weight.push_back(static_cast<std::uint8_t>(i % 3));
        ComplexDoubles expected, gradient;
        std::vector<double> norms;
        for (std::int64_t b = 0; b < batch_; ++b) {
            ComplexDoubles row;
            double along = 0;
            for (std::int64_t i = 0; i < size_; ++i) {
                row.push_back(at(x_, b, i));
                along += (std::conj(at(x_, b, i)) * at(dy_, b, i)).real();
            }
            const double norm = definition::norm(row, weight), divisor = norm + static_cast<double>(epsilon);
            norms.push_back(norm);
            for (std::int64_t i = 0; i < size_; ++i)
                gradient.push_back(at(dy_, b, i) / divisor -
                                   (norm == 0 ? 0
                                              : at(x_, b, i) * (weighted ? static_cast<double>(i % 3) : 1.0) *
                                                    along / (norm * divisor * divisor)));
            for (const std::complex<double> value :
                 definition::normalise(row, weight, static_cast<double>(epsilon)))
                expected.push_back(value);
        }
        at_every_level<SpectralNormalise>([&](Backend& backend, Level level) {
            Array<Complex> x(backend, view(x_)), y(backend, all_), dy(backend, view(dy_));
            Array<std::uint8_t> weights(backend, view(weight));
            Array<float> norm(backend, batch_);
            Array<double> scratch(backend, SpectralNormalise::scratch_size(batch_, size_));
            const std::uint8_t* used = weighted ? weights.data() : nullptr;
            backend.run(SpectralNormalise{batch_, size_, epsilon, x.data(), used, y.data(), norm.data(),
                                          scratch.data()},
                        level);
            EXPECT_LE(relative_energy_error(y.host(), expected), kEnergyTolerance);
            EXPECT_LE(relative_energy_error(norm.host(), norms), kEnergyTolerance);
            backend.run(SpectralNormaliseBackward{batch_, size_, epsilon, x.data(), used, norm.data(),
                                                  dy.data(), dy.data(), scratch.data()},
                        level);
            EXPECT_LE(relative_energy_error(dy.host(), gradient), kEnergyTolerance);
        });
    }
}

INSTANTIATE_TEST_SUITE_P(Shapes, Batched,
                         testing::Combine(testing::Values(0, 1, 2, 5, 67),
                                          testing::Values(0, 1, 7, 97, 393, 4097)));

TEST(SpectralNormalise, GradientIsTheDifferenceQuotient) {
    constexpr std::int64_t kSize = 7;
    const std::vector<Complex> x = complex_values(kSize, 61), dy = complex_values(kSize, 67);
    const std::vector<std::uint8_t> weight{1, 2, 2, 0, 2, 2, 1};
    const auto loss = [&](const ComplexDoubles& at) {
        const ComplexDoubles y = definition::normalise(at, weight, 0.5);
        double sum = 0;
        for (std::size_t i = 0; i < y.size(); ++i)
            sum += (std::conj(std::complex<double>(dy[i])) * y[i]).real();
        return sum;
    };
    ComplexDoubles expected;
    for (std::size_t i = 0; i < x.size(); ++i) {
        constexpr double kStep = 1e-6;
        const auto slope = [&](std::complex<double> direction) {
            ComplexDoubles up = to_complex_doubles(x), down = up;
            up[i] += kStep * direction;
            down[i] -= kStep * direction;
            return (loss(up) - loss(down)) / (2 * kStep);
        };
        expected.emplace_back(slope(1), slope({0, 1}));
    }
    at_every_level<SpectralNormaliseBackward>([&](Backend& backend, Level level) {
        Array<Complex> in(backend, view(x)), upstream(backend, view(dy)), dx(backend, kSize);
        Array<std::uint8_t> weights(backend, view(weight));
        const std::vector<float> norms{static_cast<float>(definition::norm(to_complex_doubles(x), weight))};
        Array<float> norm(backend, view(norms));
        Array<double> scratch(backend, SpectralNormaliseBackward::scratch_size(1, kSize));
        backend.run(SpectralNormaliseBackward{1, kSize, 0.5F, in.data(), weights.data(), norm.data(),
                                              upstream.data(), dx.data(), scratch.data()},
                    level);
        EXPECT_LE(relative_energy_error(dx.host(), expected), kEnergyTolerance);
    });
}

TEST(SpectralNormalise, ZerosStayZeroAndNanStaysInItsRow) {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const std::vector<Complex> x{0, 0, {nan, 0}, 1, {3, 4}, 0};
    at_every_level<SpectralNormalise>([&](Backend& backend, Level level) {
        Array<Complex> in(backend, view(x)), y(backend, 6);
        Array<float> norm(backend, 3);
        Array<double> scratch(backend, SpectralNormalise::scratch_size(3, 2));
        backend.run(
            SpectralNormalise{3, 2, 1e-12F, in.data(), nullptr, y.data(), norm.data(), scratch.data()},
            level);
        EXPECT_EQ(y.host()[0], Complex(0));
        EXPECT_TRUE(std::isnan(y.host()[3].real()));
        EXPECT_FLOAT_EQ(y.host()[4].real(), 0.6F);
        EXPECT_EQ(norm.host()[2], 5.0F);
    });
}

}  // namespace
}  // namespace spectral::test
