// Chooses the number of columns that makes the pictures largest, then paints them with nearest-pixel scaling.
#include "ui/charts/image_grid.hpp"

#include <QFontMetrics>
#include <QHelpEvent>
#include <QMouseEvent>
#include <QPaintEvent>
#include <QPainter>
#include <QToolTip>
#include <algorithm>
#include <cstddef>
#include <utility>

#include "ui/charts/decimate.hpp"
#include "ui/theme.hpp"

namespace spectral::ui {
namespace {

constexpr int kGap = 8;
constexpr int kCaptionPixels = 11;
constexpr int kCaptionHeight = 18;
constexpr int kSmallestCell = 28;
constexpr int kLargestCell = 128;
constexpr int kWaveformAspect = 2;

bool usable(const GridItem& item) {
    return item.height > 0 && item.width > 0 && (item.planes == 1 || item.planes == 3) &&
           item.values.size() == static_cast<std::size_t>(item.planes) *
                                     static_cast<std::size_t>(item.height) *
                                     static_cast<std::size_t>(item.width);
}

/// From the darkest value of any colour to the brightest: what a model sees is shifted and scaled.
QImage make_colour_image(const GridItem& item) {
    const auto [low, high] = std::ranges::minmax(item.values);
    const float scale = high > low ? 255 / (high - low) : 0;
    const std::size_t plane = item.values.size() / 3;
    QImage image(item.width, item.height, QImage::Format_ARGB32);
    std::size_t i = 0;
    for (int y = 0; y < item.height; ++y) {
        auto* line = reinterpret_cast<QRgb*>(image.scanLine(y));
        for (int x = 0; x < item.width; ++x, ++i) {
            const auto level = [&](std::size_t colour) {
                return static_cast<int>((item.values[colour * plane + i] - low) * scale + 0.5F);
            };
            line[x] = qRgb(level(0), level(1), level(2));
        }
    }
    return image;
}

QImage make_image(const GridItem& item, const ColourMap& map, const ValueRange& range) {
    QImage image(item.width, item.height, QImage::Format_ARGB32);
    std::size_t i = 0;
    for (int y = 0; y < item.height; ++y) {
        auto* line = reinterpret_cast<QRgb*>(image.scanLine(y));
        for (int x = 0; x < item.width; ++x, ++i) {
            line[x] = map.at(static_cast<double>(item.values[i]), range);
        }
    }
    return image;
}

}  // namespace

ImageGrid::ImageGrid(QWidget* parent) : QWidget(parent), empty_text_(QStringLiteral("No samples yet")) {
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Expanding);
    setAccessibleName(QStringLiteral("Samples"));
    connect(&ThemeNotifier::instance(), &ThemeNotifier::changed, this, &ImageGrid::refresh);
}

void ImageGrid::set_items(std::vector<GridItem> items) {
    items_ = std::move(items);
    refresh();
}

void ImageGrid::set_colour_map(ColourMapKind kind) {
    kind_ = kind;
    refresh();
}

void ImageGrid::set_range(std::optional<ValueRange> range) {
    fixed_range_ = range && range->high > range->low ? range : std::nullopt;
    refresh();
}

void ImageGrid::set_empty_text(const QString& text) {
    if (text == empty_text_) return;
    empty_text_ = text;
    update();
}

void ImageGrid::refresh() {
    const ColourMap map = ColourMap::for_current_theme(kind_);
    images_.clear();
    QStringList captions;
    for (const GridItem& item : items_) {
        const bool picture = usable(item) && item.height > 1;
        if (!picture)
            images_.emplace_back();
        else if (item.planes == 3)
            images_.push_back(make_colour_image(item));
        else
            images_.push_back(make_image(item, map, fixed_range_.value_or(value_range(kind_, item.values))));
        captions.append(item.caption);
    }
    setAccessibleDescription(captions.join(QStringLiteral(", ")));
    update();
}

bool ImageGrid::waveforms() const { return !items_.empty() && items_.front().height == 1; }

ImageGrid::Layout ImageGrid::make_layout() const {
    const int count = item_count();
    const int aspect = waveforms() ? kWaveformAspect : 1;
    Layout best;
    for (int columns = 1; columns <= std::max(1, count); ++columns) {
        const int rows = (count + columns - 1) / columns;
        const int by_width = (width() - (columns - 1) * kGap) / columns / aspect;
        const int by_height = (height() - (rows - 1) * kGap) / std::max(1, rows) - kCaptionHeight;
        const int cell = std::min({by_width, by_height, kLargestCell});
        if (cell > best.cell_height) {
            best = {columns, cell * aspect, cell};
        }
    }
    if (best.cell_height < kSmallestCell) {
        // Too many for the space: legible ones, as many as fit.
        const int columns = std::max(1, (width() + kGap) / (kSmallestCell * aspect + kGap));
        best = {columns, kSmallestCell * aspect, kSmallestCell};
    }
    return best;
}

