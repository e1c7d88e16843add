// Batch norm by channels against its definition, and the gradients against difference quotients of that.
#include "kernels/ops/batch_norm.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/support/complex_values.hpp"
#include "tests/support/transformer_definitions.hpp"

namespace spectral {

void PrintTo(const ChannelValues& s, std::ostream* out) {
    *out << s.batch << " × " << s.channels << " × " << s.space;
}

namespace test {
namespace {

using definition::ChannelMoments;
using definition::Doubles;

constexpr float kEpsilon = 0.01F, kMomentum = 0.3F, kGain = 0.78615138F;  // √(1/φ)

class BatchNormByChannels : public testing::TestWithParam<ChannelValues> {
protected:
    ChannelValues images_ = GetParam();
    std::vector<float> x_ = normal_values(images_.size(), 1, 2, 5),
                       scale_ = normal_values(images_.channels, 2, 1, 1),
                       shift_ = normal_values(images_.channels, 3), dy_ = normal_values(images_.size(), 4),
                       running_mean_ = normal_values(images_.channels, 5),
                       running_variance_ = normal_values(images_.channels, 6, 0.1, 2);

    Doubles value(const Doubles& x, const ChannelMoments& moments, const Doubles& scale,
                  const Doubles& shift) const {
        return definition::channel_norm(x, images_, moments, scale, shift, static_cast<double>(kEpsilon),
                                        static_cast<double>(kGain));
    }
};

TEST_P(BatchNormByChannels, TrainsAndRemembers) {
    const ChannelMoments moments = definition::channel_moments(to_doubles(x_), images_);
    const Doubles expected = value(to_doubles(x_), moments, to_doubles(scale_), to_doubles(shift_));
    at_every_level<BatchNorm>([&](Backend& backend, Level level) {
        Array<float> x(backend, view(x_)), scale(backend, view(scale_)), shift(backend, view(shift_)),
            mean(backend, images_.channels), inverse(backend, images_.channels),
            running_mean(backend, view(running_mean_)), running_variance(backend, view(running_variance_));
        backend.run(
            BatchNorm{images_, true, kEpsilon, kMomentum, kGain, x.data(), scale.data(), shift.data(),
                      x.data(), mean.data(), inverse.data(), running_mean.data(), running_variance.data()},
            level);
        if (images_.size() == 0) {
            EXPECT_EQ(running_mean.host(), running_mean_);
            EXPECT_EQ(running_variance.host(), running_variance_);
            return;
        }
        EXPECT_LE(relative_energy_error(x.host(), expected), kEnergyTolerance);
        EXPECT_LE(relative_energy_error(mean.host(), moments.mean), kEnergyTolerance);
        const double momentum = static_cast<double>(kMomentum), count = static_cast<double>(images_.count());
        Doubles inverses, means, variances;
        for (std::size_t c = 0; c < scale_.size(); ++c) {
            inverses.push_back(1 / std::sqrt(moments.variance[c] + static_cast<double>(kEpsilon)));
            means.push_back((1 - momentum) * static_cast<double>(running_mean_[c]) +
                            momentum * moments.mean[c]);
            variances.push_back((1 - momentum) * static_cast<double>(running_variance_[c]) +
                                momentum * moments.variance[c] * count / std::max(count - 1, 1.0));
        }
        EXPECT_LE(relative_energy_error(inverse.host(), inverses), kEnergyTolerance);
        EXPECT_LE(relative_energy_error(running_mean.host(), means), kEnergyTolerance);
        EXPECT_LE(relative_energy_error(running_variance.host(), variances), kEnergyTolerance);
    });
}

TEST_P(BatchNormByChannels, UsesWhatItRemembersAndLeavesItAlone) {
    const Doubles expected = value(to_doubles(x_), {to_doubles(running_mean_), to_doubles(running_variance_)},
                                   to_doubles(scale_), to_doubles(shift_));
    at_every_level<BatchNorm>([&](Backend& backend, Level level) {
        Array<float> x(backend, view(x_)), y(backend, images_.size()), scale(backend, view(scale_)),
            shift(backend, view(shift_)), running_mean(backend, view(running_mean_)),
            running_variance(backend, view(running_variance_));
        backend.run(
            BatchNorm{images_, false, kEpsilon, kMomentum, kGain, x.data(), scale.data(), shift.data(),
                      y.data(), nullptr, nullptr, running_mean.data(), running_variance.data()},
            level);
        EXPECT_LE(relative_energy_error(y.host(), expected), kEnergyTolerance);
        EXPECT_EQ(running_mean.host(), running_mean_);
        EXPECT_EQ(running_variance.host(), running_variance_);
    });
}

/// A quotient for every value.
class SmallBatchNormByChannels : public BatchNormByChannels {};

TEST_P(SmallBatchNormByChannels, GradientsAreDifferenceQuotients) {
    Doubles x = to_doubles(x_), scale = to_doubles(scale_), shift = to_doubles(shift_);
    const Doubles dy_exact = to_doubles(dy_);
    const auto loss = [&] {
        return definition::dot(value(x, definition::channel_moments(x, images_), scale, shift), dy_exact);
    };
    const Doubles dx = definition::difference_quotients(x, loss),
                  dscale = definition::difference_quotients(scale, loss),
                  dshift = definition::difference_quotients(shift, loss);
    at_every_level<BatchNormBackward>([&](Backend& backend, Level level) {
        Array<float> in(backend, view(x_)), factor(backend, view(scale_)), offset(backend, view(shift_)),
            y(backend, images_.size()), mean(backend, images_.channels), inverse(backend, images_.channels),
            running_mean(backend, view(running_mean_)), running_variance(backend, view(running_variance_)),
            dy(backend, view(dy_)), dscale_found(backend, images_.channels),
            dshift_found(backend, images_.channels);
        backend.run(BatchNorm{images_, true, kEpsilon, kMomentum, kGain, in.data(), factor.data(),
                              offset.data(), y.data(), mean.data(), inverse.data(), running_mean.data(),
                              running_variance.data()});
        backend.run(BatchNormBackward{images_, kGain, in.data(), mean.data(), inverse.data(), factor.data(),
                                      dy.data(), dy.data(), dscale_found.data(), dshift_found.data()},
                    level);
        // Of one value nothing is left but the shift.
        if (images_.count() > 1) {
            EXPECT_LE(relative_energy_error(dy.host(), dx), 1e-9);
            EXPECT_LE(relative_energy_error(dscale_found.host(), dscale), 1e-9);
        }
        EXPECT_LE(relative_energy_error(dshift_found.host(), dshift), 1e-9);
    });
}

INSTANTIATE_TEST_SUITE_P(Sizes, SmallBatchNormByChannels,
                         testing::Values(ChannelValues{0, 5, 1}, ChannelValues{3, 0, 4},
                                         ChannelValues{1, 1, 1}, ChannelValues{1, 7, 1},
                                         ChannelValues{5, 3, 1}, ChannelValues{3, 4, 6},
                                         ChannelValues{2, 2, 37}));

INSTANTIATE_TEST_SUITE_P(Sizes, BatchNormByChannels,
                         testing::Values(ChannelValues{0, 5, 1}, ChannelValues{3, 0, 4},
                                         ChannelValues{4, 3, 0}, ChannelValues{1, 1, 1},
                                         ChannelValues{1, 7, 1}, ChannelValues{5, 300, 1},
                                         ChannelValues{7, 3, 49}, ChannelValues{2, 5, 256},
                                         ChannelValues{3, 2, 784}, ChannelValues{64, 17, 5}));

}  // namespace
}  // namespace test
}  // namespace spectral
