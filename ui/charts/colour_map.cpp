// Control points of the perceptual maps and of the diverging map on a dark and on a light surface.
#include "ui/charts/colour_map.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "ui/theme.hpp"

namespace spectral::ui {
namespace {

const std::vector<QRgb> kViridis = {0xff440154, 0xff482878, 0xff3e4a89, 0xff31688e, 0xff26828e,
                                    0xff1f9e89, 0xff35b779, 0xff6dcd59, 0xffb4de2c, 0xfffde725};
const std::vector<QRgb> kMagma = {0xff000004, 0xff180f3e, 0xff451077, 0xff721f81, 0xff9f2f7f,
                                  0xffcd4071, 0xfff1605d, 0xfffd9567, 0xfffec98d, 0xfffcfdbf};
const std::vector<QRgb> kCividis = {0xff00204d, 0xff00336f, 0xff39486b, 0xff575c6d, 0xff707173,
                                    0xff8a8779, 0xffa69d75, 0xffc4b56c, 0xffe4cf5b, 0xffffea46};

/// After twilight of matplotlib.
const std::vector<QRgb> kCyclic = {0xffe2d9e2, 0xff9ebbc9, 0xff6785be, 0xff5e43a5, 0xff2f1436,
                                   0xff85315a, 0xffb75e50, 0xffcfac90, 0xffe2d9e2};

std::vector<QRgb> diverging_points(const QColor& middle) {
    if (middle.lightness() < 128) {
        return {0xffb5dcff, 0xff5fb0f0, 0xff2a70b0, middle.rgb(), 0xffa8442c, 0xfff08055, 0xffffd3b0};
    }
    return {0xff0b3d7d, 0xff2f7fc0, 0xff9dcae6, middle.rgb(), 0xfff9c4a4, 0xffd9583f, 0xff7d0d22};
}

QRgb mix(QRgb first, QRgb second, double share) {
    const auto channel = [share](int a, int b) { return static_cast<int>(std::lround(a + (b - a) * share)); };
    return qRgb(channel(qRed(first), qRed(second)), channel(qGreen(first), qGreen(second)),
                channel(qBlue(first), qBlue(second)));
}

std::vector<QRgb> control_points(ColourMapKind kind, const QColor& middle) {
    switch (kind) {
        case ColourMapKind::viridis:
            return kViridis;
        case ColourMapKind::magma:
            return kMagma;
        case ColourMapKind::cividis:
            return kCividis;
        case ColourMapKind::cyclic:
            return kCyclic;
        case ColourMapKind::diverging:
            break;
    }
    return diverging_points(middle);
}

double linear_light(int channel) {
    const double value = channel / 255.0;
    return value <= 0.03928 ? value / 12.92 : std::pow((value + 0.055) / 1.055, 2.4);
}

}  // namespace

QString colour_map_name(ColourMapKind kind) {
    switch (kind) {
        case ColourMapKind::viridis:
            return QStringLiteral("viridis");
        case ColourMapKind::magma:
            return QStringLiteral("magma");
        case ColourMapKind::cividis:
            return QStringLiteral("cividis");
        case ColourMapKind::cyclic:
            return QStringLiteral("cyclic");
        case ColourMapKind::diverging:
            break;
    }
    return QStringLiteral("diverging");
}

ColourMap::ColourMap(ColourMapKind kind, const QColor& middle) {
    const std::vector<QRgb> points = control_points(kind, middle);
    const auto last = static_cast<double>(points.size() - 1);
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        const double position = static_cast<double>(i) / (kEntries - 1) * last;
        const auto left = std::min(static_cast<std::size_t>(position), points.size() - 2);
        entries_[i] = mix(points[left], points[left + 1], position - static_cast<double>(left));
    }
    if (kind == ColourMapKind::diverging) {
        // An even number of entries has no middle one: both neighbours of zero take its colour.
        entries_[kEntries / 2 - 1] = entries_[kEntries / 2] = middle.rgb();
    }
}

ColourMap ColourMap::for_current_theme(ColourMapKind kind) { return {kind, Theme::current().surface}; }

QRgb ColourMap::at(double t) const {
    if (std::isnan(t)) {
        return qRgba(0, 0, 0, 0);
    }
    return entries_[static_cast<std::size_t>(std::clamp(t, 0.0, 1.0) * (kEntries - 1) + 0.5)];
}

QRgb ColourMap::at(double value, const ValueRange& range) const {
    return at((value - range.low) / (range.high - range.low));
}

ValueRange value_range(ColourMapKind kind, std::span<const float> values) {
    bool found = false;
    double low = 0.0;
    double high = 0.0;
    for (const float value : values) {
        if (!std::isfinite(value)) {
            continue;
        }
        low = found ? std::min(low, static_cast<double>(value)) : static_cast<double>(value);
        high = found ? std::max(high, static_cast<double>(value)) : static_cast<double>(value);
        found = true;
    }
    if (kind == ColourMapKind::diverging) {
        const double extent = std::max(std::abs(low), std::abs(high));
        return extent > 0.0 ? ValueRange{-extent, extent} : ValueRange{-1.0, 1.0};
    }
    if (!found) {
        return {0.0, 1.0};
    }
    if (high > low) {
        return {low, high};
    }
    const double half = low == 0.0 ? 0.5 : std::abs(low) * 0.5;
    return {low - half, low + half};
}

QColor contrasting_text(QRgb background) {
    const double luminance = 0.2126 * linear_light(qRed(background)) +
                             0.7152 * linear_light(qGreen(background)) +
                             0.0722 * linear_light(qBlue(background));
    // Equal contrast with black and white is at a relative luminance of 0.179.
    return luminance > 0.179 ? QColor(Qt::black) : QColor(Qt::white);
}

}  // namespace spectral::ui
