// Min/max decimation: a curve of any length becomes at most two points per pixel column and keeps every
// extreme.
#pragma once

#include <QList>
#include <QPointF>
#include <span>

namespace spectral::ui {

/// Points of the curve within [x_low, x_high], at most two (its lowest and highest, in order) for each of
/// `pixel_columns` equal columns, and the nearest neighbour on either side so that lines reach the edges.
/// xs and ys have equal length; xs does not decrease. Points with a non-finite coordinate are skipped.
QList<QPointF> decimate_min_max(std::span<const double> xs, std::span<const double> ys, double x_low,
                                double x_high, int pixel_columns);

}  // namespace spectral::ui
