// The window's own icons, tinted with the colours of the theme in use.
#pragma once

#include <QColor>
#include <QIcon>
#include <QString>

class QAbstractButton;
class QAction;

namespace spectral::ui {

/// Icon `name` of resources/icons (play, pause, step, stop, save, open, export, sun-moon, resume, follow) in
/// one colour, greyed when disabled. An unknown name gives a null icon.
QIcon make_icon(const QString& name, const QColor& colour);

/// The icon in the theme's text colour, or on the accent for a primary button; follows every theme switch.
void set_icon(QAbstractButton& button, const QString& name, bool on_accent = false);
void set_icon(QAction& action, const QString& name);

}  // namespace spectral::ui
