// Layout and painting of the plot view. The legend has rows of its own above the plot and so never covers
// data.
#include <QChart>
#include <QFontMetricsF>
#include <QPainter>
#include <algorithm>
#include <cmath>
#include <vector>

#include "ui/charts/plot_view.hpp"
#include "ui/theme.hpp"

namespace spectral::ui {
namespace {

constexpr int kFontPixels = 11;
constexpr double kGap = 7.0;
constexpr double kLegendRow = 18.0;
constexpr double kLegendLine = 16.0;
constexpr double kLegendGap = 14.0;
constexpr double kRightMargin = 14.0;
constexpr double kPixelsPerXTick = 64.0;
constexpr double kPixelsPerYTick = 38.0;
constexpr double kMarkerRadius = 2.7;
constexpr double kReadoutPad = 7.0;

QFont plot_font() {
    QFont font = interface_font();
    font.setPixelSize(kFontPixels);
    return font;
}

int wanted_ticks(double pixels, double per_tick) { return std::max(2, static_cast<int>(pixels / per_tick)); }

}  // namespace

double PlotView::place_legend(double left, double right) {
    const QFontMetricsF metrics(plot_font());
    legend_.clear();
    double x = left;
    double y = 0.0;
    for (const LegendEntry& entry : scene_.legend) {
        const double width = kLegendLine + 6.0 + metrics.horizontalAdvance(entry.name);
        if (x > left && x + width > right) {
            x = left;
            y += kLegendRow;
        }
        legend_.push_back({QRectF(x, y, std::min(width, right - left), kLegendRow), entry});
        x += width + kLegendGap;
    }
    return legend_.empty() ? 0.0 : y + kLegendRow;
}

void PlotView::lay_out() {
    const QFontMetricsF metrics(plot_font());
    const QRectF all(viewport()->rect());
    const auto ticks_of = [this](const PlotAxis& axis, int wanted) {
        if (!scene_.message.isEmpty()) return std::vector<Tick>{};  // nothing has a value yet
        return axis_ticks(axis.low, axis.high, axis.log, wanted, axis.format, axis.log_base);
    };
    const double title_height = metrics.height();
    const double bottom_margin =
        kGap + metrics.height() + (scene_.x.title.text().isEmpty() ? 0.0 : title_height + 3.0);

    // Ticks depend on the height alone, the left margin on their labels, the legend on the left margin.
    double top = legend_.empty() ? kGap : legend_.back().area.bottom() + kGap;
    double left = 0.0;
    for (int pass = 0; pass < 2; ++pass) {
        const double plot_height = all.height() - top - bottom_margin;
        y_ticks_ = ticks_of(scene_.y, wanted_ticks(plot_height, kPixelsPerYTick));
        double label_width = 0.0;
        for (const Tick& tick : y_ticks_) {
            label_width = std::max(label_width, metrics.horizontalAdvance(tick.label));
        }
        // Steps of eight keep the plot from trembling while the labels change.
        label_width = std::ceil(std::max(label_width, 16.0) / 8.0) * 8.0;
        left = label_width + kGap + (scene_.y.title.text().isEmpty() ? 0.0 : title_height + 4.0);
        top = std::max(place_legend(left, all.width() - kRightMargin) + kGap, kGap);
    }
    plot_area_ = QRectF(left, top, std::max(1.0, all.width() - left - kRightMargin),
                        std::max(1.0, all.height() - top - bottom_margin));
    x_ticks_ = ticks_of(scene_.x, wanted_ticks(plot_area_.width(), kPixelsPerXTick));
    if (chart()->plotArea() != plot_area_) {
        chart()->setPlotArea(plot_area_);
    }
}

void PlotView::drawBackground(QPainter* painter, const QRectF& rect) {
    const Theme& theme = Theme::current();
    painter->fillRect(rect, theme.surface);
    painter->save();
    painter->setFont(plot_font());
    const QFontMetricsF metrics(painter->font());
    painter->setRenderHint(QPainter::Antialiasing, false);
    for (const Tick& tick : y_ticks_) {
        const double y = std::round(to_pixels({scene_.x.low, tick.position}).y());
        painter->setPen(QPen(theme.line, 1.0));
        painter->drawLine(QPointF(plot_area_.left(), y), QPointF(plot_area_.right(), y));
        painter->setPen(theme.muted);
        painter->drawText(QRectF(0.0, y - metrics.height() / 2.0, plot_area_.left() - kGap, metrics.height()),
                          static_cast<int>(Qt::AlignRight | Qt::AlignVCenter), tick.label);
    }
    painter->setPen(theme.muted);
    double free_from = -1e9;
    for (const Tick& tick : x_ticks_) {
        const double x = to_pixels({tick.position, scene_.y.low}).x();
        const double width = metrics.horizontalAdvance(tick.label);
        const double from = std::min(x - width / 2.0, plot_area_.right() + kRightMargin - width);
        if (from < free_from) {
            continue;
        }
        free_from = from + width + 6.0;
        painter->drawText(QPointF(from, plot_area_.bottom() + kGap + metrics.ascent()), tick.label);
    }
    const double title_top = plot_area_.bottom() + kGap + metrics.height() + 2.0;
    painter->drawText(QRectF(plot_area_.left(), title_top, plot_area_.width(), metrics.height()),
                      static_cast<int>(Qt::AlignCenter), scene_.x.title.text());
    painter->translate(0.0, plot_area_.center().y());
    painter->rotate(-90.0);
    painter->drawText(QRectF(-plot_area_.height() / 2.0, 0.0, plot_area_.height(), metrics.height()),
                      static_cast<int>(Qt::AlignCenter | Qt::TextDontClip), scene_.y.title.text());
    painter->restore();
}

void PlotView::drawForeground(QPainter* painter, const QRectF&) {
    const Theme& theme = Theme::current();
    painter->save();
    painter->setFont(plot_font());
    if (!scene_.message.isEmpty()) {
        painter->setRenderHint(QPainter::Antialiasing, false);
        painter->setPen(QPen(theme.line, 1.0));
        painter->setBrush(theme.surface);
        painter->drawRect(plot_area_);
        painter->setRenderHint(QPainter::Antialiasing);
        painter->setPen(theme.muted);
        painter->drawText(plot_area_.adjusted(6.0, 0.0, -6.0, 0.0),
                          static_cast<int>(Qt::AlignCenter) | static_cast<int>(Qt::TextWordWrap),
                          scene_.message);
    } else {
        paint_markers(*painter);
        paint_reference_lines(*painter);
    }
    if (scene_.cursor && scene_.message.isEmpty()) {
        const double x = to_pixels({*scene_.cursor, 0.0}).x();
        if (x >= plot_area_.left() && x <= plot_area_.right()) {
            painter->setPen(QPen(theme.accent, 1.0));
            painter->drawLine(QPointF(x, plot_area_.top()), QPointF(x, plot_area_.bottom()));
        }
    }
    paint_legend(*painter);
    paint_readout(*painter);
    if (hasFocus()) {
        painter->setPen(QPen(theme.accent, 1.0));
        painter->setBrush(Qt::NoBrush);
        painter->drawRoundedRect(plot_area_.adjusted(-2.0, -2.0, 2.0, 2.0), 3.0, 3.0);
    }
    painter->restore();
}

void PlotView::paint_reference_lines(QPainter& painter) const {
    const QFontMetricsF metrics(painter.font());
    for (const ReferenceLine& line : scene_.reference_lines) {
        const double y = to_pixels({0.0, line.position}).y();
        if (!std::isfinite(y) || y < plot_area_.top() - 0.5 || y > plot_area_.bottom() + 0.5) {
            continue;
        }
        QPen pen(line.colour, 1.0);
        pen.setDashPattern({5.0, 4.0});
        painter.setPen(pen);
        painter.drawLine(QPointF(plot_area_.left(), y), QPointF(plot_area_.right(), y));
        const QString text = metrics.elidedText(line.name, Qt::ElideRight, plot_area_.width() - 8.0);
        // Above the line where there is room: what rises towards it ends below it, on the right.
        const bool below = y - metrics.height() - 3.0 < plot_area_.top();
        const double text_top = below ? y + 3.0 : y - metrics.height() - 3.0;
        const double width = metrics.horizontalAdvance(text);
        QColor veil = Theme::current().surface;
        veil.setAlpha(170);
        painter.fillRect(QRectF(plot_area_.right() - 7.0 - width, text_top, width + 6.0, metrics.height()),
                         veil);
        painter.drawText(QPointF(plot_area_.right() - 4.0 - width, text_top + metrics.ascent()), text);
    }
}

void PlotView::paint_markers(QPainter& painter) const {
    const QRectF reach = plot_area_.adjusted(-0.5, -0.5, 0.5, 0.5);
    painter.setPen(Qt::NoPen);
    for (const MarkerSet& set : markers_) {
        painter.setBrush(set.colour);
        for (const QPointF& point : set.points) {
            const QPointF centre = to_pixels(point);
            if (reach.contains(centre)) {
                painter.drawEllipse(centre, kMarkerRadius, kMarkerRadius);
            }
        }
    }
}

void PlotView::paint_legend(QPainter& painter) const {
    const Theme& theme = Theme::current();
    const QFontMetricsF metrics(painter.font());
    for (const PlacedLegendEntry& placed : legend_) {
        const LegendEntry& entry = placed.entry;
        const QColor colour = entry.visible ? entry.colour : theme.faint;
        const double y = placed.area.center().y();
        if (entry.point) {
            painter.setPen(Qt::NoPen);
            painter.setBrush(colour);
            painter.drawEllipse(QPointF(placed.area.left() + kLegendLine / 2, y), 3.0, 3.0);
            painter.setBrush(Qt::NoBrush);
        } else {
            QPen pen(colour, 2.0);
            if (entry.dashed) {
                pen.setDashPattern({2.0, 1.5});
            }
            pen.setCapStyle(Qt::FlatCap);
            painter.setPen(pen);
            painter.drawLine(QPointF(placed.area.left(), y), QPointF(placed.area.left() + kLegendLine, y));
        }
        painter.setPen(entry.visible ? theme.muted : theme.faint);
        painter.drawText(
            placed.area.adjusted(kLegendLine + 6.0, 0.0, 1.0, 0.0),
            static_cast<int>(Qt::AlignLeft | Qt::AlignVCenter),
            metrics.elidedText(entry.name, Qt::ElideRight, placed.area.width() - kLegendLine - 5.0));
    }
}

void PlotView::paint_readout(QPainter& painter) const {
    if (readout_.rows.isEmpty() || !pointer_) {
        return;
    }
    const Theme& theme = Theme::current();
    const QFontMetricsF metrics(painter.font());
    painter.setPen(QPen(theme.faint, 1.0));
    painter.drawLine(QPointF(pointer_->x(), plot_area_.top()), QPointF(pointer_->x(), plot_area_.bottom()));

    double name_width = 0.0;
    double value_width = 0.0;
    for (const HoverRow& row : readout_.rows) {
        const QPointF centre = to_pixels(row.point);
        if (plot_area_.contains(centre)) {
            painter.setPen(QPen(theme.surface, 1.5));
            painter.setBrush(row.colour);
            painter.drawEllipse(centre, 4.0, 4.0);
        }
        name_width = std::max(name_width, metrics.horizontalAdvance(row.name));
        value_width = std::max(value_width, metrics.horizontalAdvance(row.value));
    }
    const double row_height = metrics.height() + 2.0;
    const double swatch = 14.0;
    const double inner =
        std::max(metrics.horizontalAdvance(readout_.heading), swatch + name_width + 12.0 + value_width);
    QRectF box(0.0, 0.0, inner + 2.0 * kReadoutPad,
               row_height * static_cast<double>(readout_.rows.size() + 1) + 2.0 * kReadoutPad - 2.0);
    const bool to_right = pointer_->x() + 14.0 + box.width() <= plot_area_.right();
    box.moveLeft(to_right ? pointer_->x() + 14.0 : std::max(0.0, pointer_->x() - 14.0 - box.width()));
    box.moveTop(std::clamp(pointer_->y() - box.height() / 2.0, 0.0,
                           std::max(0.0, viewport()->height() - box.height())));
    painter.setPen(QPen(theme.line, 1.0));
    painter.setBrush(theme.raised);
    painter.drawRoundedRect(box, 5.0, 5.0);

    QRectF line(box.left() + kReadoutPad, box.top() + kReadoutPad - 1.0, inner, row_height);
    painter.setPen(theme.muted);
    painter.drawText(line, static_cast<int>(Qt::AlignLeft | Qt::AlignVCenter), readout_.heading);
    for (const HoverRow& row : readout_.rows) {
        line.translate(0.0, row_height);
        painter.fillRect(QRectF(line.left(), line.center().y() - 1.0, 9.0, 2.0), row.colour);
        painter.setPen(theme.muted);
        painter.drawText(line.adjusted(swatch, 0.0, 0.0, 0.0),
                         static_cast<int>(Qt::AlignLeft | Qt::AlignVCenter), row.name);
        painter.setPen(theme.text);
        painter.drawText(line, static_cast<int>(Qt::AlignRight | Qt::AlignVCenter), row.value);
    }
}

}  // namespace spectral::ui
