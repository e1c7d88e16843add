// Draws the stroke icons of resources/icons and tints them.
#include "ui/icons.hpp"

#include <QAbstractButton>
#include <QAction>
#include <QFile>
#include <QPainter>
#include <QPixmap>
#include <QSvgRenderer>

#include "ui/theme.hpp"

// Resources of a static library are registered by hand, from outside of any namespace.
static void register_icon_resources() { Q_INIT_RESOURCE(icons); }

namespace spectral::ui {
namespace {

constexpr int kIconPixels[] = {16, 20, 24, 32, 48};

QPixmap tinted(QSvgRenderer& renderer, int pixels, const QColor& colour) {
    QPixmap pixmap(pixels, pixels);
    pixmap.fill(Qt::transparent);
    QPainter painter(&pixmap);
    renderer.render(&painter);
    painter.setCompositionMode(QPainter::CompositionMode_SourceIn);
    painter.fillRect(pixmap.rect(), colour);
    return pixmap;
}

}  // namespace

QIcon make_icon(const QString& name, const QColor& colour) {
    register_icon_resources();
    const QString path = QStringLiteral(":/icons/%1.svg").arg(name);
    if (!QFile::exists(path)) {
        return {};
    }
    QSvgRenderer renderer(path);
    QIcon icon;
    for (const int pixels : kIconPixels) {
        icon.addPixmap(tinted(renderer, pixels, colour), QIcon::Normal);
        icon.addPixmap(tinted(renderer, pixels, Theme::current().faint), QIcon::Disabled);
    }
    return icon;
}

void set_icon(QAbstractButton& button, const QString& name, bool on_accent) {
    // A later icon replaces this one: the name is kept on the button, and one connection serves them all.
    const bool connected = button.property("icon_name").isValid();
    button.setProperty("icon_name", name);
    button.setProperty("icon_on_accent", on_accent);
    const auto tint = [target = &button] {
        const Theme& theme = Theme::current();
        const bool accent = target->property("icon_on_accent").toBool();
        target->setIcon(
            make_icon(target->property("icon_name").toString(), accent ? theme.accent_text : theme.text));
    };
    tint();
    if (!connected) {
        QObject::connect(&ThemeNotifier::instance(), &ThemeNotifier::changed, &button, tint);
    }
}

void set_icon(QAction& action, const QString& name) {
    const bool connected = action.property("icon_name").isValid();
    action.setProperty("icon_name", name);
    const auto tint = [target = &action] {
        target->setIcon(make_icon(target->property("icon_name").toString(), Theme::current().text));
    };
    tint();
    if (!connected) {
        QObject::connect(&ThemeNotifier::instance(), &ThemeNotifier::changed, &action, tint);
    }
}

}  // namespace spectral::ui
