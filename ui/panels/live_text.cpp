#include "ui/panels/live_text.hpp"

#include <QFontMetricsF>
#include <QPainter>
#include <algorithm>
#include <cmath>
#include <utility>

#include "ui/theme.hpp"

namespace spectral::ui {

namespace {

constexpr double kRoomStep = 8;  ///< pixels: changing digits do not move what stands beside

}  // namespace

LiveText::LiveText(int pixel_size, QWidget* parent) : QWidget(parent), pixel_size_(pixel_size) {
    setSizePolicy(QSizePolicy::Fixed, QSizePolicy::Preferred);
    connect(&ThemeNotifier::instance(), &ThemeNotifier::changed, this, qOverload<>(&QWidget::update));
}

QFont LiveText::font_of(const Part& part) const {
    QFont font = interface_font();
    font.setPixelSize(pixel_size_);
    if (part.strong) font.setWeight(QFont::Medium);
    return font;
}

void LiveText::set_parts(std::vector<Part> parts) {
    std::erase_if(parts, [](const Part& part) { return part.text.isEmpty(); });
    if (parts == parts_) return;
    parts_ = std::move(parts);
    double width = 0;
    for (const Part& part : parts_) width += QFontMetricsF(font_of(part)).horizontalAdvance(part.text);
    const int needed = static_cast<int>(std::ceil(width / kRoomStep) * kRoomStep);
    if (needed > room_ || (needed == 0 && room_ > 0)) {
        room_ = needed;
        updateGeometry();
    }
    setAccessibleName(text());
    update();
}

QString LiveText::text() const {
    QString all;
    for (const Part& part : parts_) all += part.text;
    return all;
}

QSize LiveText::sizeHint() const {
    return {room_, static_cast<int>(std::ceil(QFontMetricsF(font_of({})).height()))};
}

void LiveText::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    const Theme& theme = Theme::current();
    double x = 0;
    for (const Part& part : parts_) {
        const QFont font = font_of(part);
        const QFontMetricsF metrics(font);
        painter.setFont(font);
        painter.setPen(part.strong ? theme.text : theme.muted);
        painter.drawText(QPointF(x, (height() - metrics.height()) / 2 + metrics.ascent()), part.text);
        x += metrics.horizontalAdvance(part.text);
    }
}

}  // namespace spectral::ui
