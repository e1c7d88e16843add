// Painting of the heat map: image, labels where they fit, printed values, colour bar, the cell under the
// pointer.
#include <QFontMetricsF>
#include <QPaintEvent>
#include <QPainter>
#include <QPainterPath>
#include <algorithm>
#include <cmath>

#include "ui/charts/heat_map.hpp"
#include "ui/charts/ticks.hpp"
#include "ui/theme.hpp"

namespace spectral::ui {
namespace {

constexpr int kLabelPixels = 11;
constexpr double kGap = 5.0;
constexpr double kBarWidth = 8.0;
constexpr double kBarGap = 10.0;
constexpr double kLongestLabel = 110.0;
constexpr double kSmallestBlock = 2.0;  ///< pixels; colours side by side in less than that mix in the eye

QFont label_font() {
    QFont font = interface_font();
    font.setPixelSize(kLabelPixels);
    return font;
}

/// How many of `cells` along `pixels` of the device are painted as one: where each can have a pixel of its
/// own, none is hidden by its neighbour; else so that each block can be told from the next.
int cells_per_block(double pixels, int cells) {
    if (cells <= pixels) return 1;
    return std::clamp(static_cast<int>(std::ceil(kSmallestBlock * cells / pixels)), 1, cells);
}

/// The smallest of 1, 2, 5, 10, 20, … at which labels `needed` pixels long do not touch.
int label_stride(double cell, double needed) {
    int stride = 1;
    for (int i = 0; stride * cell < needed && stride < (1 << 28); ++i) {
        stride = i % 3 == 1 ? stride / 2 * 5 : stride * 2;
    }
    return stride;
}

bool axis_shown(const QStringList& labels, const QString& title) {
    return !labels.isEmpty() || !title.isEmpty();
}

double widest(const QFontMetricsF& metrics, const QStringList& labels, int count) {
    // Indices: as wide as their largest, in the widest digit ("0" is wider than "1").
    const QString zeros(QString::number(count - 1).size(), QLatin1Char('0'));
    double width = labels.isEmpty() ? metrics.horizontalAdvance(zeros) : 0.0;
    for (const QString& label : labels) {
        width = std::max(width, metrics.horizontalAdvance(label));
    }
    return std::min(width, kLongestLabel);
}

}  // namespace

QString HeatMap::bar_number(double value) const {
    return value_format_ ? value_format_(static_cast<float>(value)) : short_number(value, 3);
}

QRectF HeatMap::matrix_area() const {
    if (!has_data()) {
        return {};
    }
    const QFontMetricsF metrics(label_font());
    QRectF area = QRectF(rect());
    if (axis_shown(row_labels_, row_title_)) {
        area.setLeft(widest(metrics, row_labels_, rows_) + kGap);
    }
    if (!row_title_.isEmpty()) {
        area.setLeft(area.left() + metrics.height() + kGap);
    }
    if (axis_shown(column_labels_, column_title_)) {
        area.setBottom(area.bottom() - metrics.height() - kGap);
    }
    if (!column_title_.isEmpty()) {
        area.setBottom(area.bottom() - metrics.height());
    }
    if (colour_bar_) {
        const double text = std::max(metrics.horizontalAdvance(bar_number(shown_range_.low)),
                                     metrics.horizontalAdvance(bar_number(shown_range_.high)));
        area.setRight(area.right() - kBarGap - kBarWidth - kGap - text);
    }
    if (area.width() < 1.0 || area.height() < 1.0) {
        return {};
    }
    if (square_cells_) {
        const double cell = std::min(area.width() / columns_, area.height() / rows_);
        const QSizeF size(cell * columns_, cell * rows_);
        area = QRectF(QPointF(area.left() + (area.width() - size.width()) / 2.0,
                              area.top() + (area.height() - size.height()) / 2.0),
                      size);
    }
    return area;
}

void HeatMap::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    painter.setFont(label_font());
    const Theme& theme = Theme::current();
    const QRectF area = matrix_area();
    if (area.isEmpty()) {
        painter.setPen(theme.muted);
        painter.drawText(rect(), static_cast<int>(Qt::AlignCenter) | static_cast<int>(Qt::TextWordWrap),
                         has_data() ? QString() : empty_text_);
        return;
    }
    painter.save();
    QPainterPath rounded;
    rounded.addRoundedRect(area, 3.0, 3.0);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setClipPath(rounded);
    painter.setRenderHint(QPainter::SmoothPixmapTransform, false);
    const double scale = painter.device()->devicePixelRatioF();
    const int rows = cells_per_block(area.height() * scale, rows_);
    const int columns = cells_per_block(area.width() * scale, columns_);
    if (image_.isNull() || rows != rows_per_block_ || columns != columns_per_block_) {
        rebuild_image(rows, columns);
    }
    // The last block may reach beyond the last cell; the clip takes off what does.
    // Where 0 has the surface's colour, cells that are no numbers would look like it.
    if (kind_ == ColourMapKind::diverging && !mask_) painter.fillRect(area, Theme::current().line);
    painter.drawImage(QRectF(area.topLeft(), QSizeF(area.width() * image_.width() * columns / columns_,
                                                    area.height() * image_.height() * rows / rows_)),
                      image_);
    if (print_values_) {
        paint_values(painter, area);
    }
    painter.restore();
    paint_axes(painter, area);
    if (colour_bar_) {
        paint_colour_bar(painter, area);
    }
    if (current_) {
        const double width = area.width() / columns_;
        const double height = area.height() / rows_;
        const QRectF cell(area.left() + current_->column * width, area.top() + current_->row * height, width,
                          height);
        painter.setPen(QPen(theme.text, 1.0));
        painter.setBrush(Qt::NoBrush);
        painter.drawRect(cell.adjusted(-0.5, -0.5, -0.5, -0.5));
    }
    if (hasFocus() && !current_) {
        painter.setPen(QPen(theme.accent, 1.0));
        painter.setBrush(Qt::NoBrush);
        painter.drawRoundedRect(area.adjusted(0.5, 0.5, -0.5, -0.5), 3.0, 3.0);
    }
}

