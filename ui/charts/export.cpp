// Files, clipboard and the menu that leads to them.
#include "ui/charts/export.hpp"

#include <QAction>
#include <QBuffer>
#include <QClipboard>
#include <QGraphicsView>
#include <QGuiApplication>
#include <QLocale>
#include <QMenu>
#include <QMessageBox>
#include <QPainter>
#include <QSaveFile>
#include <QSvgGenerator>
#include <QWidget>
#include <utility>

#include "ui/save_dialog.hpp"
#include "ui/theme.hpp"

namespace spectral::ui {
namespace {

constexpr qreal kPictureScale = 2.0;

void ask_and_write(QWidget& chart, const ExportChoice& choice) {
    const QString name = chart.objectName().isEmpty() ? QStringLiteral("chart") : chart.objectName();
    const QString path =
        ask_where_to_save(chart.window(), choice.label, name + QLatin1Char('.') + choice.suffix,
                          choice.suffix.toUpper(), {choice.suffix});
    if (path.isEmpty()) {
        return;
    }
    if (!choice.write(path)) {
        QMessageBox::warning(
            chart.window(), QStringLiteral("Export failed"),
            QStringLiteral("%1 could not be written. Is the folder writable and not full?").arg(path));
    }
}

}  // namespace

bool write_text_file(const QString& path, const QString& text) {
    QSaveFile file(path);
    const QByteArray bytes = text.toUtf8();
    return file.open(QIODevice::WriteOnly) && file.write(bytes) == bytes.size() && file.commit();
}

bool write_png_file(const QString& path, const QImage& image) {
    QSaveFile file(path);
    return !image.isNull() && file.open(QIODevice::WriteOnly) && image.save(&file, "PNG") && file.commit();
}

bool write_svg_file(const QString& path, QGraphicsView& view, const QString& title) {
    QBuffer buffer;
    QSvgGenerator generator;
    generator.setOutputDevice(&buffer);
    generator.setSize(view.viewport()->size());
    generator.setViewBox(view.viewport()->rect());
    generator.setTitle(title);
    {
        QPainter painter(&generator);
        if (!painter.isActive()) {
            return false;
        }
        view.render(&painter, QRectF(view.viewport()->rect()), view.viewport()->rect());
    }
    return write_text_file(path, QString::fromUtf8(buffer.data()));
}

QString csv_field(const QString& text) {
    const bool plain = !text.contains(QLatin1Char(',')) && !text.contains(QLatin1Char('"')) &&
                       !text.contains(QLatin1Char('\n')) && !text.contains(QLatin1Char('\r'));
    if (plain) {
        return text;
    }
    QString quoted = text;
    quoted.replace(QLatin1Char('"'), QStringLiteral("\"\""));
    return QLatin1Char('"') + quoted + QLatin1Char('"');
}

QString csv_number(float value) { return QString::number(static_cast<double>(value), 'g', 9); }

QString csv_number(double value) { return QString::number(value, 'g', QLocale::FloatingPointShortest); }

QImage picture_of(QWidget& widget) {
    QImage image((QSizeF(widget.size()) * kPictureScale).toSize(), QImage::Format_ARGB32_Premultiplied);
    if (image.isNull()) {
        return image;
    }
    image.setDevicePixelRatio(kPictureScale);
    image.fill(Theme::current().surface);
    widget.render(&image, QPoint(), QRegion(), QWidget::DrawChildren);
    return image;
}

QMenu* make_export_menu(QWidget& chart, const std::vector<ExportChoice>& choices,
                        std::function<QString()> values_as_csv) {
    auto* menu = new QMenu(QStringLiteral("Export"), &chart);
    menu->setObjectName(QStringLiteral("export_menu"));
    menu->setAccessibleName(menu->title());
    menu->setToolTipsVisible(true);
    for (const ExportChoice& choice : choices) {
        QAction* action = menu->addAction(choice.label);
        action->setObjectName(QStringLiteral("export_") + choice.suffix);
        action->setToolTip(QStringLiteral("Save this chart as a .%1 file").arg(choice.suffix));
        QObject::connect(action, &QAction::triggered, &chart,
                         [&chart, choice] { ask_and_write(chart, choice); });
    }
    menu->addSeparator();
    QAction* copy_picture = menu->addAction(QStringLiteral("Copy picture"));
    copy_picture->setObjectName(QStringLiteral("copy_picture"));
    copy_picture->setToolTip(QStringLiteral("Put a picture of this chart on the clipboard"));
    QObject::connect(copy_picture, &QAction::triggered, &chart,
                     [&chart] { QGuiApplication::clipboard()->setImage(picture_of(chart)); });
    QAction* copy_values = menu->addAction(QStringLiteral("Copy values"));
    copy_values->setObjectName(QStringLiteral("copy_values"));
    copy_values->setToolTip(QStringLiteral("Put the values on the clipboard as comma-separated text"));
    QObject::connect(copy_values, &QAction::triggered, &chart, [values = std::move(values_as_csv)] {
        QGuiApplication::clipboard()->setText(values());
    });
    return menu;
}

}  // namespace spectral::ui
