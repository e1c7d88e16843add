#include "engine/compress/direct_sum.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>
#include <numeric>
#include <utility>

#include "engine/core/error.hpp"

namespace spectral {

namespace {

using Value = std::complex<double>;

/// An axis of the view as the coefficients have it.
struct Axis {
    std::int64_t values = 1, coefficients = 1;
    bool is_transformed = false;
};

/// In the order in which coefficients are nested: the axes that are not transformed first.
struct Nesting {
    std::vector<int> view_axis;
    std::vector<Axis> axes;
    bool is_cosine = false;

    explicit Nesting(const Basis& basis) : is_cosine(basis.choice().kind == BasisKind::dct) {
        const BasisChoice& choice = basis.choice();
        const bool is_identity = choice.kind == BasisKind::identity;
        const Shape& view = is_identity ? basis.shape() : choice.view;
        const Shape spectrum = is_identity ? Shape{} : basis.transform_shape();
        for (int axis = 0; axis < view.rank(); ++axis)
            if (is_identity || !std::ranges::binary_search(choice.axes, axis))
                add(axis, {view[axis], view[axis]});
        for (std::size_t i = 0; !is_identity && i < choice.axes.size(); ++i)
            add(choice.axes[i], {view[choice.axes[i]], spectrum[static_cast<int>(i)], true});
    }

    std::size_t size() const { return axes.size(); }
    /// The axes in the order in which they are summed over.
    std::vector<std::size_t> summation(const Crossings& wanted) const {
        std::vector<std::size_t> order(size());
        std::iota(order.begin(), order.end(), std::size_t{0});
        std::ranges::stable_sort(order, {}, [&](std::size_t i) { return count(wanted, i); });
        return order;
    }
    std::int64_t count(const Crossings& wanted, std::size_t i) const {
        return std::ssize(wanted[static_cast<std::size_t>(view_axis[i])]);
    }

private:
    void add(int axis, Axis what) {
        view_axis.push_back(axis);
        axes.push_back(what);
    }
};

/// What each sum takes: blocks, how long they are before and after it.
template <class Body>
void for_each_sum(const Nesting& nesting, std::int64_t coefficients, const Crossings& wanted,
                  const Body& body) {
    double left = 1, width = 1;
    for (const Axis& axis : nesting.axes) left *= static_cast<double>(axis.coefficients);
    for (const std::size_t i : nesting.summation(wanted)) {
        const double blocks = std::min(left, static_cast<double>(coefficients));
        const auto count = static_cast<double>(nesting.count(wanted, i));
        left /= static_cast<double>(nesting.axes[i].coefficients);
        body(blocks, width, width * count, std::min(left, blocks));
        width *= count;
    }
}

/// By frequency or place k of an axis and the number j of a place wanted, what a coefficient counts.
class Factors {
public:
    Factors(const Axis& axis, bool is_cosine, const std::vector<std::int64_t>& wanted)
        : axis_(axis), is_cosine_(is_cosine), wanted_(wanted) {
        const auto n = static_cast<double>(axis.values);
        period_ = is_cosine ? 4 * axis.values : axis.values;
        const double scale = std::sqrt((is_cosine ? 2 : 1) / n);
        if (axis.is_transformed) table_.reserve(static_cast<std::size_t>(period_));
        for (std::int64_t m = 0; axis.is_transformed && m < period_; ++m) {
            const double angle = 2 * std::numbers::pi * static_cast<double>(m) / static_cast<double>(period_);
            table_.emplace_back(scale * std::cos(angle), is_cosine ? 0 : scale * std::sin(angle));
        }
    }

