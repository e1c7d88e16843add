// SwiGLU against its definition and difference quotients of that; dropout against the stream of random words
// that it names; rows added by index against the sums in their order.
#include <gtest/gtest.h>

#include <cmath>

#include "engine/core/random.hpp"
#include "kernels/ops/dropout.hpp"
#include "kernels/ops/gated.hpp"
#include "kernels/ops/scatter_rows.hpp"
#include "tests/support/complex_values.hpp"
#include "tests/support/transformer_definitions.hpp"

namespace spectral::test {
namespace {

using definition::Doubles;

struct Sizes {
    std::int64_t batch, size;
};

void PrintTo(const Sizes& s, std::ostream* out) { *out << s.batch << " × " << s.size; }

/// Gate and value are the halves of each row.
class Gated : public testing::TestWithParam<Sizes> {
protected:
    std::int64_t batch_ = GetParam().batch, size_ = GetParam().size, all_ = batch_ * size_;
    std::vector<float> x_ = normal_values(2 * all_, 1, 3), dy_ = normal_values(all_, 2);

    Doubles value(const Doubles& x) const {
        Doubles y;
        for (std::int64_t b = 0; b < batch_; ++b)
            for (std::int64_t i = 0; i < size_; ++i) {
                const auto gate = static_cast<std::size_t>(2 * b * size_ + i);
                y.push_back(definition::silu(x[gate]) * x[gate + static_cast<std::size_t>(size_)]);
            }
        return y;
    }
};

TEST_P(Gated, SwiGluIsTheDefinition) {
    const Doubles expected = value(to_doubles(x_));
    at_every_level<SwiGlu>([&](Backend& backend, Level level) {
        Array<float> x(backend, view(x_)), y(backend, all_);
        backend.run(SwiGlu{batch_, size_, 2 * size_, x.data(), x.data() + size_, y.data()}, level);
        EXPECT_LE(relative_energy_error(y.host(), expected), kEnergyTolerance);
    });
}

TEST_P(Gated, SwiGluGradientsAreDifferenceQuotients) {
    Doubles x = to_doubles(x_);
    const Doubles dy_exact = to_doubles(dy_),
                  expected = all_ > 1000 ? Doubles() : definition::difference_quotients(x, [&] {
                      return definition::dot(value(x), dy_exact);
                  });
    if (all_ > 1000) return;  // a quotient for every value
    at_every_level<SwiGluBackward>([&](Backend& backend, Level level) {
        Array<float> in(backend, view(x_)), dy(backend, view(dy_));
        backend.run(SwiGluBackward{batch_, size_, 2 * size_, in.data(), in.data() + size_, dy.data(),
                                   in.data(), in.data() + size_},
                    level);
        EXPECT_LE(relative_energy_error(in.host(), expected), 1e-9);
    });
}

INSTANTIATE_TEST_SUITE_P(Sizes, Gated,
                         testing::Values(Sizes{0, 5}, Sizes{3, 0}, Sizes{1, 1}, Sizes{2, 7}, Sizes{5, 16},
                                         Sizes{3, 97}, Sizes{130, 393}));

class DropoutOf : public testing::TestWithParam<std::int64_t> {};

TEST_P(DropoutOf, LeavesOutWhatItsStreamSays) {
    const std::int64_t size = GetParam();
    const std::uint64_t seed = 0x123456789ABCDEF, stream = 0xFEDCBA987;
    std::vector<float> values = normal_values(size, 1);
    if (size > 2) values[2] = std::numeric_limits<float>::infinity();
    for (const double rate : {0.0, 0.1, 0.75}) {
        Random random(seed, stream);
        std::vector<float> expected;
        const auto scale =
            static_cast<float>(1 / (1 - static_cast<double>(dropout_threshold(rate)) * 0x1p-32));
        for (const float value : values)
            expected.push_back(random.next() < dropout_threshold(rate) ? 0 : scale * value);
        at_every_level<Dropout>([&](Backend& backend, Level level) {
            Array<float> x(backend, view(values));
            backend.run(Dropout{size, dropout_threshold(rate), seed, stream, x.data(), x.data()}, level);
            EXPECT_EQ(x.host(), expected) << rate;
        });
    }
}

INSTANTIATE_TEST_SUITE_P(Sizes, DropoutOf, testing::Values(0, 1, 3, 4, 97, 129, 5003));

TEST(Dropout, KeepsTheMean) {
    const auto backend = open_tested(2);
    const std::vector<float> ones(40'000, 1.0F);
    Array<float> x(*backend, view(ones));
    backend->run(Dropout{40'000, dropout_threshold(0.2), 7, 1, x.data(), x.data()});
    double sum = 0;
    for (const float value : x.host()) sum += static_cast<double>(value);
    EXPECT_NEAR(sum / 40'000, 1, 0.01);  // four deviations
}

TEST(ScatterAddRows, AddsInTheOrderOfTheBatch) {
    for (const auto [batch, columns, rows] :
         {std::array<std::int64_t, 3>{0, 3, 2}, {5, 0, 2}, {1, 1, 1}, {100, 7, 3}, {333, 33, 50}}) {
        const std::vector<float> x_values = normal_values(batch * columns, 1),
                                 start = normal_values(rows * columns, 2);
        std::vector<std::uint32_t> indices;
        Random random(3);
        for (std::int64_t b = 0; b < batch; ++b)
            indices.push_back(random.below(static_cast<std::uint32_t>(rows)));
        for (const std::int64_t left_out : {std::int64_t{-1}, rows - 1}) {
            std::vector<float> expected = start;
            for (std::int64_t b = 0; b < batch; ++b)
                for (std::int64_t i = 0; i < columns && indices[static_cast<std::size_t>(b)] != left_out; ++i)
                    expected[static_cast<std::size_t>(indices[static_cast<std::size_t>(b)] * columns + i)] +=
                        x_values[static_cast<std::size_t>(b * columns + i)];
            at_every_level<ScatterAddRows>([&](Backend& backend, Level level) {
                Array<float> x(backend, view(x_values)), y(backend, view(start));
                Array<std::uint32_t> index(backend, view(indices));
                backend.run(ScatterAddRows{batch, columns, left_out, x.data(), index.data(), y.data()},
                            level);
                EXPECT_EQ(y.host(), expected);
            });
        }
    }
}

}  // namespace
}  // namespace spectral::test
