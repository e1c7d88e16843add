// Data of the line chart on their way to the painter: finite, ordered, smoothed, on the axes, and their
// ranges.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <utility>

#include "ui/charts/line_chart.hpp"

namespace spectral::ui {
namespace {

constexpr double kPadding = 0.04;
constexpr double kMarkerRoom = 0.02;  ///< of an axis, between its ends and the outermost marker

void order_by_x(std::vector<double>& xs, std::vector<double>& ys) {
    if (std::is_sorted(xs.begin(), xs.end())) {
        return;
    }
    std::vector<std::size_t> order(xs.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&xs](std::size_t a, std::size_t b) { return xs[a] < xs[b]; });
    std::vector<double> sorted_xs(xs.size());
    std::vector<double> sorted_ys(xs.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
        sorted_xs[i] = xs[order[i]];
        sorted_ys[i] = ys[order[i]];
    }
    xs = std::move(sorted_xs);
    ys = std::move(sorted_ys);
}

/// m ← f m + (1 − f) y, divided by 1 − f^t so that the first values are not pulled towards 0.
void smooth(std::vector<double>& ys, double factor) {
    double mean = 0.0;
    double weight = 1.0;
    for (double& y : ys) {
        mean = factor * mean + (1.0 - factor) * y;
        weight *= factor;
        y = mean / (1.0 - weight);
    }
}

void widen_if_empty(double& low, double& high) {
    if (high - low < smallest_range(low)) {
        const double half = low == 0.0 ? 0.5 : std::abs(low) * 0.1;
        low -= half;
        high += half;
    }
}

}  // namespace

double LineChart::on_axis(double value, bool logarithmic) {
    if (!logarithmic) {
        return value;
    }
    return value > 0.0 ? std::log10(value) : std::numeric_limits<double>::quiet_NaN();
}

void LineChart::prepare(Series& series) const {
    series.plot_xs.clear();
    series.plot_ys.clear();
    for (std::size_t i = 0; i < series.xs.size(); ++i) {
        const double x = on_axis(series.xs[i], x_.log);
        if (std::isfinite(x) && std::isfinite(series.ys[i])) {
            series.plot_xs.push_back(x);
            series.plot_ys.push_back(series.ys[i]);
        }
    }
    order_by_x(series.plot_xs, series.plot_ys);
    if (series.style.smoothed && smoothing_ > 0.0) {
        smooth(series.plot_ys, smoothing_);
    }
    if (y_.log) {
        // What has no logarithm leaves the curve after smoothing, so that it still weighs in.
        std::size_t kept = 0;
        for (std::size_t i = 0; i < series.plot_ys.size(); ++i) {
            if (series.plot_ys[i] > 0.0) {
                series.plot_xs[kept] = series.plot_xs[i];
                series.plot_ys[kept] = std::log10(series.plot_ys[i]);
                ++kept;
            }
        }
        series.plot_xs.resize(kept);
        series.plot_ys.resize(kept);
    }
    if (!series.plot_ys.empty()) {
        const auto [low, high] = std::minmax_element(series.plot_ys.begin(), series.plot_ys.end());
        series.y_range = {*low, *high};
    }
    series.stale = false;
}

bool LineChart::find_ranges(AxisRange& x, AxisRange& y) const {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    x = y = {kInfinity, -kInfinity};
    AxisRange marked_y{kInfinity, -kInfinity};
    for (const Series& series : series_) {
        if (!series.visible || series.plot_xs.empty()) {
            continue;
        }
        x = {std::min(x.low, series.plot_xs.front()), std::max(x.high, series.plot_xs.back())};
        y = {std::min(y.low, series.y_range.low), std::max(y.high, series.y_range.high)};
        if (is_marked(series, static_cast<qsizetype>(series.plot_xs.size()))) {
            marked_y = {std::min(marked_y.low, series.y_range.low),
                        std::max(marked_y.high, series.y_range.high)};
        }
    }
    const bool found = x.low <= x.high;
    if (!found) {
        x = {0.0, 1.0};
        y = {0.0, 1.0};
    }
    for (const NamedLevel& line : reference_lines_) {
        const double level = on_axis(line.y, y_.log);
        if (std::isfinite(level)) {
            y = {std::min(y.low, level), std::max(y.high, level)};
        }
    }
    widen_if_empty(x.low, x.high);
    widen_if_empty(y.low, y.high);
    const double padding = (y.high - y.low) * kPadding;
    y = {y.low - padding, y.high + padding};
    const double low_limit = y_low_limit_ ? on_axis(*y_low_limit_, y_.log) : y.low;
    const double high_limit = y_high_limit_ ? on_axis(*y_high_limit_, y_.log) : y.high;
    y.low = std::isfinite(low_limit) ? low_limit : y.low;
    y.high = std::isfinite(high_limit) ? high_limit : y.high;
    widen_if_empty(y.low, y.high);
    if (marked_y.low <= marked_y.high) {
        const double x_room = (x.high - x.low) * kMarkerRoom, y_room = (y.high - y.low) * kMarkerRoom;
        x = {x.low - x_room, x.high + x_room};
        // A limit of the axis is a value that can be had: a marker on it stands clear of the frame.
        if (marked_y.low >= y.low) y.low = std::min(y.low, marked_y.low - y_room);
        if (marked_y.high <= y.high) y.high = std::max(y.high, marked_y.high + y_room);
    }
    return found;
}

}  // namespace spectral::ui
