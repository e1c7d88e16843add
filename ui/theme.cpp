// Colours of the two themes and their translation into a palette and the style sheet of resources/themes.
#include "ui/theme.hpp"

#include <QApplication>
#include <QFile>
#include <QFontDatabase>
#include <QFontMetricsF>
#include <QPalette>
#include <QStyle>
#include <QStyleFactory>
#include <QVariant>
#include <QWidget>
#include <utility>
#include <vector>

// Resources of a static library are registered by hand, from outside of any namespace.
static void register_theme_resources() { Q_INIT_RESOURCE(themes); }

namespace spectral::ui {
namespace {

constexpr int kFontPixels = 13;
constexpr const char* kRoleProperty = "role";

ThemeKind current_kind = ThemeKind::dark;

QColor rgb(QRgb value) { return QColor(value); }

bool has_tabular_digits(const QFont& font) {
    const QFontMetricsF metrics(font);
    const qreal width = metrics.horizontalAdvance(QLatin1Char('0'));
    for (char digit = '1'; digit <= '9'; ++digit) {
        if (qAbs(metrics.horizontalAdvance(QLatin1Char(digit)) - width) > 0.01) {
            return false;
        }
    }
    return true;
}

QPalette make_palette(const Theme& theme) {
    QPalette palette;
    palette.setColor(QPalette::Window, theme.background);
    palette.setColor(QPalette::WindowText, theme.text);
    palette.setColor(QPalette::Base, theme.surface);
    palette.setColor(QPalette::AlternateBase, theme.raised);
    palette.setColor(QPalette::Text, theme.text);
    palette.setColor(QPalette::PlaceholderText, theme.muted);
    palette.setColor(QPalette::Button, theme.raised);
    palette.setColor(QPalette::ButtonText, theme.text);
    palette.setColor(QPalette::BrightText, theme.error);
    palette.setColor(QPalette::Light, theme.raised);
    palette.setColor(QPalette::Midlight, theme.raised);
    palette.setColor(QPalette::Mid, theme.line);
    palette.setColor(QPalette::Dark, theme.line);
    palette.setColor(QPalette::Shadow, theme.background);
    palette.setColor(QPalette::Highlight, theme.accent);
    palette.setColor(QPalette::HighlightedText, theme.accent_text);
    palette.setColor(QPalette::Link, theme.accent);
    palette.setColor(QPalette::LinkVisited, theme.accent);
    palette.setColor(QPalette::ToolTipBase, theme.raised);
    palette.setColor(QPalette::ToolTipText, theme.text);
    for (const auto role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText}) {
        palette.setColor(QPalette::Disabled, role, theme.faint);
    }
    palette.setColor(QPalette::Disabled, QPalette::Highlight, theme.line);
    palette.setColor(QPalette::Disabled, QPalette::HighlightedText, theme.muted);
    return palette;
}

QString make_style_sheet(const Theme& theme) {
    register_theme_resources();
    QFile file(QStringLiteral(":/themes/workbench.qss"));
    if (!file.open(QIODevice::ReadOnly)) {
        return {};
    }
    QString sheet = QString::fromUtf8(file.readAll());
    // A token that begins another one comes after it: @accent-text before @accent.
    const std::vector<std::pair<const char*, QString>> tokens = {
        {"@accent-text", theme.accent_text.name()},
        {"@accent", theme.accent.name()},
        {"@background", theme.background.name()},
        {"@side", theme.side.name()},
        {"@surface", theme.surface.name()},
        {"@raised", theme.raised.name()},
        {"@line", theme.line.name()},
        {"@text", theme.text.name()},
        {"@muted", theme.muted.name()},
        {"@faint", theme.faint.name()},
        {"@warn", theme.warn.name()},
        {"@error", theme.error.name()},
        {"@ok", theme.ok.name()},
        {"@kind", theme.kind == ThemeKind::dark ? QStringLiteral("dark") : QStringLiteral("light")},
    };
    for (const auto& [token, value] : tokens) {
        sheet.replace(QLatin1String(token), value);
    }
    return sheet;
}

}  // namespace

