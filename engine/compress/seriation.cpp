#include "engine/compress/seriation.hpp"

#include <Eigen/Core>
#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace spectral {

namespace {

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Order = std::vector<std::uint32_t>;

/// ‖rᵢ − rⱼ‖² by the inner products of the rows.
class Distances {
public:
    explicit Distances(const Eigen::MatrixXd& products) : products_(products) {}
    double operator()(std::uint32_t i, std::uint32_t j) const {
        return products_(i, i) + products_(j, j) - 2 * products_(i, j);
    }
    double along(const Order& order) const {
        double sum = 0;
        for (std::size_t i = 1; i < order.size(); ++i) sum += (*this)(order[i - 1], order[i]);
        return sum;
    }

private:
    const Eigen::MatrixXd& products_;
};

/// By the eigenvector of the second smallest eigenvalue of the graph's Laplacian D − S.
Order fiedler_order(const Eigen::MatrixXd& products) {
    const Eigen::VectorXd inverse_lengths =
        products.diagonal().unaryExpr([](double square) { return square > 0 ? 1 / std::sqrt(square) : 0; });
    Eigen::MatrixXd similar =
        (inverse_lengths.asDiagonal() * products * inverse_lengths.asDiagonal()).cwiseMax(0);
    similar.diagonal().setZero();
    const Eigen::VectorXd degrees = similar.rowwise().sum();
    const Eigen::MatrixXd laplacian = Eigen::MatrixXd(degrees.asDiagonal()) - similar;
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(laplacian);
    const Eigen::VectorXd fiedler = solver.eigenvectors().col(1);
    Order order(static_cast<std::size_t>(fiedler.size()));
    std::iota(order.begin(), order.end(), 0U);
    std::ranges::stable_sort(order, {}, [&](std::uint32_t i) { return fiedler(i); });
    // The vector's sign is arbitrary: the end with the lower index comes first.
    if (order.front() > order.back()) std::ranges::reverse(order);
    return order;
}

/// Always to the nearest row that is left, of equally near ones the first.
Order chain_from(std::uint32_t first, std::size_t count, const Distances& distance) {
    Order order{first};
    std::vector<bool> used(count);
    used[first] = true;
    while (order.size() < count) {
        double least = std::numeric_limits<double>::infinity();
        std::uint32_t nearest = 0;
        for (std::uint32_t i = 0; i < count; ++i) {
            if (used[i] || distance(order.back(), i) >= least) continue;
            least = distance(order.back(), i);
            nearest = i;
        }
        used[nearest] = true;
        order.push_back(nearest);
    }
    return order;
}

/// Empty where the rows are at their smoothest as they are.
Order smooth_order(const Eigen::MatrixXd& products) {
    if (products.rows() < 3) return {};
    const Distances distance(products);
    Order as_is(static_cast<std::size_t>(products.rows()));
    std::iota(as_is.begin(), as_is.end(), 0U);
    const Order spectral = fiedler_order(products);
    const Order chain = chain_from(spectral.front(), spectral.size(), distance);
    const Order& best = distance.along(chain) < distance.along(spectral) ? chain : spectral;
    return distance.along(best) < distance.along(as_is) ? best : Order{};
}

}  // namespace

MatrixOrder find_order(const HostTensor& dense, OrderSides sides) {
    MatrixOrder order;
    if (dense.shape.rank() < 2 || dense.shape.size() == 0) return order;
    const std::int64_t rows = dense.shape[0], columns = dense.shape.size() / rows;
    const Eigen::MatrixXd matrix =
        Eigen::Map<const Matrix>(dense.values.data(), rows, columns).cast<double>();
    if (sides.rows && rows <= kLongestOrdered) order.rows = smooth_order(matrix * matrix.transpose());
    if (sides.columns && columns <= kLongestOrdered)
        order.columns = smooth_order(matrix.transpose() * matrix);
    return order;
}

}  // namespace spectral
