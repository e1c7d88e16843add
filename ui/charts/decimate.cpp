// One pass over the curve with the current pixel column's two extremes at hand.
#include "ui/charts/decimate.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>

namespace spectral::ui {
namespace {

/// The extremes of one pixel column, by index so that their order is kept.
struct Column {
    int number = -1;
    std::size_t lowest = 0;
    std::size_t highest = 0;
};

}  // namespace

QList<QPointF> decimate_min_max(std::span<const double> xs, std::span<const double> ys, double x_low,
                                double x_high, int pixel_columns) {
    QList<QPointF> points;
    const std::size_t count = std::min(xs.size(), ys.size());
    if (count == 0 || pixel_columns < 1 || !(x_high >= x_low)) {
        return points;
    }
    points.reserve(static_cast<qsizetype>(std::min(count, 2 * static_cast<std::size_t>(pixel_columns) + 2)));
    const double width = x_high - x_low;
    const auto append = [&](std::size_t i) { points.append(QPointF(xs[i], ys[i])); };

    Column column;
    const auto finish_column = [&] {
        if (column.number < 0) {
            return;
        }
        append(std::min(column.lowest, column.highest));
        if (column.lowest != column.highest) {
            append(std::max(column.lowest, column.highest));
        }
    };

    std::optional<std::size_t> left_neighbour;
    for (std::size_t i = 0; i < count; ++i) {
        if (!std::isfinite(xs[i]) || !std::isfinite(ys[i])) {
            continue;
        }
        if (xs[i] < x_low) {
            left_neighbour = i;
            continue;
        }
        if (left_neighbour) {
            append(*left_neighbour);
            left_neighbour.reset();
        }
        if (xs[i] > x_high) {
            finish_column();
            append(i);
            return points;
        }
        const double share = width > 0.0 ? (xs[i] - x_low) / width : 0.0;
        const int number = std::min(static_cast<int>(share * pixel_columns), pixel_columns - 1);
        if (number != column.number) {
            finish_column();
            column = {number, i, i};
            continue;
        }
        if (ys[i] < ys[column.lowest]) {
            column.lowest = i;
        }
        if (ys[i] > ys[column.highest]) {
            column.highest = i;
        }
    }
    finish_column();
    return points;
}

}  // namespace spectral::ui
