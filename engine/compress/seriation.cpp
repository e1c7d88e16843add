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

/// Inner products of the rows, or of the columns, in double: from a few of the others at a time.
Eigen::MatrixXd products(const HostTensor& dense, bool of_rows, const Progress& progress) {
    constexpr std::int64_t kAtATime = 512;
    const std::int64_t rows = dense.shape[0], columns = dense.shape.size() / rows;
    const Eigen::Map<const Matrix> matrix(dense.values.data(), rows, columns);
    const std::int64_t side = of_rows ? rows : columns, others = of_rows ? columns : rows;
    Eigen::MatrixXd sums = Eigen::MatrixXd::Zero(side, side);
    for (std::int64_t first = 0; first < others; first += kAtATime) {
        report(progress, of_rows ? "ordering rows" : "ordering columns",
               static_cast<double>(first) / static_cast<double>(others));
        const std::int64_t count = std::min(kAtATime, others - first);
        const Eigen::MatrixXd part =
            of_rows ? Eigen::MatrixXd(matrix.middleCols(first, count).cast<double>())
                    : Eigen::MatrixXd(matrix.middleRows(first, count).cast<double>().transpose());
        sums.noalias() += part * part.transpose();
    }
    return sums;
}

Order order_of_side(const HostTensor& dense, bool of_rows, MemoryBudget& budget, const Progress& progress) {
    const std::int64_t rows = dense.shape[0], side = of_rows ? rows : dense.shape.size() / rows;
    if (side > kLongestOrdered) return {};
    // Products, similarities, the Laplacian, its eigenvectors and what the solver and a slice take.
    const Reservation room = budget.reserve(
        MemoryTag::workspace, static_cast<std::size_t>(8 * side * side) * sizeof(double), "an order");
    return smooth_order(products(dense, of_rows, progress));
}

}  // namespace

MatrixOrder find_order(const HostTensor& dense, OrderSides sides, MemoryBudget& budget,
                       const Progress& progress) {
    MatrixOrder order;
    if (dense.shape.rank() < 2 || dense.shape.size() == 0) return order;
    if (sides.rows) order.rows = order_of_side(dense, true, budget, progress);
    if (sides.columns) order.columns = order_of_side(dense, false, budget, progress);
    return order;
}

}  // namespace spectral