    Value operator()(std::int64_t k, std::size_t j) const {
        const std::int64_t place = wanted_[j];
        if (!axis_.is_transformed) return place == k ? 1 : 0;
        if (is_cosine_ && k == 0) return table_.front() / std::numbers::sqrt2;
        // A table fits in memory: its axis is far below 2^32, and this product below 2^64.
        const std::uint64_t turns =
            static_cast<std::uint64_t>(k) * static_cast<std::uint64_t>(is_cosine_ ? 2 * place + 1 : place);
        return table_[turns % static_cast<std::uint64_t>(period_)];
    }

private:
    const Axis& axis_;
    bool is_cosine_;
    const std::vector<std::int64_t>& wanted_;
    std::int64_t period_ = 1;
    std::vector<Value> table_;
};

/// Sums so far: for every place along the axes that are left (row-major, as far as there are any) a block of
/// values, one for each crossing of the axes that are done.
struct Sums {
    std::vector<std::uint64_t> place;
    std::vector<Value> values;
    std::size_t width = 1;
};

/// Along the axis whose coefficients lie `stride` apart.
Sums sum_over(const Sums& sums, const Axis& axis, std::uint64_t stride, std::size_t wanted,
              const Factors& factor) {
    const auto length = static_cast<std::uint64_t>(axis.coefficients);
    const auto rest = [&](std::uint64_t place) { return place - place / stride % length * stride; };
    std::vector<std::size_t> order(sums.place.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(order, {}, [&](std::size_t i) { return rest(sums.place[i]); });
    Sums result;
    result.width = sums.width * wanted;
    std::size_t blocks = 0;
    for (std::size_t i = 0; i < order.size(); ++i)
        if (i == 0 || rest(sums.place[order[i]]) != rest(sums.place[order[i - 1]])) ++blocks;
    result.place.reserve(blocks);
    result.values.reserve(blocks * result.width);
    for (const std::size_t i : order) {
        const std::uint64_t place = rest(sums.place[i]);
        if (result.place.empty() || result.place.back() != place) {
            result.place.push_back(place);
            result.values.resize(result.values.size() + result.width);
        }
        Value* to = result.values.data() + (result.place.size() - 1) * result.width;
        const Value* from = sums.values.data() + i * sums.width;
        const auto k = static_cast<std::int64_t>(sums.place[i] / stride % length);
        for (std::size_t j = 0; j < wanted; ++j, to += sums.width) {
            const Value by = factor(k, j);
            if (by == Value()) continue;
            for (std::size_t w = 0; w < sums.width; ++w) to[w] += by * from[w];
        }
    }
    return result;
}

}  // namespace

double direct_sum_cost(const Basis& basis, std::int64_t coefficients, const Crossings& wanted) {
    double cost = 0;
    for_each_sum(Nesting(basis), coefficients, wanted,
                 [&](double blocks, double, double width, double) { cost += blocks * width; });
    return cost;
}

std::size_t direct_sum_bytes(const Basis& basis, std::int64_t coefficients, const Crossings& wanted) {
    double most = 0, table = 0;
    const Nesting nesting(basis);
    for (const Axis& axis : nesting.axes)
        if (axis.is_transformed)
            table = std::max(table,
                             static_cast<double>(axis.values) * (nesting.is_cosine ? 4 : 1) * sizeof(Value));
    for_each_sum(nesting, coefficients, wanted, [&](double blocks, double width, double next, double left) {
        // Sorting takes half a list more.
        const double lists = (blocks + left) * sizeof(std::uint64_t) + 1.5 * blocks * sizeof(std::size_t);
        most = std::max(most, lists + (blocks * width + left * next) * sizeof(Value));
    });
    // The numbers on the host, and the result.
    const double numbers = static_cast<double>(coefficients) * 2 * sizeof(float);
    double values = sizeof(float);
    for (const std::vector<std::int64_t>& each : wanted) values *= static_cast<double>(each.size());
    return static_cast<std::size_t>(most + table + numbers + values);
}

std::vector<float> direct_sum(const Basis& basis, std::span<const std::uint32_t> places,
                              std::span<const float> numbers, const Crossings& wanted) {
    require(basis.choice().kind != BasisKind::random, "direct sum", "a random basis has no axes");
    const Nesting nesting(basis);
    require(wanted.size() == nesting.size(), "direct sum", "places are wanted of another number of axes");
    const auto parts = static_cast<std::size_t>(basis.parts());
    Sums sums;
    sums.place.reserve(places.size());
    sums.values.reserve(places.size());
    for (std::size_t i = 0; i < places.size(); ++i) {
        sums.place.push_back(places[i]);
        const Value value(static_cast<double>(numbers[i * parts]),
                          parts == 2 ? static_cast<double>(numbers[i * parts + 1]) : 0);
        sums.values.push_back(value * static_cast<double>(basis.energy_weight(places[i])));
    }
    std::vector<std::uint64_t> stride(nesting.size(), 1);
    for (std::size_t i = nesting.size(); i-- > 1;)
        stride[i - 1] = stride[i] * static_cast<std::uint64_t>(nesting.axes[i].coefficients);
    const std::vector<std::size_t> order = nesting.summation(wanted);
    for (const std::size_t i : order) {
        const std::vector<std::int64_t>& places_wanted =
            wanted[static_cast<std::size_t>(nesting.view_axis[i])];
        const Factors factors(nesting.axes[i], nesting.is_cosine, places_wanted);
        sums = sum_over(sums, nesting.axes[i], stride[i], places_wanted.size(), factors);
    }

    // The axis summed over last runs slowest; in the result those of the view run in their order.
    std::size_t size = 1;
    for (const auto& each : wanted) size *= each.size();
    std::vector<float> result(size);
    if (sums.place.empty()) return result;
    std::vector<std::size_t> step(wanted.size(), 1);
    for (std::size_t axis = wanted.size(); axis-- > 1;) step[axis - 1] = step[axis] * wanted[axis].size();
    for (std::size_t from = 0; from < size; ++from) {
        std::size_t rest = from, to = 0;
        for (const std::size_t i : order) {
            const auto axis = static_cast<std::size_t>(nesting.view_axis[i]);
            to += rest % wanted[axis].size() * step[axis];
            rest /= wanted[axis].size();
        }
        result[to] = static_cast<float>(sums.values[from].real());
    }
    return result;
}

}  // namespace spectral
