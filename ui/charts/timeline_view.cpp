#include "ui/charts/timeline_view.hpp"

#include <QAction>
#include <QFontMetricsF>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QToolTip>
#include <QWheelEvent>
#include <algorithm>
#include <cmath>
#include <utility>

#include "ui/theme.hpp"

namespace spectral::ui {

namespace {

constexpr int kFontPixels = 11, kGroupsFollowed = 8;
constexpr double kGap = 8, kLeastSpan_ns = 200, kZoomStep = 1.25, kWheelNotch = 120;

QFont label_font() {
    QFont font = interface_font();
    font.setPixelSize(kFontPixels);
    return font;
}

QString duration_text(double ns) {
    if (ns >= 1e9) return QStringLiteral("%1 s").arg(1e-9 * ns, 0, 'g', 3);
    if (ns >= 1e6) return QStringLiteral("%1 ms").arg(1e-6 * ns, 0, 'g', 3);
    return QStringLiteral("%1 µs").arg(1e-3 * ns, 0, 'g', 3);
}

}  // namespace

TimelineView::TimelineView(QWidget* parent)
    : QWidget(parent), follow_action_(new QAction(tr("follow"), this)) {
    setMouseTracking(true);
    setFocusPolicy(Qt::StrongFocus);
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Expanding);
    setAccessibleDescription(tr("Plus and minus zoom, the arrow keys move, Home follows the newest."));
    follow_action_->setCheckable(true);
    follow_action_->setChecked(true);
    follow_action_->setToolTip(tr("Show the newest steps as they come"));
    connect(follow_action_, &QAction::toggled, this, [this](bool on) {
        if (on)
            follow();
        else
            following_ = false;
    });
    connect(&ThemeNotifier::instance(), &ThemeNotifier::changed, this, qOverload<>(&QWidget::update));
}

void TimelineView::set_data(std::vector<Lane> lanes, std::vector<Span> spans) {
    lanes_ = std::move(lanes);
    spans_ = std::move(spans);
    if (following_ || spans_.empty()) follow();
    update();
}

void TimelineView::set_empty_text(const QString& text) {
    empty_text_ = text;
    update();
}

void TimelineView::set_group_text(const QString& text) { group_text_ = text; }

void TimelineView::follow() {
    following_ = true;
    follow_action_->setChecked(true);
    if (!spans_.empty()) {
        const std::int64_t newest = spans_.back().group;
        const auto first = std::ranges::find_if(
            spans_, [&](const Span& span) { return span.group > newest - kGroupsFollowed; });
        first_ns_ = first->start_ns;
        last_ns_ = first_ns_ + 1;
        for (auto span = first; span != spans_.end(); ++span)
            last_ns_ = std::max(last_ns_, span->start_ns + span->duration_ns);
    }
    update();
    Q_EMIT rangeChanged();
}

QRectF TimelineView::plot_area() const {
    const QFontMetricsF metrics(label_font());
    double names = 0;
    for (const Lane& lane : lanes_) names = std::max(names, metrics.horizontalAdvance(lane.name));
    return QRectF(rect()).adjusted(names + kGap, 2, -2, -metrics.height() - 4);
}

bool TimelineView::set_range(double first_ns, double last_ns) {
    if (spans_.empty() || !(last_ns - first_ns >= kLeastSpan_ns)) return false;
    const auto whole_first = static_cast<double>(spans_.front().start_ns);
    const auto whole_last = static_cast<double>(spans_.back().start_ns + spans_.back().duration_ns);
    const double length = std::min(last_ns - first_ns, std::max(whole_last - whole_first, kLeastSpan_ns));
    const double start = std::clamp(first_ns, whole_first, std::max(whole_first, whole_last - length));
    const auto first = static_cast<std::int64_t>(start), last = static_cast<std::int64_t>(start + length);
    if (first == first_ns_ && last == last_ns_) return false;
    following_ = false;
    follow_action_->setChecked(false);
    first_ns_ = first;
    last_ns_ = last;
    update();
    Q_EMIT rangeChanged();
    return true;
}

bool TimelineView::zoom(double factor, double centre_share) {
    const double length = static_cast<double>(visible_ns());
    const double centre = static_cast<double>(first_ns_) + centre_share * length;
    return set_range(centre - centre_share * length * factor, centre + (1 - centre_share) * length * factor);
}

void TimelineView::move(double share) {
    const double shift = share * static_cast<double>(visible_ns());
    set_range(static_cast<double>(first_ns_) + shift, static_cast<double>(last_ns_) + shift);
}

