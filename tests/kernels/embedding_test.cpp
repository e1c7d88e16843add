// From tokens to vectors against the definitions, in double precision.
#include "kernels/ops/embedding.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "tests/support/complex_values.hpp"
#include "tests/support/transformer_definitions.hpp"

namespace spectral::test {
namespace {

using definition::Doubles;

/// Two floats of something else stand behind every row; rows are taken in the order of `picked`.
struct Rows {
    std::int64_t context;
    std::vector<float> tokens;
    std::vector<std::uint32_t> picked;

    std::int64_t stride() const { return context + 2; }
    std::vector<float> padded() const {
        std::vector<float> values;
        for (std::size_t i = 0; i < tokens.size(); ++i) {
            values.push_back(tokens[i]);
            if ((i + 1) % static_cast<std::size_t>(context) == 0) values.insert(values.end(), {-7.5F, 1e9F});
        }
        return values;
    }
    /// As the operation takes them.
    std::vector<float> in_order() const {
        std::vector<float> values;
        for (const std::uint32_t row : picked)
            for (std::int64_t t = 0; t < context; ++t)
                values.push_back(tokens[static_cast<std::size_t>(row * context + t)]);
        return values;
    }
};

const Rows kRows{3, {0, 4, 2, 1, 1, 3, 5, -1, 2.5F}, {2, 0, 1, 0}};

TEST(EmbedTokens, TakesRowsAndMarksWhatIsNotLearned) {
    constexpr std::int64_t kVocabulary = 5, kWidth = 37, kPadding = 1;
    const std::vector<float> table_values = normal_values(kVocabulary * kWidth, 1), padded = kRows.padded();
    for (const std::int64_t padding : {std::int64_t{-1}, kPadding})
        at_every_level<EmbedTokens>([&](Backend& backend, Level level) {
            Array<float> x(backend, view(padded)), table(backend, view(table_values)),
                y(backend, 12 * kWidth);
            Array<std::uint32_t> picked(backend, view(kRows.picked)), row(backend, 12);
            backend.run(EmbedTokens{{4, 3, x.data(), kRows.stride(), picked.data()},
                                    kVocabulary,
                                    kWidth,
                                    padding,
                                    0.5F,
                                    table.data(),
                                    row.data(),
                                    y.data()},
                        level);
            const std::vector<float> found = y.host(), tokens = kRows.in_order();
            const std::vector<std::uint32_t> rows = row.host();
            for (std::size_t i = 0; i < tokens.size(); ++i) {
                const bool known = tokens[i] >= 0 && tokens[i] < 5 && tokens[i] == std::floor(tokens[i]);
                const auto token = known ? static_cast<std::int64_t>(tokens[i]) : kVocabulary;
                EXPECT_EQ(rows[i], static_cast<std::uint32_t>(token == padding ? kVocabulary : token));
                for (std::size_t j = 0; j < kWidth; ++j) {
                    const float value = found[i * kWidth + j];
                    if (known)
                        EXPECT_EQ(value, 0.5F * table_values[static_cast<std::size_t>(token) * kWidth + j]);
                    else
                        EXPECT_TRUE(std::isnan(value));
                }
            }
        });
}

TEST(EmbedTokens, OfNothingIsNothing) {
    at_every_level<EmbedTokens>([&](Backend& backend, Level level) {
        Array<float> y(backend, 0);
        backend.run(EmbedTokens{{0, 3}, 5, 4, -1, 1, nullptr, nullptr, y.data()}, level);
    });
}

TEST(WindingFeatures, TurnByExactRemainders) {
    const std::vector<std::int64_t> windings{1, 2, 5, 9, 17, 29, 47, 77, 16'777'213};
    const std::vector<float> tokens{0,   1,   64,        65,          66,         -1,
                                    -64, -65, 1'000'003, -16'777'215, 16'777'216, 3e20F};
    for (const std::int64_t vocabulary : {std::int64_t{1}, std::int64_t{65}, std::int64_t{16'777'216}}) {
        Doubles expected;
        for (const float token : tokens)
            for (const std::int64_t winding : windings) {
                // Of whole numbers below 2^63, and what a float of 3e20 is by itself.
                const long double rest = std::fmod(static_cast<long double>(token), vocabulary);
                const long double turn =
                    std::fmod(rest * static_cast<long double>(winding % vocabulary), vocabulary);
                const auto angle =
                    static_cast<double>(2 * std::numbers::pi_v<long double> * turn / vocabulary);
                expected.push_back(std::cos(angle));
                expected.push_back(std::sin(angle));
            }
        at_every_level<WindingFeatures>([&](Backend& backend, Level level) {
            Array<float> x(backend, view(tokens)), y(backend, static_cast<std::int64_t>(expected.size()));
            Array<std::int64_t> winding(backend, view(windings));
            backend.run(WindingFeatures{{4, 3, x.data(), 3, nullptr},
                                        vocabulary,
                                        static_cast<std::int64_t>(windings.size()),
                                        winding.data(),
                                        y.data()},
                        level);
            EXPECT_LE(relative_energy_error(y.host(), expected), 1e-12);
        });
    }
}

TEST(WindingFeatures, OfNoTokenAreNoNumbers) {
    const std::vector<float> tokens{0.5F, std::numeric_limits<float>::infinity(),
                                    std::numeric_limits<float>::quiet_NaN()};
    const std::vector<std::int64_t> windings{1};
    at_every_level<WindingFeatures>([&](Backend& backend, Level level) {
        Array<float> x(backend, view(tokens)), y(backend, 6);
        Array<std::int64_t> winding(backend, view(windings));
        backend.run(WindingFeatures{{3, 1, x.data(), 1, nullptr}, 7, 1, winding.data(), y.data()}, level);
        for (const float value : y.host()) EXPECT_TRUE(std::isnan(value));
    });
}

class Harmony : public testing::TestWithParam<std::int64_t> {
protected:
    std::int64_t size_ = GetParam();
    std::vector<float> x_ = normal_values(size_, 1), h_ = normal_values(size_, 2, 3),
                       s_ = normal_values(size_, 3, 3), dy_ = normal_values(size_, 4);
    std::vector<float> beta_{0.7F}, gamma_{-1.3F};

