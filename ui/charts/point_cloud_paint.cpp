// Painting of the point cloud.
#include <QAction>
#include <QFont>
#include <QFontMetricsF>
#include <QPainter>
#include <QPainterPath>
#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "ui/charts/point_cloud.hpp"
#include "ui/charts/ticks.hpp"
#include "ui/theme.hpp"

namespace spectral::ui {

namespace {

constexpr double kLeft = 46, kBottom = 38, kTop = 8, kRight = 10, kTickGap = 5;
constexpr int kWantedTicks = 5, kRings = 36, kAround = 16, kFontPixels = 11;
constexpr double kSparse = 3.6, kDense = 2.2, kManyPoints = 1500;  // radius in pixels

}  // namespace

QRectF PointCloud::plot_area() const {
    const QRectF all(rect());
    return space_ ? all : all.adjusted(kLeft, kTop, -kRight, -kBottom);
}

PointCloud::Seen PointCloud::seen(double x, double y, double z) const {
    const QRectF area = plot_area();
    if (!space_)
        return {{area.left() + (x - range_.left()) / range_.width() * area.width(),
                 area.bottom() - (y - range_.top()) / range_.height() * area.height()},
                1};
    // About the z axis by yaw, then seen from a height: at tilt π/2 from the side, at 0 from above.
    const double u = x * std::cos(yaw_) - y * std::sin(yaw_), v = x * std::sin(yaw_) + y * std::cos(yaw_);
    const double up = v * std::cos(tilt_) + z * std::sin(tilt_),
                 towards = z * std::cos(tilt_) - v * std::sin(tilt_);
    const double reach = 1 + torus_.value_or(0.5);
    const double unit = scale_ * 0.5 * std::min(area.width() / reach, area.height() / reach * 1.25) * 0.96;
    return {area.center() + QPointF(u * unit, -up * unit), std::clamp(0.5 + 0.5 * towards / reach, 0.0, 1.0)};
}

void PointCloud::paintEvent(QPaintEvent* /*event*/) {
    QPainter painter(this);
    paint(painter);
}

void PointCloud::paint(QPainter& painter) const {
    painter.setRenderHint(QPainter::Antialiasing);
    QFont font = interface_font();
    font.setPixelSize(kFontPixels);
    painter.setFont(font);
    if (points_.empty()) {
        painter.setPen(Theme::current().muted);
        painter.drawText(rect(), Qt::AlignCenter | Qt::TextWordWrap, empty_text_);
        return;
    }
    if (!space_) paint_axes(painter);
    painter.save();
    painter.setClipRect(plot_area());
    if (space_ && torus_) paint_torus(painter);
    paint_points(painter);
    painter.restore();
    if (hovered_ >= 0 || chosen_ >= 0) paint_name(painter, hovered_ >= 0 ? hovered_ : chosen_);
}

void PointCloud::paint_axes(QPainter& painter) const {
    const Theme& theme = Theme::current();
    const QRectF area = plot_area();
    const QFontMetricsF metrics(painter.font());
    for (const Tick& tick : axis_ticks(range_.left(), range_.right(), false, kWantedTicks)) {
        const double x = area.left() + (tick.position - range_.left()) / range_.width() * area.width();
        painter.setPen(theme.line);
        painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()));
        painter.setPen(theme.muted);
        painter.drawText(QPointF(x - metrics.horizontalAdvance(tick.label) / 2,
                                 area.bottom() + kTickGap + metrics.ascent()),
                         tick.label);
    }
    for (const Tick& tick : axis_ticks(range_.top(), range_.bottom(), false, kWantedTicks)) {
        const double y = area.bottom() - (tick.position - range_.top()) / range_.height() * area.height();
        painter.setPen(theme.line);
        painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y));
        painter.setPen(theme.muted);
        painter.drawText(QPointF(area.left() - kTickGap - metrics.horizontalAdvance(tick.label),
                                 y + metrics.ascent() / 2 - 1),
                         tick.label);
    }
    painter.setPen(theme.muted);
    painter.drawText(
        QRectF(area.left(), area.bottom() + kTickGap + metrics.height(), area.width(), metrics.height()),
        Qt::AlignCenter, x_title_);
    painter.save();
    painter.translate(metrics.ascent(), area.center().y());
    painter.rotate(-90);
    painter.drawText(QRectF(-area.height() / 2, -metrics.ascent(), area.height(), metrics.height()),
                     Qt::AlignCenter, y_title_);
    painter.restore();
}

