// Layer norm, alone and followed by GELU, against its definition, and the gradients against difference
// quotients of that.
#include "kernels/ops/layer_norm.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/support/complex_values.hpp"
#include "tests/support/transformer_definitions.hpp"

namespace spectral::test {
namespace {

using definition::Doubles;

constexpr float kEpsilon = 0.01F, kGain = 0.78615138F;  // √(1/φ)

struct Sizes {
    std::int64_t batch, size;
};

void PrintTo(const Sizes& s, std::ostream* out) { *out << s.batch << " × " << s.size; }

class Norm : public testing::TestWithParam<Sizes> {
protected:
    std::int64_t batch_ = GetParam().batch, size_ = GetParam().size, all_ = batch_ * size_;
    std::vector<float> x_ = normal_values(all_, 1, 2, 5), scale_ = normal_values(size_, 2, 1, 1),
                       shift_ = normal_values(size_, 3), dy_ = normal_values(all_, 4);

    static Doubles value(const Doubles& x, const Doubles& scale, const Doubles& shift, bool gelu) {
        Doubles y = definition::layer_norm(x, scale, shift, static_cast<double>(kEpsilon),
                                           static_cast<double>(kGain));
        if (gelu) std::ranges::transform(y, y.begin(), definition::gelu);
        return y;
    }

    template <class Op>
    void expect_forward(bool gelu) {
        const Doubles expected = value(to_doubles(x_), to_doubles(scale_), to_doubles(shift_), gelu);
        at_every_level<Op>([&](Backend& backend, Level level) {
            Array<float> x(backend, view(x_)), scale(backend, view(scale_)), shift(backend, view(shift_)),
                mean(backend, batch_), inverse(backend, batch_);
            const NormRows rows{batch_, size_, kEpsilon, kGain, x.data(), scale.data(), shift.data()};
            backend.run(Op{rows, x.data(), mean.data(), inverse.data()}, level);
            EXPECT_LE(relative_energy_error(x.host(), expected), kEnergyTolerance);
            if (size_ == 0) return;
            const std::vector<float> means = mean.host(), inverses = inverse.host();
            for (std::int64_t b = 0; b < batch_; ++b) {
                const auto row = static_cast<std::size_t>(b);
                double sum = 0, squares = 0;
                for (std::int64_t i = 0; i < size_; ++i)
                    sum += static_cast<double>(x_[static_cast<std::size_t>(b * size_ + i)]);
                const double average = sum / static_cast<double>(size_);
                for (std::int64_t i = 0; i < size_; ++i)
                    squares += std::pow(
                        static_cast<double>(x_[static_cast<std::size_t>(b * size_ + i)]) - average, 2);
                EXPECT_NEAR(static_cast<double>(means[row]), average, 1e-5);
                EXPECT_NEAR(
                    static_cast<double>(inverses[row]) *
                        std::sqrt(squares / static_cast<double>(size_) + static_cast<double>(kEpsilon)),
                    1, 1e-5);
            }
        });
    }

    template <class Forward, class Op>
    void expect_gradients(bool gelu) {
        Doubles x = to_doubles(x_), scale = to_doubles(scale_), shift = to_doubles(shift_);
        const Doubles dy_exact = to_doubles(dy_);
        const auto loss = [&] { return definition::dot(value(x, scale, shift, gelu), dy_exact); };
        const Doubles dx = definition::difference_quotients(x, loss),
                      dscale = definition::difference_quotients(scale, loss),
                      dshift = definition::difference_quotients(shift, loss);
        at_every_level<Op>([&](Backend& backend, Level level) {
            Array<float> in(backend, view(x_)), factor(backend, view(scale_)), offset(backend, view(shift_)),
                y(backend, all_), mean(backend, batch_), inverse(backend, batch_), dy(backend, view(dy_)),
                dscale_found(backend, size_), dshift_found(backend, size_),
                scratch(backend, Op::scratch_size(batch_, size_));
            const NormRows rows{batch_, size_, kEpsilon, kGain, in.data(), factor.data(), offset.data()};
            backend.run(Forward{rows, y.data(), mean.data(), inverse.data()});
            backend.run(Op{rows, mean.data(), inverse.data(), dy.data(), dy.data(), dscale_found.data(),
                           dshift_found.data(), scratch.data()},
                        level);
            // Of one value nothing is left but the shift.
            if (size_ > 1) {
                EXPECT_LE(relative_energy_error(dy.host(), dx), 1e-9);
                EXPECT_LE(relative_energy_error(dscale_found.host(), dscale), 1e-9);
            }
            EXPECT_LE(relative_energy_error(dshift_found.host(), dshift), 1e-9);
        });
    }
};

TEST_P(Norm, IsTheDefinition) { expect_forward<LayerNorm>(false); }
TEST_P(Norm, WithGeluIsTheDefinition) { expect_forward<LayerNormGelu>(true); }

INSTANTIATE_TEST_SUITE_P(Sizes, Norm,
                         testing::Values(Sizes{0, 5}, Sizes{3, 0}, Sizes{1, 1}, Sizes{1, 7}, Sizes{5, 16},
                                         Sizes{2, 97}, Sizes{7, 256}, Sizes{130, 393}));

/// A quotient for every value.
class SmallNorm : public Norm {};

TEST_P(SmallNorm, GradientsAreDifferenceQuotients) { expect_gradients<LayerNorm, LayerNormBackward>(false); }
TEST_P(SmallNorm, WithGeluGradientsAreDifferenceQuotients) {
    expect_gradients<LayerNormGelu, LayerNormGeluBackward>(true);
}

INSTANTIATE_TEST_SUITE_P(Sizes, SmallNorm,
                         testing::Values(Sizes{0, 5}, Sizes{3, 0}, Sizes{1, 1}, Sizes{1, 7}, Sizes{5, 16},
                                         Sizes{3, 37}, Sizes{67, 5}, Sizes{130, 3}));

}  // namespace
}  // namespace spectral::test