void HeatMap::paint_values(QPainter& painter, const QRectF& area) const {
    const QFontMetricsF metrics(painter.font());
    const double width = area.width() / columns_;
    const double height = area.height() / rows_;
    if (height < metrics.height() || width < metrics.horizontalAdvance(QLatin1Char('0'))) {
        return;
    }
    const ColourMap map = ColourMap::for_current_theme(kind_);
    for (int row = 0; row < rows_; ++row) {
        for (int column = 0; column < columns_; ++column) {
            const float value = value_at(row, column);
            const QString text = printed(value);
            if (!std::isfinite(value) || metrics.horizontalAdvance(text) + 2.0 > width) {
                continue;
            }
            painter.setPen(contrasting_text(map.at(static_cast<double>(value), shown_range_)));
            painter.drawText(QRectF(area.left() + column * width, area.top() + row * height, width, height),
                             static_cast<int>(Qt::AlignCenter), text);
        }
    }
}

void HeatMap::paint_axes(QPainter& painter, const QRectF& area) const {
    const QFontMetricsF metrics(painter.font());
    painter.setPen(Theme::current().muted);
    if (axis_shown(row_labels_, row_title_)) {
        const double cell = area.height() / rows_;
        const double width = widest(metrics, row_labels_, rows_);
        // The first label may stand half of its height lower than its row, below the edge.
        const int stride = label_stride(cell, 1.5 * metrics.height());
        for (int row = 0; row < rows_; row += stride) {
            const double centre = area.top() + (row + 0.5) * cell;
            const double top = std::clamp(centre - metrics.height() / 2.0, 0.0, height() - metrics.height());
            painter.drawText(QRectF(area.left() - kGap - width, top, width, metrics.height()),
                             static_cast<int>(Qt::AlignRight | Qt::AlignVCenter),
                             metrics.elidedText(row_name(row), Qt::ElideRight, width + 1.0));
        }
        painter.save();
        painter.translate(area.left() - 2.0 * kGap - width - metrics.height(), area.center().y());
        painter.rotate(-90.0);
        painter.drawText(QRectF(-area.height() / 2.0, 0.0, area.height(), metrics.height()),
                         static_cast<int>(Qt::AlignCenter), row_title_);
        painter.restore();
    }
    if (axis_shown(column_labels_, column_title_)) {
        const double cell = area.width() / columns_;
        const double needed = widest(metrics, column_labels_, columns_) + 8.0;
        const int stride = label_stride(cell, needed);
        for (int column = 0; column < columns_; column += stride) {
            const double centre = area.left() + (column + 0.5) * cell;
            painter.drawText(QRectF(centre - needed / 2.0, area.bottom() + kGap, needed, metrics.height()),
                             static_cast<int>(Qt::AlignCenter),
                             metrics.elidedText(column_name(column), Qt::ElideRight, needed));
        }
        painter.drawText(
            QRectF(area.left(), area.bottom() + kGap + metrics.height(), area.width(), metrics.height()),
            static_cast<int>(Qt::AlignCenter), column_title_);
    }
}

void HeatMap::paint_colour_bar(QPainter& painter, const QRectF& area) const {
    const QFontMetricsF metrics(painter.font());
    const QRectF bar(area.right() + kBarGap, area.top(), kBarWidth, area.height());
    const ColourMap map = ColourMap::for_current_theme(kind_);
    QLinearGradient gradient(bar.bottomLeft(), bar.topLeft());
    for (int i = 0; i <= 32; ++i) {
        gradient.setColorAt(i / 32.0, QColor(map.at(i / 32.0)));
    }
    painter.fillRect(bar, gradient);
    painter.setPen(QPen(Theme::current().line, 1.0));
    painter.setBrush(Qt::NoBrush);
    painter.drawRect(bar.adjusted(0.0, 0.0, -0.5, -0.5));

    painter.setPen(Theme::current().muted);
    const double left = bar.right() + kGap;
    const auto label = [&](double top, double value) {
        painter.drawText(QPointF(left, top + metrics.ascent()), bar_number(value));
    };
    label(bar.top(), shown_range_.high);
    if (bar.height() >= 2.0 * metrics.height()) {
        label(bar.bottom() - metrics.height(), shown_range_.low);
    }
    if (kind_ == ColourMapKind::diverging && !fixed_range_ && bar.height() >= 4.0 * metrics.height()) {
        label(bar.center().y() - metrics.height() / 2.0, 0.0);
    }
}

}  // namespace spectral::ui