void TimelineView::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    painter.setFont(label_font());
    const Theme& theme = Theme::current();
    const QFontMetricsF metrics(painter.font());
    painter.setPen(theme.muted);
    if (spans_.empty() || lanes_.empty()) {
        painter.drawText(rect(), static_cast<int>(Qt::AlignCenter) | static_cast<int>(Qt::TextWordWrap),
                         empty_text_);
        return;
    }
    const QRectF area = plot_area();
    const double lane_height = area.height() / static_cast<double>(lanes_.size());
    const double bar_height = std::min(lane_height * 0.72, 22.0);
    const auto middle = [&](std::size_t lane) {
        return area.top() + (static_cast<double>(lane) + 0.5) * lane_height;
    };
    for (std::size_t lane = 0; lane < lanes_.size(); ++lane)
        painter.drawText(QRectF(0, middle(lane) - metrics.height() / 2, area.left() - kGap, metrics.height()),
                         static_cast<int>(Qt::AlignRight | Qt::AlignVCenter), lanes_[lane].name);

    const double per_ns = area.width() / static_cast<double>(visible_ns());
    // Spans narrower than a pixel are joined, so that the number of rectangles is bounded by the width.
    std::vector<double> filled_to(lanes_.size(), area.left());
    painter.setPen(Qt::NoPen);
    for (const Span& span : spans_) {
        const auto lane = static_cast<std::size_t>(span.lane);
        const double left = area.left() + static_cast<double>(span.start_ns - first_ns_) * per_ns;
        const double right = left + std::max(1.0, static_cast<double>(span.duration_ns) * per_ns);
        const double from = std::max(left, filled_to[lane]), to = std::min(right, area.right());
        if (to - from < 0.5) continue;
        painter.fillRect(QRectF(from, middle(lane) - bar_height / 2, to - from, bar_height),
                         theme.series_colour(lanes_[lane].colour));
        filled_to[lane] = to;
    }
    painter.setPen(theme.muted);
    painter.drawText(QRectF(area.left(), area.bottom() + 2, area.width(), metrics.height()),
                     static_cast<int>(Qt::AlignRight | Qt::AlignVCenter),
                     tr("%1 across").arg(duration_text(static_cast<double>(visible_ns()))));
    if (hasFocus()) {
        painter.setPen(QPen(theme.accent, 1));
        painter.drawRoundedRect(area.adjusted(-2, 0, 1, 1), 3, 3);
    }
}

const TimelineView::Span* TimelineView::span_at(const QPointF& position) const {
    const QRectF area = plot_area();
    if (spans_.empty() || lanes_.empty() || !area.contains(position)) return nullptr;
    const auto lane =
        static_cast<int>((position.y() - area.top()) / area.height() * static_cast<double>(lanes_.size()));
    const double per_pixel = static_cast<double>(visible_ns()) / area.width();
    const double at = static_cast<double>(first_ns_) + (position.x() - area.left()) * per_pixel;
    for (const Span& span : spans_) {
        const auto start = static_cast<double>(span.start_ns);
        const double end = start + std::max(static_cast<double>(span.duration_ns), 2 * per_pixel);
        if (span.lane == lane && at >= start - per_pixel && at <= end) return &span;
    }
    return nullptr;
}

void TimelineView::wheelEvent(QWheelEvent* event) {
    const QRectF area = plot_area();
    const double share = std::clamp((event->position().x() - area.left()) / area.width(), 0.0, 1.0);
    // A turn that shows nothing else goes to what scrolls the page.
    event->setAccepted(zoom(std::pow(kZoomStep, -event->angleDelta().y() / kWheelNotch), share));
}

void TimelineView::mousePressEvent(QMouseEvent* event) {
    if (event->button() == Qt::LeftButton) dragged_from_ = event->position().toPoint();
}

void TimelineView::mouseMoveEvent(QMouseEvent* event) {
    if (dragged_from_) {
        const QPoint here = event->position().toPoint();
        if (here.x() != dragged_from_->x()) move((dragged_from_->x() - here.x()) / plot_area().width());
        dragged_from_ = here;
        return;
    }
    const Span* span = span_at(event->position());
    if (span == nullptr) {
        QToolTip::hideText();
        return;
    }
    QToolTip::showText(
        event->globalPosition().toPoint(),
        QStringLiteral("%1 · %2 · %3")
            .arg(lanes_[static_cast<std::size_t>(span->lane)].name,
                 duration_text(static_cast<double>(span->duration_ns)), group_text_.arg(span->group)),
        this);
}

void TimelineView::mouseReleaseEvent(QMouseEvent*) { dragged_from_.reset(); }

void TimelineView::keyPressEvent(QKeyEvent* event) {
    switch (event->key()) {
        case Qt::Key_Plus:
        case Qt::Key_Equal:
            zoom(1 / kZoomStep, 0.5);
            return;
        case Qt::Key_Minus:
            zoom(kZoomStep, 0.5);
            return;
        case Qt::Key_Left:
            return move(-0.1);
        case Qt::Key_Right:
            return move(0.1);
        case Qt::Key_Home:
        case Qt::Key_0:
            return follow();
        default:
            QWidget::keyPressEvent(event);
    }
}

}  // namespace spectral::ui