const Theme& Theme::dark() {
    static const Theme theme{ThemeKind::dark,
                             rgb(0xff12151a),
                             rgb(0xff171b21),
                             rgb(0xff1c2128),
                             rgb(0xff252b34),
                             rgb(0xff2e3540),
                             rgb(0xffe7eaf0),
                             rgb(0xff97a1b2),
                             rgb(0xff5d6776),
                             rgb(0xff35b8c9),
                             rgb(0xff06252a),
                             rgb(0xff55c98f),
                             rgb(0xffefb14a),
                             rgb(0xffee6a70),
                             {rgb(0xff56b4e9), rgb(0xffe69f00), rgb(0xff2fbf93), rgb(0xffd58bb7),
                              rgb(0xfff0e442), rgb(0xffe8743b)}};
    return theme;
}

const Theme& Theme::light() {
    static const Theme theme{ThemeKind::light,
                             rgb(0xfff4f6f8),
                             rgb(0xffeceff3),
                             rgb(0xffffffff),
                             rgb(0xffeef1f5),
                             rgb(0xffd5dbe3),
                             rgb(0xff1b2330),
                             rgb(0xff556071),
                             rgb(0xff8b95a5),
                             rgb(0xff0b7f8f),
                             rgb(0xffffffff),
                             rgb(0xff1d8a56),
                             rgb(0xffa86b00),
                             rgb(0xffc23540),
                             {rgb(0xff0072b2), rgb(0xffb87400), rgb(0xff00805d), rgb(0xffa8467f),
                              rgb(0xff6a58b8), rgb(0xffc14a12)}};
    return theme;
}

const Theme& Theme::current() { return current_kind == ThemeKind::dark ? dark() : light(); }

QColor Theme::series_colour(int index) const {
    const int count = static_cast<int>(series.size());
    return series[static_cast<std::size_t>(((index % count) + count) % count)];
}

ThemeNotifier& ThemeNotifier::instance() {
    static ThemeNotifier notifier;
    return notifier;
}

QFont interface_font() {
    // Asking the font database takes longer than painting a chart.
    static const QFont font = [] {
        QFont found = QFontDatabase::hasFamily(QStringLiteral("Inter"))
                          ? QFont(QStringLiteral("Inter"))
                          : QFontDatabase::systemFont(QFontDatabase::GeneralFont);
        found.setPixelSize(kFontPixels);
        return found;
    }();
    return font;
}

QFont tabular_font(int pixel_size) {
    QFont font = interface_font();
    font.setPixelSize(pixel_size);
    if (has_tabular_digits(font)) {
        return font;
    }
    for (const char* family : {"Noto Sans", "Open Sans", "Liberation Sans", "DejaVu Sans"}) {
        if (!QFontDatabase::hasFamily(QLatin1String(family))) {
            continue;
        }
        QFont candidate{QString(QLatin1String(family))};
        candidate.setPixelSize(pixel_size);
        if (has_tabular_digits(candidate)) {
            return candidate;
        }
    }
    return font;
}

void apply_theme(QApplication& application, ThemeKind kind) {
    current_kind = kind;
    const Theme& theme = Theme::current();
    application.setStyle(QStyleFactory::create(QStringLiteral("Fusion")));
    application.setPalette(make_palette(theme));
    application.setFont(interface_font());
    application.setStyleSheet(make_style_sheet(theme));
    Q_EMIT ThemeNotifier::instance().changed();
}

void set_role(QWidget& widget, const QString& role) {
    if (widget.property(kRoleProperty).toString() == role) {
        return;
    }
    widget.setProperty(kRoleProperty, role);
    widget.style()->unpolish(&widget);
    widget.style()->polish(&widget);
    widget.update();
}

}  // namespace spectral::ui
