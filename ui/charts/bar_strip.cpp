// The largest bar is drawn in the accent colour, the others quietly beside it.
#include "ui/charts/bar_strip.hpp"

#include <QFontMetricsF>
#include <QHelpEvent>
#include <QPaintEvent>
#include <QPainter>
#include <QToolTip>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include "ui/theme.hpp"

namespace spectral::ui {
namespace {

constexpr int kCaptionPixels = 12;
constexpr double kLargestGap = 5.0;
constexpr double kLowestBar = 2.0;

QFont caption_font() {
    QFont font = interface_font();
    font.setPixelSize(kCaptionPixels);
    return font;
}

}  // namespace

BarStrip::BarStrip(QWidget* parent) : QWidget(parent) {
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Preferred);
    setAccessibleName(QStringLiteral("Weights"));
    connect(&ThemeNotifier::instance(), &ThemeNotifier::changed, this, [this] { update(); });
}

void BarStrip::set_values(std::vector<float> values) {
    values_ = std::move(values);
    update();
}

void BarStrip::set_caption(const QString& caption) {
    caption_ = caption;
    setAccessibleDescription(caption);
    update();
}

void BarStrip::set_labels(const QStringList& labels) { labels_ = labels; }

double BarStrip::share(int index) const {
    const float value = values_[static_cast<std::size_t>(index)];
    return std::isfinite(value) && value > 0.0F ? static_cast<double>(value) : 0.0;
}

QRectF BarStrip::bars_area() const {
    const double caption = caption_.isEmpty() ? 0.0 : QFontMetricsF(caption_font()).height() + 4.0;
    return QRectF(rect()).adjusted(0.0, caption, 0.0, 0.0);
}

int BarStrip::bar_at(const QPoint& position) const {
    const QRectF area = bars_area();
    const int count = static_cast<int>(values_.size());
    if (count == 0 || !area.contains(position)) {
        return -1;
    }
    return std::clamp(static_cast<int>((position.x() - area.left()) / area.width() * count), 0, count - 1);
}

QString BarStrip::bar_text(int index) const {
    if (index < 0 || index >= static_cast<int>(values_.size())) {
        return {};
    }
    const double percent = 100.0 * static_cast<double>(values_[static_cast<std::size_t>(index)]);
    return QStringLiteral("%1: %2 %")
        .arg(labels_.value(index, QString::number(index)),
             QString::number(percent, 'f', percent < 10.0 ? 2 : 1));
}

bool BarStrip::event(QEvent* event) {
    if (event->type() == QEvent::ToolTip) {
        const auto* help = static_cast<QHelpEvent*>(event);
        const int bar = bar_at(help->pos());
        if (bar >= 0) {
            QToolTip::showText(help->globalPos(), bar_text(bar), this);
            return true;
        }
    }
    return QWidget::event(event);
}

void BarStrip::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    const Theme& theme = Theme::current();
    const QFont font = caption_font();
    const QFontMetricsF metrics(font);
    painter.setFont(font);
    painter.setPen(theme.muted);
    painter.drawText(QPointF(0.0, metrics.ascent()), metrics.elidedText(caption_, Qt::ElideRight, width()));

    const int count = static_cast<int>(values_.size());
    if (count == 0) {
        return;
    }
    double largest = 0.0;
    for (int i = 0; i < count; ++i) {
        largest = std::max(largest, share(i));
    }
    const QRectF area = bars_area();
    const double column = area.width() / count;
    const double gap = std::min(kLargestGap, column * 0.25);
    const double scale = area.height() / std::max(1.0, largest);
    bool marked = false;
    for (int i = 0; i < count; ++i) {
        const double bar_height = std::max(kLowestBar, share(i) * scale);
        const bool winner = !marked && largest > 0.0 && share(i) == largest;
        marked = marked || winner;
        const QRectF bar(area.left() + i * column + gap / 2.0, area.bottom() - bar_height, column - gap,
                         bar_height);
        painter.setPen(Qt::NoPen);
        painter.setBrush(winner ? theme.accent : theme.faint);
        const double radius = bar_height > 4.0 ? std::min(2.0, bar.width() / 2.0) : 0.0;
        painter.drawRoundedRect(bar, radius, radius);
    }
}

}  // namespace spectral::ui
