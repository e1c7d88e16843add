// Round tick positions and their labels for linear and logarithmic axes.
#pragma once

#include <QString>
#include <functional>
#include <vector>

namespace spectral::ui {

using NumberFormat = std::function<QString(double)>;

constexpr int kDecimal = 10;

struct Tick {
    double position;  ///< on the axis: the value itself, or its decimal logarithm on a logarithmic axis
    QString label;
};

/// About `wanted` ticks in [low, high]; on a logarithmic axis the limits are decimal logarithms.
/// Labels come from `format` where it is set, else from the shortest form that tells the ticks apart.
/// Ticks of a logarithmic axis of base 2 are powers of two.
std::vector<Tick> axis_ticks(double low, double high, bool logarithmic, int wanted,
                             const NumberFormat& format = {}, int log_base = kDecimal);

/// `digits` significant digits, k/M/G/T from ten thousand on, an exponent below a thousandth.
QString short_number(double value, int digits = 4);

/// `value` followed by an SI prefix (k, M, G, T), with the digits needed to tell multiples of `step` apart.
QString tick_number(double value, double step);

}  // namespace spectral::ui
