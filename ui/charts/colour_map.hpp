// Colour maps as data: 256 colours interpolated between control points, from the lowest value to the highest.
#pragma once

#include <QColor>
#include <QRgb>
#include <QString>
#include <array>
#include <span>

namespace spectral::ui {

/// `cyclic` is for angles from −π to π: its ends have one colour.
enum class ColourMapKind { viridis, magma, cividis, diverging, cyclic };

QString colour_map_name(ColourMapKind kind);

struct ValueRange {
    double low = 0.0;
    double high = 1.0;
};

class ColourMap {
public:
    static constexpr int kEntries = 256;

    /// `middle` is the colour of zero in the diverging map: the surface the map lies on; a dark one gets
    /// light ends.
    ColourMap(ColourMapKind kind, const QColor& middle);

    /// The map on the card colour of the theme in use.
    static ColourMap for_current_theme(ColourMapKind kind);

    /// t in [0, 1]; values outside are clamped; not-a-number is transparent.
    QRgb at(double t) const;
    QRgb at(double value, const ValueRange& range) const;

    const std::array<QRgb, kEntries>& entries() const { return entries_; }

private:
    std::array<QRgb, kEntries> entries_{};
};

/// The range a map spans over the finite values: symmetric around 0 for the diverging map, lowest to highest
/// for the others. Empty or constant data give a range of non-zero width.
ValueRange value_range(ColourMapKind kind, std::span<const float> values);

/// Black or white, whichever reads better on `background`.
QColor contrasting_text(QRgb background);

}  // namespace spectral::ui