QRect ImageGrid::picture_rect(int index) const {
    const Layout layout = make_layout();
    if (index < 0 || index >= item_count()) {
        return {};
    }
    // Spare room goes between the pictures, evenly, up to three gaps.
    const double spare = width() - layout.columns * layout.cell_width;
    const double gap = layout.columns > 1 ? std::min(spare / (layout.columns - 1), 3.0 * kGap) : 0.0;
    const int column = index % layout.columns;
    const int row = index / layout.columns;
    const int rows = (item_count() + layout.columns - 1) / layout.columns;
    const int row_height = layout.cell_height + kCaptionHeight;
    const int row_gap =
        rows > 1 ? std::clamp((height() - rows * row_height) / (rows - 1), kGap, 3 * kGap) : kGap;
    const QRect picture(static_cast<int>(column * (layout.cell_width + gap)), row * (row_height + row_gap),
                        layout.cell_width, layout.cell_height);
    return picture.bottom() + kCaptionHeight <= height() ? picture : QRect();
}

int ImageGrid::item_at(const QPoint& position) const {
    for (int i = 0; i < item_count(); ++i) {
        if (picture_rect(i).adjusted(0, 0, 0, kCaptionHeight).contains(position)) {
            return i;
        }
    }
    return -1;
}

void ImageGrid::mousePressEvent(QMouseEvent* event) {
    const int index = item_at(event->position().toPoint());
    if (event->button() == Qt::LeftButton && index >= 0) {
        Q_EMIT itemClicked(index);
        return;
    }
    QWidget::mousePressEvent(event);
}

bool ImageGrid::event(QEvent* event) {
    if (event->type() == QEvent::ToolTip) {
        const auto* help = static_cast<QHelpEvent*>(event);
        const int index = item_at(help->pos());
        if (index >= 0) {
            const GridItem& item = items_[static_cast<std::size_t>(index)];
            QToolTip::showText(help->globalPos(), item.tool_tip.isEmpty() ? item.caption : item.tool_tip,
                               this);
            return true;
        }
    }
    return QWidget::event(event);
}

void ImageGrid::paint_waveform(QPainter& painter, const QRect& area, const GridItem& item) const {
    const Theme& theme = Theme::current();
    const ValueRange range = fixed_range_.value_or(value_range(ColourMapKind::diverging, item.values));
    std::vector<double> xs(item.values.size());
    std::vector<double> ys(item.values.size());
    for (std::size_t i = 0; i < xs.size(); ++i) {
        xs[i] = static_cast<double>(i);
        ys[i] = static_cast<double>(item.values[i]);
    }
    const double last = std::max(1.0, static_cast<double>(xs.size()) - 1.0);
    QList<QPointF> line = decimate_min_max(xs, ys, 0.0, last, area.width());
    for (QPointF& point : line) {
        const double share = (point.y() - range.low) / (range.high - range.low);
        point = QPointF(area.left() + point.x() / last * area.width(), area.bottom() - share * area.height());
    }
    painter.save();
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setClipRect(area);
    painter.fillRect(area, theme.raised);
    painter.setPen(QPen(theme.series_colour(0), 1.0));
    painter.drawPolyline(line.constData(), static_cast<int>(line.size()));
    painter.restore();
}

void ImageGrid::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    const Theme& theme = Theme::current();
    QFont font = interface_font();
    font.setPixelSize(kCaptionPixels);
    painter.setFont(font);
    if (items_.empty()) {
        painter.setPen(theme.muted);
        painter.drawText(rect(), static_cast<int>(Qt::AlignCenter) | static_cast<int>(Qt::TextWordWrap),
                         empty_text_);
        return;
    }
    for (int i = 0; i < item_count(); ++i) {
        const QRect area = picture_rect(i);
        if (area.isEmpty()) {
            break;
        }
        const GridItem& item = items_[static_cast<std::size_t>(i)];
        const QImage& image = images_[static_cast<std::size_t>(i)];
        if (!image.isNull()) {
            QSize size = image.size();
            size.scale(area.size(), Qt::KeepAspectRatio);
            QRect target(QPoint(), size);
            target.moveCenter(area.center());
            painter.drawImage(target, image);
        } else if (usable(item)) {
            paint_waveform(painter, area, item);
        }
        painter.setPen(item.wrong ? theme.error : theme.muted);
        const QRect caption(area.left() - kGap / 2, area.bottom() + 2, area.width() + kGap,
                            kCaptionHeight - 2);
        painter.drawText(caption, static_cast<int>(Qt::AlignHCenter | Qt::AlignTop),
                         painter.fontMetrics().elidedText(item.caption, Qt::ElideRight, caption.width()));
    }
}

}  // namespace spectral::ui
