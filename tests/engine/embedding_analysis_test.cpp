// What is shown of encodings and embeddings, and syntony, against brute force.
#include "engine/nn/embedding_analysis.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>

#include "engine/core/error.hpp"
#include "engine/nn/rotary.hpp"
#include "engine/nn/syntony.hpp"
#include "tests/support/arrays.hpp"

namespace spectral::test {
namespace {

double cosine(const HostTensor& rows, std::int64_t a, std::int64_t b) {
    const std::int64_t width = rows.shape[1];
    double product = 0, of_a = 0, of_b = 0;
    for (std::int64_t i = 0; i < width; ++i) {
        const auto x = static_cast<double>(rows.values[static_cast<std::size_t>(a * width + i)]),
                   y = static_cast<double>(rows.values[static_cast<std::size_t>(b * width + i)]);
        product += x * y;
        of_a += x * x;
        of_b += y * y;
    }
    return product / std::sqrt(of_a * of_b);
}

TEST(PositionSimilarity, IsTheCosineOfEncodings) {
    for (const PositionKind kind : {PositionKind::golden, PositionKind::standard}) {
        const HostTensor table = position_table(kind, 37, 10), matrix = position_similarity(kind, 37, 10);
        const std::vector<double> curve = similarity_curve(position_base(kind), 10, 36);
        for (std::int64_t i = 0; i < 37; ++i)
            for (std::int64_t j = 0; j < 37; ++j) {
                const double expected = cosine(table, i, j);
                EXPECT_NEAR(static_cast<double>(matrix.values[static_cast<std::size_t>(i * 37 + j)]),
                            expected, 1e-5);
                EXPECT_NEAR(curve[static_cast<std::size_t>(std::abs(i - j))], expected, 1e-5);
            }
    }
    EXPECT_EQ(position_similarity(PositionKind::golden, 0, 4).values.size(), 0);
}

/// What is left of a product of equal queries and keys that rotary encoding has turned.
TEST(PositionSimilarity, IsWhatRotaryEncodingLeaves) {
    const auto backend = open_backend("cpu", 1);
    MemoryBudget budget;
    const Device device{*backend, budget};
    Tensor x(device, MemoryTag::data, {50, 8}, "x"), y(device, MemoryTag::data, {50, 8}, "y");
    x.assign(*backend, {{50, 8}, std::vector<float>(400, 1.0F)});
    rotate(device, x, rotary_turns(device, 50, 8), y);
    const HostTensor turned = y.to_host(*backend);
    const std::vector<double> curve = similarity_curve(kRotaryBase, 8, 49);
    for (std::int64_t distance = 0; distance < 50; ++distance)
        EXPECT_NEAR(curve[static_cast<std::size_t>(distance)], cosine(turned, 0, distance), 1e-5);
}

TEST(WindingTorus, TurnsByEachWinding) {
    const std::vector<Point3> points = winding_torus(7, 2, 5, 20);
    ASSERT_EQ(points.size(), 20);
    for (int token = 0; token < 20; ++token) {
        const double ring = 2 * std::numbers::pi * 2 * token / 7, tube = 2 * std::numbers::pi * 5 * token / 7;
        const Point3& point = points[static_cast<std::size_t>(token)];
        EXPECT_NEAR(point.x, (1 + kTubeRadius * std::cos(tube)) * std::cos(ring), 1e-9);
        EXPECT_NEAR(point.y, (1 + kTubeRadius * std::cos(tube)) * std::sin(ring), 1e-9);
        EXPECT_NEAR(point.z, kTubeRadius * std::sin(tube), 1e-9);
    }
    EXPECT_THROW(winding_torus(0, 1, 2, 3), Error);
}

TEST(WindingTable, HoldsCosinesAndSines) {
    const HostTensor table = winding_table(7, 3, 9);
    ASSERT_EQ(table.shape, (Shape{9, 6}));
    std::size_t at = 0;
    for (int token = 0; token < 9; ++token)
        for (const int winding : {1, 2, 5}) {
            const double angle = 2 * std::numbers::pi * winding * token / 7;
            EXPECT_NEAR(static_cast<double>(table.values[at++]), std::cos(angle), 1e-6);
            EXPECT_NEAR(static_cast<double>(table.values[at++]), std::sin(angle), 1e-6);
        }
}

/// Distances between rows are those between coordinates where all components are kept, the components are
/// uncorrelated, and their shares fall.
TEST(PrincipalComponents, TurnTheRowsAlone) {
    for (const auto& [rows, columns] : {std::pair<std::int64_t, std::int64_t>{40, 6}, {5, 12}}) {
        HostTensor x{{rows, columns}, normal_values(rows * columns, 3, 2, 5)};
        for (std::size_t at = 0; at < x.values.size(); at += static_cast<std::size_t>(columns))
            x.values[at] *= 7;
        const PrincipalComponents found = principal_components(x, 100);
        const std::int64_t kept = std::min(rows, columns);
        ASSERT_EQ(found.coordinates.shape, (Shape{rows, kept}));
        const auto apart = [](const HostTensor& m, std::int64_t a, std::int64_t b) {
            double squares = 0;
            for (std::int64_t i = 0; i < m.shape[1]; ++i)
                squares +=
                    std::pow(static_cast<double>(m.values[static_cast<std::size_t>(a * m.shape[1] + i)]) -
                                 static_cast<double>(m.values[static_cast<std::size_t>(b * m.shape[1] + i)]),
                             2);
            return std::sqrt(squares);
        };
        for (std::int64_t a = 0; a < rows; ++a)
            for (std::int64_t b = 0; b < a; ++b)
                EXPECT_NEAR(apart(found.coordinates, a, b), apart(x, a, b), 1e-3);
        double all = 0, before = 2;
        for (std::size_t k = 0; k < found.share.size(); ++k) {
            EXPECT_LE(found.share[k], before);
            all += before = found.share[k];
            for (std::size_t other = 0; other < k; ++other) {
                double product = 0;
                for (std::size_t row = 0; row < static_cast<std::size_t>(rows); ++row)
                    product += static_cast<double>(
                                   found.coordinates.values[row * static_cast<std::size_t>(kept) + k]) *
                               static_cast<double>(
                                   found.coordinates.values[row * static_cast<std::size_t>(kept) + other]);
                EXPECT_NEAR(product, 0, 0.05);
            }
        }
        EXPECT_NEAR(all, 1, 1e-9);
    }
}

TEST(PrincipalComponents, OfNothingAndOfWhatIsNoNumber) {
    EXPECT_EQ(principal_components({{0, 4}, {}}, 2).coordinates.shape, (Shape{0, 0}));
    const PrincipalComponents same = principal_components({{3, 2}, {1, 2, 1, 2, 1, 2}}, 2);
    EXPECT_EQ(same.coordinates.values, std::vector<float>(6));
    EXPECT_THROW(principal_components({{1, 2}, {1, std::numeric_limits<float>::quiet_NaN()}}, 2), Error);
}

TEST(CosineNeighbours, AreThoseOfBruteForce) {
    HostTensor x{{30, 5}, normal_values(150, 9)};
    std::copy_n(x.values.begin() + 20, 5, x.values.begin() + 100);  // row 20 is row 4
    std::fill_n(x.values.begin() + 35, 5, 0.0F);                    // row 7 is nothing
    const std::vector<Neighbour> found = cosine_neighbours(x, 12, 100);
    ASSERT_EQ(found.size(), 29);
    for (std::size_t i = 0; i < found.size(); ++i) {
        const double expected = found[i].token == 7 ? 0 : cosine(x, 12, found[i].token);
        EXPECT_NEAR(found[i].similarity, expected, 1e-12);
        if (i == 0) continue;
        EXPECT_TRUE(found[i - 1].similarity > found[i].similarity ||
                    (found[i - 1].similarity == found[i].similarity && found[i - 1].token < found[i].token));
    }
    EXPECT_EQ(cosine_neighbours(x, 4, 1).front().token, 20);
    EXPECT_THROW(cosine_neighbours(x, 30, 1), Error);
}

TEST(Syntony, OfVectorsLayersAndAttention) {
    const std::vector<float> psi{3, -4, 0, 1};
    const std::vector<double> norms{0, 1, 2, 3};
    const double phi = std::numbers::phi;
    EXPECT_NEAR(syntony(psi, norms), (9 + 16 * std::exp(-1 / phi) + std::exp(-9 / phi)) / 26, 1e-12);
    EXPECT_EQ(syntony(std::vector<float>{2, 0, 0, 0}, norms), 1);
    EXPECT_EQ(syntony(std::vector<float>(4), norms), 0);
    EXPECT_THROW(syntony(std::vector<float>{1}, norms), Error);

    const std::vector<float> x{1, 0}, d{1, 1}, h{1, -1};
    EXPECT_NEAR(layer_syntony(x, d, h, 0), 0.5, 1e-12);
    EXPECT_NEAR(layer_syntony(x, h, x), 0, 1e-5);  // moved as far as it came back
    EXPECT_EQ(layer_syntony(x, x, h), 1);
    EXPECT_THROW(layer_syntony(x, d, psi), Error);

    const std::vector<float> weights{1, 0, 0, 0.25F, 0.25F, 0.5F, 1.0F / 3, 1.0F / 3, 1.0F / 3};
    const std::vector<double> rows = attention_syntony(weights, 3);
    ASSERT_EQ(rows.size(), 3);
    EXPECT_EQ(rows[0], 1);
    EXPECT_NEAR(rows[1], 1 - 1.5 * std::log(2.0) / std::log(3.0), 1e-9);
    EXPECT_NEAR(rows[2], 0, 1e-6);
    EXPECT_EQ(attention_syntony(std::vector<float>{1}, 1), std::vector<double>{1});
    EXPECT_THROW(attention_syntony(weights, 4), Error);
}

}  // namespace
}  // namespace spectral::test
