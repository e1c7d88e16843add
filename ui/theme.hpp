// The window's two colour themes, the application style made from them, and the notice of a switch.
#pragma once

#include <QColor>
#include <QFont>
#include <QObject>
#include <QString>
#include <array>

class QApplication;
class QWidget;

namespace spectral::ui {

enum class ThemeKind { dark, light };

struct Theme {
    ThemeKind kind;
    QColor background, side, surface, raised, line;
    QColor text, muted, faint;
    QColor accent, accent_text;
    QColor ok, warn, error;
    std::array<QColor, 6> series;

    static const Theme& dark();
    static const Theme& light();
    /// The theme last given to apply_theme(); dark before the first call.
    static const Theme& current();

    /// Series colour s1…s6, repeated after six; any integer is legal.
    QColor series_colour(int index) const;
};

/// Tells widgets that paint themselves that Theme::current() has changed.
class ThemeNotifier : public QObject {
    Q_OBJECT

public:
    static ThemeNotifier& instance();

Q_SIGNALS:
    void changed();

private:
    ThemeNotifier() = default;
    friend void apply_theme(QApplication& application, ThemeKind kind);
};

/// Fusion style, palette, font and style sheet of the whole application; emits ThemeNotifier::changed().
void apply_theme(QApplication& application, ThemeKind kind);

/// Inter at 13 px where it is installed, else the system's font at 13 px.
QFont interface_font();

/// A font of the given pixel size whose ten digits are equally wide, for columns of numbers.
QFont tabular_font(int pixel_size = 13);

/// Gives a widget one of the style sheet's roles: card, primary, title, subtitle, section, muted, note, chip,
/// side, top, status, error, message, page. The widget is re-styled at once.
void set_role(QWidget& widget, const QString& role);

}  // namespace spectral::ui
