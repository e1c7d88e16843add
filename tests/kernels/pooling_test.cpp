// Pooling against its definition, window by window, and the gradients as the transpose of that.
#include "kernels/ops/pooling.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/complex_values.hpp"
#include "tests/support/definitions.hpp"

namespace spectral::test {
namespace {

using definition::Doubles;

struct Case {
    PoolShape shape;
};

void PrintTo(const Case& c, std::ostream* out) {
    const PoolShape& s = c.shape;
    *out << s.planes << " of " << extents_text(s.rank, s.input) << ", windows of "
         << extents_text(s.rank, s.window) << " every " << extents_text(s.rank, s.stride);
}

class Pooling : public testing::TestWithParam<Case> {
protected:
    PoolShape shape_ = GetParam().shape;
    std::int64_t in_ = shape_.input_size(), out_ = shape_.output_size();
    std::vector<float> x_ = coarse_values(shape_.planes * in_), dy_ = normal_values(shape_.planes * out_, 2);

    /// A few values over and over: windows have several largest ones.
    static std::vector<float> coarse_values(std::int64_t size) {
        std::vector<float> values = normal_values(size, 1);
        for (float& value : values) value = std::round(value);
        return values;
    }

    /// Places within a plane that window `index` reads, in their order.
    std::vector<std::size_t> window(std::int64_t index) const {
        const PoolShape::Extents output = shape_.output();
        std::vector<std::size_t> places{0};
        std::int64_t later = out_;
        for (std::size_t axis = 0; axis < static_cast<std::size_t>(shape_.rank); ++axis) {
            later /= output[axis];
            const std::int64_t first = index / later % output[axis] * shape_.stride[axis];
            std::vector<std::size_t> longer;
            for (const std::size_t place : places)
                for (std::int64_t p = 0; p < shape_.window[axis]; ++p)
                    longer.push_back(place * static_cast<std::size_t>(shape_.input[axis]) +
                                     static_cast<std::size_t>(first + p));
            places = std::move(longer);
        }
        return places;
    }

    /// each(plane's first sample, place of the value, what its window reads).
    template <class Each>
    void for_windows(const Each& each) const {
        for (std::int64_t at = 0; at < shape_.planes * out_; ++at)
            each(static_cast<std::size_t>(at / out_ * in_), static_cast<std::size_t>(at), window(at % out_));
    }

    std::vector<std::uint32_t> largest_places() const {
        std::vector<std::uint32_t> places;
        for_windows([&](std::size_t plane, std::size_t, const std::vector<std::size_t>& window) {
            std::size_t best = window.front();
            for (const std::size_t place : window)
                if (x_[plane + place] > x_[plane + best]) best = place;
            places.push_back(static_cast<std::uint32_t>(best));
        });
        return places;
    }
};

TEST_P(Pooling, MaxIsTheFirstLargestOfEveryWindow) {
    const std::vector<std::uint32_t> places = largest_places();
    std::vector<float> expected;
    for_windows(
        [&](std::size_t plane, std::size_t at, const auto&) { expected.push_back(x_[plane + places[at]]); });
    at_every_level<MaxPool>([&](Backend& backend, Level level) {
        Array<float> x(backend, view(x_)), y(backend, std::ssize(dy_)), alone(backend, std::ssize(dy_));
        Array<std::uint32_t> place(backend, std::ssize(dy_));
        backend.run(MaxPool{shape_, x.data(), y.data(), place.data()}, level);
        EXPECT_EQ(y.host(), expected);
        EXPECT_EQ(place.host(), places);
        backend.run(MaxPool{shape_, x.data(), alone.data()}, level);
        EXPECT_EQ(alone.host(), expected);
    });
}

TEST_P(Pooling, MaxGradientGoesToTheLargest) {
    const std::vector<std::uint32_t> places = largest_places();
    Doubles expected(x_.size());
    for_windows([&](std::size_t plane, std::size_t at, const auto&) {
        expected[plane + places[at]] += static_cast<double>(dy_[at]);
    });
    at_every_level<MaxPoolBackward>([&](Backend& backend, Level level) {
        Array<std::uint32_t> place(backend, view(places));
        Array<float> dy(backend, view(dy_)), dx(backend, std::ssize(x_));
        backend.run(MaxPoolBackward{shape_, place.data(), dy.data(), dx.data()}, level);
        EXPECT_LE(relative_energy_error(dx.host(), expected), kEnergyTolerance);
    });
}

TEST_P(Pooling, AverageIsTheMeanOfEveryWindow) {
    const double share = 1 / static_cast<double>(shape_.window_size());
    Doubles expected(dy_.size());
    for_windows([&](std::size_t plane, std::size_t at, const std::vector<std::size_t>& window) {
        for (const std::size_t place : window) expected[at] += share * static_cast<double>(x_[plane + place]);
    });
    at_every_level<AveragePool>([&](Backend& backend, Level level) {
        Array<float> x(backend, view(x_)), y(backend, std::ssize(dy_));
        backend.run(AveragePool{shape_, x.data(), y.data()}, level);
        EXPECT_LE(relative_energy_error(y.host(), expected), kEnergyTolerance);
    });
}

TEST_P(Pooling, AverageGradientIsSharedByTheWindow) {
    const double share = 1 / static_cast<double>(shape_.window_size());
    Doubles expected(x_.size());
    for_windows([&](std::size_t plane, std::size_t at, const std::vector<std::size_t>& window) {
        for (const std::size_t place : window)
            expected[plane + place] += share * static_cast<double>(dy_[at]);
    });
    at_every_level<AveragePoolBackward>([&](Backend& backend, Level level) {
        Array<float> dy(backend, view(dy_)), dx(backend, std::ssize(x_));
        backend.run(AveragePoolBackward{shape_, dy.data(), dx.data()}, level);
        EXPECT_LE(relative_energy_error(dx.host(), expected), kEnergyTolerance);
    });
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, Pooling,
    testing::Values(Case{{1, 1, {1}, {1}, {1}}}, Case{{1, 3, {97}, {5}, {2}}}, Case{{1, 2, {20}, {3}, {7}}},
                    Case{{2, 0, {8, 8}, {2, 2}, {2, 2}}}, Case{{2, 3, {2, 5}, {3, 2}, {1, 1}}},
                    Case{{2, 6, {28, 28}, {2, 2}, {2, 2}}}, Case{{2, 5, {9, 7}, {3, 2}, {1, 2}}},
                    Case{{2, 4, {7, 7}, {7, 7}, {1, 1}}}, Case{{2, 3, {11, 13}, {4, 5}, {2, 3}}},
                    Case{{3, 2, {5, 6, 7}, {2, 3, 2}, {2, 1, 3}}},
                    Case{{3, 2, {4, 4, 4}, {2, 2, 2}, {2, 2, 2}}}));

}  // namespace
}  // namespace spectral::test
