// Interaction of the plot view; its painting is in plot_view_paint.cpp.
#include "ui/charts/plot_view.hpp"

#include <QChart>
#include <QContextMenuEvent>
#include <QGraphicsLayout>
#include <QKeyEvent>
#include <QLegend>
#include <QMouseEvent>
#include <QResizeEvent>
#include <QWheelEvent>
#include <algorithm>
#include <cmath>
#include <utility>

namespace spectral::ui {
namespace {

constexpr double kZoomStep = 1.25;
constexpr double kKeyPanShare = 0.1;
constexpr double kWheelNotch = 120.0;

bool is_tiny(const AxisRange& range, const PlotAxis& axis) {
    return !(range.high - range.low > std::max(axis.least, smallest_range(range.low)));
}

AxisRange shown(const PlotAxis& axis) { return {axis.low, axis.high}; }

bool is_near(const AxisRange& a, const AxisRange& b) {
    const double tolerance = 1e-9 * (b.high - b.low);
    return std::abs(a.low - b.low) <= tolerance && std::abs(a.high - b.high) <= tolerance;
}

}  // namespace

double smallest_range(double value) { return std::max(1e-12, std::abs(value) * 1e-9); }

QString AxisTitle::text() const {
    return name.isEmpty() || unit.isEmpty() ? name + unit : name + QStringLiteral(", ") + unit;
}

QString AxisTitle::with_unit(const QString& number) const {
    return unit.isEmpty() ? number : number + QLatin1Char(' ') + unit;
}

AxisRange within(const AxisRange& wanted, const AxisRange& whole) {
    const double length = wanted.high - wanted.low;
    // Also where rounding makes the difference: a wheel turn at the end is to be seen as one.
    if (length >= (whole.high - whole.low) * (1.0 - 1e-9)) {
        return whole;
    }
    const double low = std::clamp(wanted.low, whole.low, whole.high - length);
    return {low, low + length};
}

PlotView::PlotView(QWidget* parent) : QChartView(new QChart, parent) {
    chart()->setBackgroundVisible(false);
    chart()->setPlotAreaBackgroundVisible(false);
    chart()->legend()->hide();
    chart()->setMargins(QMargins());
    chart()->setContentsMargins(0.0, 0.0, 0.0, 0.0);
    chart()->layout()->setContentsMargins(0.0, 0.0, 0.0, 0.0);
    setFrameShape(QFrame::NoFrame);
    setRenderHint(QPainter::Antialiasing);
    setViewportUpdateMode(QGraphicsView::FullViewportUpdate);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setVerticalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setFocusPolicy(Qt::StrongFocus);
    setMouseTracking(true);
    viewport()->setMouseTracking(true);
    setMinimumSize(0, 0);
}

void PlotView::set_scene(PlotScene scene) {
    scene_ = std::move(scene);
    lay_out();
    update_hover();
}

void PlotView::set_markers(std::vector<MarkerSet> markers) {
    markers_ = std::move(markers);
    viewport()->update();
}

QPointF PlotView::to_pixels(const QPointF& point) const {
    return {
        plot_area_.left() + (point.x() - scene_.x.low) / (scene_.x.high - scene_.x.low) * plot_area_.width(),
        plot_area_.bottom() -
            (point.y() - scene_.y.low) / (scene_.y.high - scene_.y.low) * plot_area_.height()};
}

QPointF PlotView::from_pixels(const QPointF& pixels) const {
    if (plot_area_.isEmpty()) {
        return {scene_.x.low, scene_.y.low};
    }
    return {
        scene_.x.low + (pixels.x() - plot_area_.left()) / plot_area_.width() * (scene_.x.high - scene_.x.low),
        scene_.y.low +
            (plot_area_.bottom() - pixels.y()) / plot_area_.height() * (scene_.y.high - scene_.y.low)};
}

void PlotView::update_hover() {
    readout_ = {};
    if (pointer_ && hover_source_ && plot_area_.contains(*pointer_) && !drag_from_) {
        readout_ = hover_source_(from_pixels(*pointer_).x());
    }
    viewport()->update();
}

bool PlotView::request_range(AxisRange x, AxisRange y) {
    if (!scene_.message.isEmpty() || plot_area_.isEmpty()) {
        return false;
    }
    x = scene_.x.fixed ? shown(scene_.x) : within(x, scene_.x.whole);
    y = scene_.y.fixed ? shown(scene_.y) : within(y, scene_.y.whole);
    const bool same = is_near(x, shown(scene_.x)) && is_near(y, shown(scene_.y));
    if (same || is_tiny(x, scene_.x) || is_tiny(y, scene_.y)) {
        return false;
    }
    Q_EMIT rangeRequested(x.low, x.high, y.low, y.high);
    return true;
}

bool PlotView::zoom(double factor, const QPointF& centre, bool along_x, bool along_y) {
    const double x_factor = along_x ? factor : 1.0;
    const double y_factor = along_y ? factor : 1.0;
    return request_range({centre.x() + (scene_.x.low - centre.x()) * x_factor,
                          centre.x() + (scene_.x.high - centre.x()) * x_factor},
                         {centre.y() + (scene_.y.low - centre.y()) * y_factor,
                          centre.y() + (scene_.y.high - centre.y()) * y_factor});
}

bool PlotView::pan(const QPointF& pixels) {
    const double dx = -pixels.x() / plot_area_.width() * (scene_.x.high - scene_.x.low);
    const double dy = pixels.y() / plot_area_.height() * (scene_.y.high - scene_.y.low);
    return request_range({scene_.x.low + dx, scene_.x.high + dx}, {scene_.y.low + dy, scene_.y.high + dy});
}

void PlotView::resizeEvent(QResizeEvent* event) {
    QChartView::resizeEvent(event);
    lay_out();
    Q_EMIT resized();
}

void PlotView::wheelEvent(QWheelEvent* event) {
    if (!plot_area_.contains(event->position())) {
        event->ignore();
        return;
    }
    // Shift zooms along x only, Ctrl along y only. Some platforms turn the wheel sideways while a key is
    // held.
    const QPoint turn = event->angleDelta();
    const double notches = (turn.y() != 0 ? turn.y() : turn.x()) / kWheelNotch;
    const bool only_x = event->modifiers().testFlag(Qt::ShiftModifier);
    const bool only_y = event->modifiers().testFlag(Qt::ControlModifier);
    // A turn that shows nothing else goes to what scrolls the page.
    event->setAccepted(zoom(std::pow(kZoomStep, -notches), from_pixels(event->position()), !only_y, !only_x));
}

void PlotView::mousePressEvent(QMouseEvent* event) {
    if (event->button() != Qt::LeftButton) {
        event->ignore();
        return;
    }
    for (const PlacedLegendEntry& placed : legend_) {
        if (placed.area.contains(event->position())) {
            Q_EMIT legendClicked(placed.entry.series);
            return;
        }
    }
    if (plot_area_.contains(event->position())) {
        drag_from_ = event->position();
        update_hover();
    }
}

void PlotView::mouseMoveEvent(QMouseEvent* event) {
    pointer_ = event->position();
    if (drag_from_) {
        const QPointF moved = event->position() - *drag_from_;
        drag_from_ = event->position();
        viewport()->setCursor(Qt::ClosedHandCursor);
        pan(moved);
        return;
    }
    update_hover();
}

void PlotView::mouseReleaseEvent(QMouseEvent* event) {
    if (event->button() == Qt::LeftButton) {
        drag_from_.reset();
        viewport()->unsetCursor();
        update_hover();
    }
}

void PlotView::mouseDoubleClickEvent(QMouseEvent* event) {
    drag_from_.reset();
    if (event->button() == Qt::LeftButton && plot_area_.contains(event->position())) {
        Q_EMIT resetRequested();
    }
}

void PlotView::leaveEvent(QEvent* event) {
    pointer_.reset();
    update_hover();
    QChartView::leaveEvent(event);
}

void PlotView::keyPressEvent(QKeyEvent* event) {
    const QPointF centre((scene_.x.low + scene_.x.high) / 2.0, (scene_.y.low + scene_.y.high) / 2.0);
    const double step_x = plot_area_.width() * kKeyPanShare;
    const double step_y = plot_area_.height() * kKeyPanShare;
    switch (event->key()) {
        case Qt::Key_Plus:
        case Qt::Key_Equal:
            zoom(1.0 / kZoomStep, centre, true, true);
            return;
        case Qt::Key_Minus:
            zoom(kZoomStep, centre, true, true);
            return;
        case Qt::Key_Left:
            pan({step_x, 0.0});
            return;
        case Qt::Key_Right:
            pan({-step_x, 0.0});
            return;
        case Qt::Key_Up:
            pan({0.0, step_y});
            return;
        case Qt::Key_Down:
            pan({0.0, -step_y});
            return;
        case Qt::Key_Home:
        case Qt::Key_0:
            Q_EMIT resetRequested();
            return;
        default:
            event->ignore();
    }
}

void PlotView::contextMenuEvent(QContextMenuEvent* event) {
    Q_EMIT menuRequested(event->globalPos());
    event->accept();
}

bool PlotView::viewportEvent(QEvent* event) {
    // Inside the plot the readout speaks; the tooltip explains the controls at its edges.
    if (event->type() == QEvent::ToolTip && pointer_ && plot_area_.contains(*pointer_)) {
        return true;
    }
    return QChartView::viewportEvent(event);
}

}  // namespace spectral::ui
