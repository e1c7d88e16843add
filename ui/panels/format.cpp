#include "ui/panels/format.hpp"

#include <QLocale>
#include <array>
#include <cmath>

#include "ui/theme.hpp"

namespace spectral::ui {

namespace {

QString three_digits(double value) {
    const int decimals = value >= 100 || value == std::floor(value) ? 0 : value >= 10 ? 1 : 2;
    return QLocale::c().toString(value, 'f', decimals);
}

QString coloured(const QString& text, const QColor& colour, const char* weight) {
    return QStringLiteral("<span style=\"color:%1;font-weight:%2\">%3</span>")
        .arg(colour.name(), QLatin1String(weight), text.toHtmlEscaped());
}

}  // namespace

QString grouped(std::int64_t value) {
    QLocale locale = QLocale::c();
    locale.setNumberOptions(QLocale::DefaultNumberOptions);
    return locale.toString(qlonglong{value});
}

QString counted(std::int64_t count, const std::string& what) {
    QString word = QString::fromStdString(what);
    if (count != 1 && !word.isEmpty())
        word += word.endsWith(QLatin1String("ss")) ? QStringLiteral("es") : QStringLiteral("s");
    return grouped(count) + QLatin1Char(' ') + word;
}

QString with_prefix(double value) {
    static constexpr std::array kPrefixes{"", " k", " M", " G", " T"};
    std::size_t step = 0;
    while (std::abs(value) >= 999.5 && step + 1 < kPrefixes.size()) {
        value /= 1000;
        ++step;
    }
    return three_digits(value) + QLatin1String(kPrefixes[step]);
}

QString human_bytes(std::size_t bytes) {
    static constexpr std::array kUnits{" B", " KiB", " MiB", " GiB", " TiB"};
    auto value = static_cast<double>(bytes);
    std::size_t step = 0;
    while (value >= 1023.5 && step + 1 < kUnits.size()) {
        value /= 1024;
        ++step;
    }
    return three_digits(value) + QLatin1String(kUnits[step]);
}

QString percent(double fraction) {
    return QLocale::c().toString(100 * fraction, 'f', 1) + QStringLiteral("\u202f%");
}

QString short_real(double value) { return QString::number(value, 'g', 4); }

QString strong(const QString& text) { return coloured(text, Theme::current().text, "500"); }

QString muted(const QString& text) { return coloured(text, Theme::current().muted, "400"); }

}  // namespace spectral::ui
