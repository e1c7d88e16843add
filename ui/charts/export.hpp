// What all charts share to leave the window: files written whole or not at all, pictures, and the export
// menu.
#pragma once

#include <QImage>
#include <QString>
#include <functional>
#include <vector>

class QGraphicsView;
class QMenu;
class QWidget;

namespace spectral::ui {

/// Writes to a temporary name and renames; false where the file could not be written.
bool write_text_file(const QString& path, const QString& text);
bool write_png_file(const QString& path, const QImage& image);
/// What the view shows, as a drawing.
bool write_svg_file(const QString& path, QGraphicsView& view, const QString& title);

/// The text as one CSV field, quoted where it needs to be.
QString csv_field(const QString& text);
/// A number in a form that reads back to the same 32-bit or 64-bit value.
QString csv_number(float value);
QString csv_number(double value);

/// A picture of the widget on its card's colour at twice the screen's resolution.
QImage picture_of(QWidget& widget);

struct ExportChoice {
    QString label;   ///< "PNG picture…"
    QString suffix;  ///< "png"
    std::function<bool(const QString& path)> write;
};

/// A menu owned by `chart` with the choices (each asks for a file name and reports a failure), "Copy picture"
/// and "Copy values".
QMenu* make_export_menu(QWidget& chart, const std::vector<ExportChoice>& choices,
                        std::function<QString()> values_as_csv);

}  // namespace spectral::ui
