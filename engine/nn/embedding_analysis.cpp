#include "engine/nn/embedding_analysis.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <numbers>

#include "engine/core/error.hpp"
#include "engine/core/finite.hpp"
#include "engine/nn/embedding.hpp"

namespace spectral {

namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

std::size_t place(std::int64_t i) { return static_cast<std::size_t>(i); }

/// The angle that a winding has come to at a token; the remainder is exact where the angle's would not be.
double turn(std::int64_t vocabulary, std::int64_t winding, std::int64_t token) {
    return 2 * std::numbers::pi *
           static_cast<double>(winding % vocabulary * (token % vocabulary) % vocabulary) /
           static_cast<double>(vocabulary);
}

}  // namespace

HostTensor position_table(PositionKind kind, std::int64_t positions, std::int64_t width) {
    HostTensor table{{positions, width}, {}};
    table.values.reserve(place(table.shape.size()));
    for (std::int64_t position = 0; position < positions; ++position)
        for (std::int64_t dimension = 0; dimension < width; ++dimension)
            table.values.push_back(static_cast<float>(position_value(kind, position, dimension, width)));
    return table;
}

std::vector<double> similarity_curve(double base, std::int64_t width, std::int64_t farthest) {
    std::vector<double> curve(place(farthest + 1));
    const double share = 2 / static_cast<double>(width);
    for (std::int64_t pair = 0; pair < width; pair += 2) {
        const double frequency = std::pow(base, -static_cast<double>(pair) / static_cast<double>(width));
        for (std::int64_t distance = 0; distance <= farthest; ++distance)
            curve[place(distance)] += share * std::cos(static_cast<double>(distance) * frequency);
    }
    return curve;
}

HostTensor position_similarity(PositionKind kind, std::int64_t positions, std::int64_t width) {
    HostTensor matrix{{positions, positions}, std::vector<float>(place(positions * positions))};
    if (positions == 0) return matrix;
    const std::vector<double> curve = similarity_curve(position_base(kind), width, positions - 1);
    for (std::int64_t i = 0; i < positions; ++i)
        for (std::int64_t j = 0; j < positions; ++j)
            matrix.values[place(i * positions + j)] = static_cast<float>(curve[place(std::abs(i - j))]);
    return matrix;
}

HostTensor winding_table(std::int64_t vocabulary, std::int64_t windings, std::int64_t count) {
    require(vocabulary > 0, "windings", "their vocabulary is empty");
    HostTensor table{{count, 2 * windings}, {}};
    table.values.reserve(place(table.shape.size()));
    const std::vector<std::int64_t> numbers = winding_numbers(windings);
    for (std::int64_t token = 0; token < count; ++token)
        for (const std::int64_t winding : numbers) {
            const double angle = turn(vocabulary, winding, token);
            table.values.push_back(static_cast<float>(std::cos(angle)));
            table.values.push_back(static_cast<float>(std::sin(angle)));
        }
    return table;
}

std::vector<Point3> winding_torus(std::int64_t vocabulary, std::int64_t along, std::int64_t around,
                                  std::int64_t count) {
    require(vocabulary > 0, "winding torus", "its vocabulary is empty");
    std::vector<Point3> points;
    points.reserve(place(count));
    for (std::int64_t token = 0; token < count; ++token) {
        const double ring = turn(vocabulary, along, token), tube = turn(vocabulary, around, token);
        const double radius = 1 + kTubeRadius * std::cos(tube);
        points.push_back({radius * std::cos(ring), radius * std::sin(ring), kTubeRadius * std::sin(tube)});
    }
    return points;
}

PrincipalComponents principal_components(const HostTensor& rows, std::int64_t components) {
    require(rows.shape.rank() == 2, "principal components", "the vectors are no matrix");
    require(all_finite(rows.values), "principal components", "some of the vectors' numbers are not finite");
    const std::int64_t count = rows.shape[0], width = rows.shape[1];
    const std::int64_t kept = std::min({components, count, width});
    PrincipalComponents result;
    result.coordinates = {{count, kept}, std::vector<float>(place(count * kept))};
    result.share.assign(place(kept), 0);
    if (kept == 0) return result;
    Matrix centred = Eigen::Map<const Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>(
                         rows.values.data(), count, width)
                         .cast<double>();
    centred.rowwise() -= centred.colwise().mean().eval();
    const double variance = centred.squaredNorm();
    if (variance == 0) return result;
    // The smaller of both square matrices has the same eigenvalues: XᵀX·v = λ·v gives coordinates X·v, XXᵀ·u
    // = λ·u gives √λ·u.
    const bool by_columns = width <= count;
    const Matrix square =
        by_columns ? Matrix(centred.transpose() * centred) : Matrix(centred * centred.transpose());
    const Eigen::SelfAdjointEigenSolver<Matrix> solver(square);
    const std::int64_t size = square.rows();
    for (std::int64_t k = 0; k < kept; ++k) {
        const std::int64_t at = size - 1 - k;  // eigenvalues ascend
        const double value = std::max(0.0, solver.eigenvalues()[at]);
        Eigen::VectorXd along = solver.eigenvectors().col(at);
        if (by_columns)
            along = centred * along;
        else
            along *= std::sqrt(value);
        Eigen::Index largest = 0;
        along.cwiseAbs().maxCoeff(&largest);
        if (along[largest] < 0) along = -along;
        for (std::int64_t i = 0; i < count; ++i)
            result.coordinates.values[place(i * kept + k)] = static_cast<float>(along[i]);
        result.share[place(k)] = value / variance;
    }
    return result;
}

std::vector<Neighbour> cosine_neighbours(const HostTensor& rows, std::int64_t token, std::int64_t count) {
    require(rows.shape.rank() == 2, "neighbours", "the vectors are no matrix");
    const std::int64_t all = rows.shape[0], width = rows.shape[1];
    require(token >= 0 && token < all, "neighbours", "there is no such token");
    const auto row = [&](std::int64_t i) {
        return std::span(rows.values).subspan(place(i * width), place(width));
    };
    const auto product = [](std::span<const float> a, std::span<const float> b) {
        double sum = 0;
        for (std::size_t i = 0; i < a.size(); ++i)
            sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
        return sum;
    };
    const double norm = std::sqrt(product(row(token), row(token)));
    std::vector<Neighbour> neighbours;
    for (std::int64_t other = 0; other < all; ++other) {
        if (other == token) continue;
        const double both = norm * std::sqrt(product(row(other), row(other)));
        neighbours.push_back({other, both > 0 ? product(row(token), row(other)) / both : 0});
    }
    const auto kept = std::min<std::ptrdiff_t>(count, std::ssize(neighbours));
    std::partial_sort(neighbours.begin(), neighbours.begin() + kept, neighbours.end(),
                      [](const Neighbour& a, const Neighbour& b) {
                          return a.similarity != b.similarity ? a.similarity > b.similarity
                                                              : a.token < b.token;
                      });
    neighbours.resize(place(kept));
    return neighbours;
}

}  // namespace spectral
