// Interaction of the point cloud; its painting is in point_cloud_paint.cpp.
#include "ui/charts/point_cloud.hpp"

#include <QAction>
#include <QBuffer>
#include <QContextMenuEvent>
#include <QKeyEvent>
#include <QMenu>
#include <QMouseEvent>
#include <QPainter>
#include <QSvgGenerator>
#include <QWheelEvent>
#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "ui/charts/export.hpp"
#include "ui/charts/plot_view.hpp"
#include "ui/theme.hpp"

namespace spectral::ui {

namespace {

constexpr double kReach = 12, kZoomStep = 1.25, kWheelNotch = 120, kKeyTurn = 0.1, kKeyPan = 0.1;
constexpr double kFirstYaw = 0.6, kFirstTilt = 0.9, kTurnsPerSecond = 0.05, kRadiansPerPixel = 0.008;
constexpr double kLeastScale = 1, kMostScale = 4, kMargin = 1.06;
constexpr int kFrame_ms = 33, kClickReach = 4;

}  // namespace

PointCloud::PointCloud(QWidget* parent)
    : QWidget(parent),
      yaw_(kFirstYaw),
      tilt_(kFirstTilt),
      export_action_(new QAction(tr("export"), this)),
      turning_action_(new QAction(tr("turn"), this)) {
    setMouseTracking(true);
    setFocusPolicy(Qt::StrongFocus);
    const QString help =
        tr("Hover names a point, a click chooses it. Wheel zooms, drag moves, double-click shows everything. "
           "Keys: Page Up and Page Down choose, + and − zoom, arrows move, Home.");
    setToolTip(help);
    setAccessibleDescription(help);
    menu_ = make_export_menu(*this,
                             {{tr("PNG picture…"), QStringLiteral("png"),
                               [this](const QString& path) { return export_png(path); }},
                              {tr("SVG drawing…"), QStringLiteral("svg"),
                               [this](const QString& path) { return export_svg(path); }},
                              {tr("CSV values…"), QStringLiteral("csv"),
                               [this](const QString& path) { return export_csv(path); }}},
                             [this] { return to_csv(); });
    export_action_->setToolTip(tr("Save or copy this chart"));
    export_action_->setMenu(menu_);
    turning_action_->setCheckable(true);
    turning_action_->setToolTip(tr("Let it turn by itself; dragging turns it too"));
    connect(turning_action_, &QAction::toggled, this, [this](bool on) {
        if (on && isVisible())
            clock_.start();
        else
            clock_.stop();
    });
    clock_.setInterval(kFrame_ms);
    connect(&clock_, &QTimer::timeout, this,
            [this] { turn(2 * std::numbers::pi * kTurnsPerSecond * kFrame_ms / 1000, 0); });
    connect(&ThemeNotifier::instance(), &ThemeNotifier::changed, this, qOverload<>(&QWidget::update));
}

void PointCloud::set_points(std::vector<Point> points) {
    points_ = std::move(points);
    chosen_ = hovered_ = -1;
    marked_.clear();
    find_range();
    update();
}

void PointCloud::set_names(Names names) {
    names_ = std::move(names);
    update();
}

void PointCloud::set_colour_map(ColourMapKind kind) {
    kind_ = kind;
    update();
}

void PointCloud::set_axis_titles(const QString& x_title, const QString& y_title) {
    x_title_ = x_title;
    y_title_ = y_title;
    update();
}

void PointCloud::set_empty_text(const QString& text) {
    empty_text_ = text;
    update();
}

void PointCloud::set_space(bool space) {
    space_ = space;
    update();
}

void PointCloud::set_torus(std::optional<double> tube_radius) {
    torus_ = tube_radius;
    update();
}

void PointCloud::choose(int point) {
    chosen_ = point >= 0 && point < static_cast<int>(points_.size()) ? point : -1;
    update();
}

void PointCloud::set_marked(std::vector<int> points) {
    marked_ = std::move(points);
    update();
}

void PointCloud::set_turning(bool turning) { turning_action_->setChecked(turning); }
bool PointCloud::turning() const { return turning_action_->isChecked(); }

void PointCloud::choose_by_user(int point) {
    if (point < 0 || point == chosen_) return;
    choose(point);
    Q_EMIT pointChosen(point);
}

void PointCloud::find_range() {
    scale_ = 1;
    if (points_.empty()) return;
    const auto [left, right] = std::ranges::minmax(points_, {}, &Point::x);
    const auto [low, high] = std::ranges::minmax(points_, {}, &Point::y);
    const double width = std::max(right.x - left.x, 1e-9), height = std::max(high.y - low.y, 1e-9);
    range_ = QRectF(left.x - (kMargin - 1) * width, low.y - (kMargin - 1) * height, width * (2 * kMargin - 1),
                    height * (2 * kMargin - 1));
    whole_ = range_;
}

void PointCloud::turn(double yaw, double tilt) {
    yaw_ = std::remainder(yaw_ + yaw, 2 * std::numbers::pi);
    tilt_ = std::clamp(tilt_ + tilt, 0.0, std::numbers::pi / 2);
    update();
}

bool PointCloud::zoom(double factor, const QPointF& centre) {
    if (points_.empty()) return false;
    if (space_) {
        const double before = std::exchange(scale_, std::clamp(scale_ / factor, kLeastScale, kMostScale));
        update();
        return scale_ != before;
    }
    const QRectF area = plot_area();
    const QPointF share((centre.x() - area.left()) / area.width(),
                        (area.bottom() - centre.y()) / area.height());
    const QPointF held(range_.left() + share.x() * range_.width(),
                       range_.top() + share.y() * range_.height());
    return show_range(QRectF(held.x() - share.x() * range_.width() * factor,
                             held.y() - share.y() * range_.height() * factor, range_.width() * factor,
                             range_.height() * factor));
}

bool PointCloud::show_range(const QRectF& wanted) {
    const AxisRange x = within({wanted.left(), wanted.right()}, {whole_.left(), whole_.right()});
    const AxisRange y = within({wanted.top(), wanted.bottom()}, {whole_.top(), whole_.bottom()});
    const QRectF before = std::exchange(range_, QRectF(x.low, y.low, x.high - x.low, y.high - y.low));
    update();
    return range_ != before;
}

void PointCloud::pan(const QPointF& pixels) {
    if (space_) {
        turn(-pixels.x() * kRadiansPerPixel, -pixels.y() * kRadiansPerPixel);
        return;
    }
    const QRectF area = plot_area();
    show_range(range_.translated(-pixels.x() / area.width() * range_.width(),
                                 pixels.y() / area.height() * range_.height()));
}

int PointCloud::point_at(const QPointF& position) const {
    int best = -1;
    double closest = kReach * kReach, nearness = -1;
    for (int i = 0; i < static_cast<int>(points_.size()); ++i) {
        const Point& point = points_[static_cast<std::size_t>(i)];
        const Seen place = seen(point.x, point.y, point.z);
        const QPointF apart = place.at - position;
        const double squares = QPointF::dotProduct(apart, apart);
        const bool better =
            space_ ? squares <= kReach * kReach / 4 && place.nearness > nearness : squares < closest;
        if (!better) continue;
        best = i;
        closest = squares;
        nearness = place.nearness;
    }
    return best;
}

QPointF PointCloud::place_of(int point) const {
    const Point& at = points_.at(static_cast<std::size_t>(point));
    return seen(at.x, at.y, at.z).at;
}

QString PointCloud::point_text(int point) const { return names_ ? names_(point) : QString::number(point); }

void PointCloud::mousePressEvent(QMouseEvent* event) {
    if (event->button() != Qt::LeftButton) {
        event->ignore();
        return;
    }
    drag_from_ = pressed_at_ = event->position();
}

void PointCloud::mouseMoveEvent(QMouseEvent* event) {
    if (drag_from_) {
        const QPointF moved = event->position() - *drag_from_;
        if ((event->position() - pressed_at_).manhattanLength() <= kClickReach) return;
        drag_from_ = event->position();
        setCursor(Qt::ClosedHandCursor);
        pan(moved);
        return;
    }
    const int point = point_at(event->position());
    if (std::exchange(hovered_, point) != point) update();
}

void PointCloud::mouseReleaseEvent(QMouseEvent* event) {
    if (event->button() != Qt::LeftButton || !drag_from_) return;
    drag_from_.reset();
    unsetCursor();
    if ((event->position() - pressed_at_).manhattanLength() <= kClickReach)
        choose_by_user(point_at(event->position()));
}

void PointCloud::mouseDoubleClickEvent(QMouseEvent* event) {
    if (event->button() != Qt::LeftButton) return;
    drag_from_.reset();
    find_range();
    update();
}

void PointCloud::wheelEvent(QWheelEvent* event) {
    // A turn that shows nothing else goes to what scrolls the page.
    event->setAccepted(zoom(std::pow(kZoomStep, -event->angleDelta().y() / kWheelNotch), event->position()));
}

void PointCloud::leaveEvent(QEvent* event) {
    hovered_ = -1;
    update();
    QWidget::leaveEvent(event);
}

void PointCloud::keyPressEvent(QKeyEvent* event) {
    const auto count = static_cast<int>(points_.size());
    const QSizeF step = plot_area().size() * kKeyPan;
    const double turned = kKeyTurn / kRadiansPerPixel;
    const double along_x = space_ ? turned : step.width(), along_y = space_ ? turned : step.height();
    switch (event->key()) {
        case Qt::Key_PageDown:
            return choose_by_user(count == 0 ? -1 : (chosen_ + 1) % count);
        case Qt::Key_PageUp:
            return choose_by_user(count == 0 ? -1 : (std::max(chosen_, 0) + count - 1) % count);
        case Qt::Key_Plus:
        case Qt::Key_Equal:
            zoom(1 / kZoomStep, plot_area().center());
            return;
        case Qt::Key_Minus:
            zoom(kZoomStep, plot_area().center());
            return;
        case Qt::Key_Left:
            return pan({along_x, 0});
        case Qt::Key_Right:
            return pan({-along_x, 0});
        case Qt::Key_Up:
            return pan({0, along_y});
        case Qt::Key_Down:
            return pan({0, -along_y});
        case Qt::Key_Home:
        case Qt::Key_0:
            find_range();
            update();
            return;
        default:
            event->ignore();
    }
}

void PointCloud::contextMenuEvent(QContextMenuEvent* event) {
    menu_->popup(event->globalPos());
    event->accept();
}

void PointCloud::showEvent(QShowEvent* event) {
    if (turning()) clock_.start();
    QWidget::showEvent(event);
}

void PointCloud::hideEvent(QHideEvent* event) {
    clock_.stop();
    QWidget::hideEvent(event);
}

bool PointCloud::export_png(const QString& path) { return write_png_file(path, picture_of(*this)); }

bool PointCloud::export_svg(const QString& path) {
    QBuffer buffer;
    QSvgGenerator generator;
    generator.setOutputDevice(&buffer);
    generator.setSize(size());
    generator.setViewBox(rect());
    generator.setTitle(accessibleName());
    {
        QPainter painter(&generator);
        if (!painter.isActive()) return false;
        paint(painter);
    }
    return write_text_file(path, QString::fromUtf8(buffer.data()));
}

bool PointCloud::export_csv(const QString& path) const { return write_text_file(path, to_csv()); }

QString PointCloud::to_csv() const {
    QString text = space_ ? QStringLiteral("point,x,y,z\n") : QStringLiteral("point,x,y\n");
    for (int i = 0; i < static_cast<int>(points_.size()); ++i) {
        const Point& point = points_[static_cast<std::size_t>(i)];
        text += csv_field(point_text(i)) + QLatin1Char(',') + csv_number(point.x) + QLatin1Char(',') +
                csv_number(point.y);
        if (space_) text += QLatin1Char(',') + csv_number(point.z);
        text += QLatin1Char('\n');
    }
    return text;
}

}  // namespace spectral::ui
