// Statistics of spectra against their definitions, by sums over all frequencies in double.
#include "engine/compress/spectrum_statistics.hpp"

#include <gtest/gtest.h>

#include <complex>
#include <numbers>
#include <numeric>

#include "tests/support/arrays.hpp"
#include "tests/support/backend_under_test.hpp"

namespace spectral::test {
namespace {

struct Frequency {
    double distance = 0, energy = 0;
};

std::vector<std::int64_t> place_of(std::int64_t index, const Shape& shape) {
    std::vector<std::int64_t> place(static_cast<std::size_t>(shape.rank()));
    for (int axis = shape.rank(); axis-- > 0; index /= shape[axis])
        place[static_cast<std::size_t>(axis)] = index % shape[axis];
    return place;
}

/// Every frequency of the full spectrum.
std::vector<Frequency> frequencies(const HostTensor& dense) {
    const Shape& shape = dense.shape;
    std::vector<Frequency> result;
    for (std::int64_t u = 0; u < shape.size(); ++u) {
        const auto k = place_of(u, shape);
        std::complex<double> sum = 0;
        for (std::int64_t s = 0; s < shape.size(); ++s) {
            const auto x = place_of(s, shape);
            double turns = 0;
            for (std::size_t axis = 0; axis < k.size(); ++axis)
                turns += static_cast<double>(k[axis] * x[axis]) /
                         static_cast<double>(shape[static_cast<int>(axis)]);
            sum += static_cast<double>(dense.values[static_cast<std::size_t>(s)]) *
                   std::polar(1.0, -2 * std::numbers::pi * turns);
        }
        double squares = 0;
        for (std::size_t axis = 0; axis < k.size(); ++axis) {
            const auto n = static_cast<double>(shape[static_cast<int>(axis)]);
            const double f = std::min(static_cast<double>(k[axis]), n - static_cast<double>(k[axis])) / n;
            squares += f * f;
        }
        result.push_back({std::sqrt(squares), std::norm(sum)});
    }
    return result;
}

class Statistics : public testing::Test {
protected:
    std::unique_ptr<Backend> backend_ = open_tested(2);
    MemoryBudget budget_;
    Device device_{*backend_, budget_};
};

TEST_F(Statistics, AreWhatTheirDefinitionsSay) {
    for (const Shape& shape :
         {Shape{1}, Shape{2}, Shape{7}, Shape{64}, Shape{1, 1}, Shape{5, 9}, Shape{12, 12}, Shape{3, 4, 5},
          Shape{2, 3, 5, 4}, Shape{2, 1, 2, 3, 1, 2, 1, 2}}) {
        SCOPED_TRACE(shape.text());
        const HostTensor dense{shape, normal_values(shape.size(), 8)};
        std::vector<Frequency> all = frequencies(dense);
        double whole = 0, entropy = 0;
        for (const Frequency& each : all) whole += each.energy;
        for (const Frequency& each : all) entropy -= each.energy / whole * std::log(each.energy / whole);
        std::ranges::sort(all, {}, &Frequency::distance);
        double low = 0, left = std::max(1.0, 0.1 * static_cast<double>(all.size()));
        for (std::size_t i = 0; i < all.size() && left > 0;) {
            double energy = 0, count = 0;
            for (const double at = all[i].distance; i < all.size() && all[i].distance < at + 1e-9;
                 ++i, ++count)
                energy += all[i].energy;
            low += energy * std::min(1.0, left / count);
            left -= count;
        }
        const auto found = spectrum_statistics(device_, dense);
        ASSERT_TRUE(found);
        EXPECT_NEAR(found->low_energy, low / whole, 1e-5);
        EXPECT_NEAR(found->entropy, all.size() > 1 ? entropy / std::log(static_cast<double>(all.size())) : 0,
                    1e-5);
    }
}

/// Σ σₖ·uₖ·vₖᵀ with the orthonormal vectors of the cosine transform.
TEST_F(Statistics, EffectiveRankOfKnownSingularValues) {
    const std::vector<double> sigma{3, 2, 1, 0.5};
    for (const Shape& shape : {Shape{9, 14}, Shape{14, 9}, Shape{4, 4}, Shape{5, 3, 2, 2}}) {
        const std::int64_t rows = shape[0], columns = shape.size() / rows;
        HostTensor dense{shape, {}};
        const auto cosine = [](std::size_t k, std::int64_t i, std::int64_t n) {
            const double scale = std::sqrt((k == 0 ? 1.0 : 2.0) / static_cast<double>(n));
            return scale * std::cos(std::numbers::pi * static_cast<double>(k) *
                                    (static_cast<double>(i) + 0.5) / static_cast<double>(n));
        };
        for (std::int64_t r = 0; r < rows; ++r)
            for (std::int64_t c = 0; c < columns; ++c) {
                double value = 0;
                for (std::size_t k = 0; k < sigma.size(); ++k)
                    value += sigma[k] * cosine(k, r, rows) * cosine(k, c, columns);
                dense.values.push_back(static_cast<float>(value));
            }
        double entropy = 0;
        for (const double each : sigma) entropy -= each * each / 14.25 * std::log(each * each / 14.25);
        EXPECT_NEAR(spectrum_statistics(device_, dense)->effective_rank.value(), std::exp(entropy), 1e-5);
    }
    EXPECT_NEAR(*spectrum_statistics(device_, {Shape{50}, normal_values(50, 1)})->effective_rank, 1, 1e-6);
    EXPECT_FALSE(
        spectrum_statistics(device_, {Shape{1025, 1025}, normal_values(1025 * 1025, 1)})->effective_rank);
}

TEST_F(Statistics, TellConstantsWavesAndNoiseApart) {
    const HostTensor constant{Shape{8, 8}, std::vector<float>(64, 3)};
    EXPECT_NEAR(spectrum_statistics(device_, constant)->low_energy, 1, 1e-6);
    EXPECT_NEAR(spectrum_statistics(device_, constant)->entropy, 0, 1e-6);
    HostTensor highest{Shape{64}, std::vector<float>(64)};
    for (std::size_t i = 0; i < 64; ++i) highest.values[i] = i % 2 == 0 ? 1.0F : -1.0F;
    EXPECT_NEAR(spectrum_statistics(device_, highest)->low_energy, 0, 1e-6);
    HostTensor peak{Shape{64}, std::vector<float>(64)};
    peak.values[17] = 1;
    EXPECT_NEAR(spectrum_statistics(device_, peak)->entropy, 1, 1e-6);
    EXPECT_NEAR(spectrum_statistics(device_, peak)->low_energy, 0.1, 1e-6);
    const auto noise = spectrum_statistics(device_, {Shape{128, 128}, normal_values(128 * 128, 2)});
    EXPECT_NEAR(noise->low_energy, 0.1, 0.01);
    EXPECT_NEAR(noise->entropy, 1 - 0.4228 / std::log(128.0 * 128.0), 0.01);
}

TEST_F(Statistics, AreAbsentWhereThereAreNone) {
    EXPECT_FALSE(spectrum_statistics(device_, {Shape{}, {1}}));
    EXPECT_FALSE(spectrum_statistics(device_, {Shape{3, 0}, {}}));
    EXPECT_FALSE(spectrum_statistics(device_, {Shape{3}, {0, 0, 0}}));
    EXPECT_FALSE(spectrum_statistics(device_, {Shape{3}, {0, NAN, 0}}));
    EXPECT_FALSE(spectrum_statistics(device_, {Shape{3}, {3e38F, 3e38F, 3e38F}}));
    MemoryBudget little(100);
    EXPECT_THROW(spectrum_statistics({*backend_, little}, {Shape{64}, normal_values(64, 1)}), OutOfMemory);
}

}  // namespace
}  // namespace spectral::test
