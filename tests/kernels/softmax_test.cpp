// Softmax along an axis against its definition, and its gradient against difference quotients of that.
#include "kernels/ops/softmax.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/support/complex_values.hpp"
#include "tests/support/transformer_definitions.hpp"

namespace spectral::test {
namespace {

using definition::Doubles;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct Extents {
    std::int64_t outer, axis, inner;
};

void PrintTo(const Extents& e, std::ostream* out) { *out << e.outer << " × " << e.axis << " × " << e.inner; }

class SoftmaxAlong : public testing::TestWithParam<Extents> {
protected:
    std::int64_t outer_ = GetParam().outer, axis_ = GetParam().axis, inner_ = GetParam().inner,
                 size_ = outer_ * axis_ * inner_;
    std::vector<float> x_ = normal_values(size_, 1, 4, 100), dy_ = normal_values(size_, 2);
};

TEST_P(SoftmaxAlong, IsTheDefinition) {
    for (std::size_t i = 0; i < x_.size(); i += 3) x_[i] = -kInfinity;  // masked
    // All of a row.
    for (std::int64_t a = 0; a < axis_ && size_ > 0; ++a)
        x_[static_cast<std::size_t>(a * inner_)] = -kInfinity;
    const Doubles expected = definition::softmax(to_doubles(x_), outer_, axis_, inner_);
    at_every_level<Softmax>([&](Backend& backend, Level level) {
        Array<float> x(backend, view(x_)), y(backend, size_);
        backend.run(Softmax{outer_, axis_, inner_, x.data(), y.data()}, level);
        EXPECT_LE(relative_energy_error(y.host(), expected), kEnergyTolerance);
        for (std::int64_t a = 0; a < axis_ && size_ > 0; ++a)
            EXPECT_EQ(y.host()[static_cast<std::size_t>(a * inner_)], 0) << "of a masked row";
        backend.run(Softmax{outer_, axis_, inner_, x.data(), x.data()}, level);
        EXPECT_EQ(x.host(), y.host()) << "in place";
    });
}

TEST_P(SoftmaxAlong, KeepsWhatIsNoNumber) {
    if (size_ == 0) return;
    x_[0] = std::numeric_limits<float>::quiet_NaN();
    at_every_level<Softmax>([&](Backend& backend, Level level) {
        Array<float> x(backend, view(x_));
        backend.run(Softmax{outer_, axis_, inner_, x.data(), x.data()}, level);
        const std::vector<float> y = x.host();
        for (std::int64_t at = 0; at < size_; ++at)
            EXPECT_EQ(std::isnan(y[static_cast<std::size_t>(at)]), at / inner_ < axis_ && at % inner_ == 0);
    });
}

TEST_P(SoftmaxAlong, GradientsAreDifferenceQuotients) {
    if (size_ > 1000) return;  // a quotient for every value
    Doubles x = to_doubles(x_);
    const Doubles y_exact = definition::softmax(x, outer_, axis_, inner_), dy_exact = to_doubles(dy_);
    const Doubles expected = definition::difference_quotients(
        x, [&] { return definition::dot(definition::softmax(x, outer_, axis_, inner_), dy_exact); });
    const std::vector<float> y_values(y_exact.begin(), y_exact.end());
    at_every_level<SoftmaxBackward>([&](Backend& backend, Level level) {
        Array<float> y(backend, view(y_values)), dy(backend, view(dy_));
        backend.run(SoftmaxBackward{outer_, axis_, inner_, y.data(), dy.data(), dy.data()}, level);
        const std::vector<float> dx = dy.host();
        if (axis_ == 1)
            for (const float value : dx) EXPECT_EQ(value, 0);
        else
            EXPECT_LE(relative_energy_error(dx, expected), 1e-9);
    });
}

INSTANTIATE_TEST_SUITE_P(Extents, SoftmaxAlong,
                         testing::Values(Extents{0, 3, 1}, Extents{2, 0, 3}, Extents{2, 3, 0},
                                         Extents{1, 1, 1}, Extents{3, 17, 1}, Extents{5, 97, 1},
                                         Extents{1, 2, 7}, Extents{3, 5, 19}, Extents{2, 3, 300},
                                         Extents{64, 393, 1}, Extents{2, 64, 257}));

}  // namespace
}  // namespace spectral::test
