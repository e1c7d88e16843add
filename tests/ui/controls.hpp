// What every control of the window owes to who cannot see it, or sees it for the first time.
#pragma once

#include <QAbstractButton>
#include <QAbstractSpinBox>
#include <QComboBox>
#include <QLineEdit>
#include <QMenuBar>
#include <QSlider>
#include <QStringList>
#include <QTabBar>
#include <QTableView>

#include "ui/charts/point_cloud.hpp"

namespace spectral::ui {

inline bool is_control(const QWidget& widget) {
    if (widget.objectName().startsWith(QLatin1String("qt_"))) return false;
    const QWidget* parent = widget.parentWidget();
    const auto within = [&]<class Whole>() { return qobject_cast<const Whole*>(parent) != nullptr; };
    if (within.operator()<QAbstractSpinBox>() || within.operator()<QLineEdit>() ||
        within.operator()<QTabBar>() || within.operator()<QMenuBar>() || within.operator()<QTableView>())
        return false;  // a part of one
    const auto is = [&]<class Kind>() { return qobject_cast<const Kind*>(&widget) != nullptr; };
    return is.operator()<QAbstractButton>() || is.operator()<QAbstractSpinBox>() ||
           is.operator()<QComboBox>() || is.operator()<QLineEdit>() || is.operator()<QSlider>() ||
           is.operator()<PointCloud>();
}

/// What controls below `root` lack of a name, a name for screen readers, a tooltip, and a way to them by the
/// keyboard.
inline QStringList what_controls_lack(const QWidget& root) {
    QStringList lacking;
    for (const QWidget* widget : root.findChildren<QWidget*>()) {
        if (!is_control(*widget)) continue;
        const auto require = [&](bool has, const char* what) {
            if (!has)
                lacking << QStringLiteral("%1 '%2': %3")
                               .arg(QLatin1String(widget->metaObject()->className()), widget->objectName(),
                                    QLatin1String(what));
        };
        require(!widget->objectName().isEmpty(), "no name");
        require(!widget->accessibleName().isEmpty(), "no accessible name");
        require(!widget->toolTip().isEmpty(), "no tooltip");
        require(widget->focusPolicy() != Qt::NoFocus || !widget->isEnabled(), "takes no focus");
    }
    return lacking;
}

}  // namespace spectral::ui