void PointCloud::paint_torus(QPainter& painter) const {
    QPen pen(Theme::current().line);
    pen.setWidthF(0.8);
    painter.setPen(pen);
    const auto at = [&](int ring, int tube) {
        const double a = 2 * std::numbers::pi * ring / kRings, b = 2 * std::numbers::pi * tube / kAround;
        const double radius = 1 + *torus_ * std::cos(b);
        return seen(radius * std::cos(a), radius * std::sin(a), *torus_ * std::sin(b)).at;
    };
    for (int ring = 0; ring < kRings; ++ring) {
        QPolygonF circle;
        for (int tube = 0; tube <= kAround; ++tube) circle << at(ring, tube);
        painter.drawPolyline(circle);
    }
    for (int tube = 0; tube < kAround; tube += 2) {
        QPolygonF circle;
        for (int ring = 0; ring <= kRings; ++ring) circle << at(ring, tube);
        painter.drawPolyline(circle);
    }
}

void PointCloud::paint_points(QPainter& painter) const {
    const ColourMap map = ColourMap::for_current_theme(kind_);
    const Theme& theme = Theme::current();
    const double radius = static_cast<double>(points_.size()) > kManyPoints ? kDense : kSparse;
    std::vector<int> order(points_.size());
    std::iota(order.begin(), order.end(), 0);
    std::vector<Seen> places;
    for (const Point& point : points_) places.push_back(seen(point.x, point.y, point.z));
    if (space_)
        std::ranges::stable_sort(order, {},
                                 [&](int i) { return places[static_cast<std::size_t>(i)].nearness; });
    // An outline, for a colour map has its pale end on any background.
    QColor outline = theme.muted;
    outline.setAlphaF(0.5F);
    painter.setPen(QPen(outline, 0.7));
    for (const int i : order) {
        const Seen& place = places[static_cast<std::size_t>(i)];
        QColor colour(map.at(points_[static_cast<std::size_t>(i)].tone));
        colour.setAlphaF(static_cast<float>(0.35 + 0.6 * place.nearness));
        painter.setBrush(colour);
        const double size = space_ ? radius * (0.6 + 0.8 * place.nearness) : radius;
        painter.drawEllipse(place.at, size, size);
    }
    const auto ring = [&](int i, const QColor& colour, double width) {
        if (i < 0 || i >= static_cast<int>(places.size())) return;
        painter.setBrush(Qt::NoBrush);
        painter.setPen(QPen(colour, width));
        const double size = radius + 3;
        painter.drawEllipse(places[static_cast<std::size_t>(i)].at, size, size);
    };
    for (const int i : marked_) ring(i, theme.accent, 1.2);
    ring(chosen_, theme.text, 1.8);
    ring(hovered_, theme.text, 1.2);
}

void PointCloud::paint_name(QPainter& painter, int point) const {
    const Theme& theme = Theme::current();
    const QString text = point_text(point);
    const QFontMetricsF metrics(painter.font());
    QRectF box(place_of(point) + QPointF(10, -metrics.height() - 10),
               QSizeF(metrics.horizontalAdvance(text) + 12, metrics.height() + 6));
    box.moveLeft(std::clamp(box.left(), 2.0, std::max(2.0, width() - box.width() - 2)));
    box.moveTop(std::clamp(box.top(), 2.0, std::max(2.0, height() - box.height() - 2)));
    painter.setPen(theme.line);
    painter.setBrush(theme.raised);
    painter.drawRoundedRect(box, 4, 4);
    painter.setPen(theme.text);
    painter.drawText(box, Qt::AlignCenter, text);
}

}  // namespace spectral::ui