    static Doubles value(const Doubles& x, const Doubles& h, const Doubles& s, double beta, double gamma) {
        Doubles y;
        for (std::size_t i = 0; i < x.size(); ++i)
            y.push_back(x[i] - beta / (1 + std::exp(-h[i])) + gamma * std::tanh(s[i]));
        return y;
    }
};

TEST_P(Harmony, IsTheDefinition) {
    const Doubles expected = value(to_doubles(x_), to_doubles(h_), to_doubles(s_),
                                   static_cast<double>(beta_[0]), static_cast<double>(gamma_[0]));
    at_every_level<Harmonise>([&](Backend& backend, Level level) {
        Array<float> x(backend, view(x_)), h(backend, view(h_)), s(backend, view(s_)),
            beta(backend, view(beta_)), gamma(backend, view(gamma_));
        backend.run(Harmonise{size_, x.data(), h.data(), s.data(), beta.data(), gamma.data(), x.data()},
                    level);
        EXPECT_LE(relative_energy_error(x.host(), expected), kEnergyTolerance);
    });
}

TEST_P(Harmony, GradientsAreDifferenceQuotients) {
    const Doubles x = to_doubles(x_), dy_exact = to_doubles(dy_);
    Doubles h = to_doubles(h_), s = to_doubles(s_),
            factors{static_cast<double>(beta_[0]), static_cast<double>(gamma_[0])};
    const Doubles slopes_of_factors = definition::difference_quotients(
        factors, [&] { return definition::dot(value(x, h, s, factors[0], factors[1]), dy_exact); });
    // Every value of h and s has its own place in y alone.
    Doubles dh, ds;
    constexpr double kStep = 1e-5;
    for (std::size_t i = 0; i < h.size(); ++i) {
        const auto at = [&](double of_h, double of_s) {
            return value({x[i]}, {of_h}, {of_s}, factors[0], factors[1])[0];
        };
        dh.push_back(dy_exact[i] * (at(h[i] + kStep, s[i]) - at(h[i] - kStep, s[i])) / (2 * kStep));
        ds.push_back(dy_exact[i] * (at(h[i], s[i] + kStep) - at(h[i], s[i] - kStep)) / (2 * kStep));
    }
    at_every_level<HarmoniseBackward>([&](Backend& backend, Level level) {
        Array<float> h_found(backend, view(h_)), s_found(backend, view(s_)), beta(backend, view(beta_)),
            gamma(backend, view(gamma_)), dy(backend, view(dy_)), dbeta(backend, 1), dgamma(backend, 1);
        Array<double> scratch(backend, HarmoniseBackward::scratch_size(size_));
        backend.run(
            HarmoniseBackward{size_, h_found.data(), s_found.data(), beta.data(), gamma.data(), dy.data(),
                              h_found.data(), s_found.data(), dbeta.data(), dgamma.data(), scratch.data()},
            level);
        EXPECT_LE(relative_energy_error(h_found.host(), dh), 1e-9);
        EXPECT_LE(relative_energy_error(s_found.host(), ds), 1e-9);
        EXPECT_NEAR(static_cast<double>(dbeta.host()[0]), slopes_of_factors[0],
                    1e-5 * std::max(1.0, std::abs(slopes_of_factors[0])));
        EXPECT_NEAR(static_cast<double>(dgamma.host()[0]), slopes_of_factors[1],
                    1e-5 * std::max(1.0, std::abs(slopes_of_factors[1])));
    });
}

INSTANTIATE_TEST_SUITE_P(Sizes, Harmony, testing::Values(0, 1, 97, 4096, 9001));

}  // namespace
}  // namespace spectral::test
