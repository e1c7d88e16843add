// Steps of 1, 2 and 5 times a power of ten; whole decades, then 2 and 5, on a logarithmic axis.
#include "ui/charts/ticks.hpp"

#include <QChar>
#include <algorithm>
#include <cmath>

namespace spectral::ui {
namespace {

constexpr double kPrefixFrom = 1e4;
constexpr double kExponentBelow = 1e-3;

double round_step(double raw) {
    const double power = std::pow(10.0, std::floor(std::log10(raw)));
    const double share = raw / power;
    // The nearest round step on a logarithmic scale: the limits are the geometric means of neighbours.
    return power * (share < 1.414 ? 1.0 : share < 3.162 ? 2.0 : share < 7.071 ? 5.0 : 10.0);
}

struct Prefix {
    double factor;
    const char* letter;
};

Prefix prefix_for(double magnitude) {
    for (const Prefix prefix :
         {Prefix{1e12, " T"}, Prefix{1e9, " G"}, Prefix{1e6, " M"}, Prefix{1e3, " k"}}) {
        if (magnitude >= prefix.factor) {
            return prefix;
        }
    }
    return {1.0, ""};
}

QString plain(double value, int digits) {
    const double magnitude = std::abs(value);
    if (magnitude > 0.0 && magnitude < kExponentBelow) {
        const int exponent = static_cast<int>(std::floor(std::log10(magnitude) + 1e-9));
        const double mantissa = value / std::pow(10.0, exponent);
        return QString::number(mantissa, 'g', digits) + QStringLiteral("e") + QString::number(exponent);
    }
    QString text = QString::number(value, 'g', digits);
    // 1e+04 reads better as 1e4.
    text.replace(QStringLiteral("e+0"), QStringLiteral("e"));
    text.replace(QStringLiteral("e+"), QStringLiteral("e"));
    return text;
}

std::vector<double> linear_positions(double low, double high, double step) {
    std::vector<double> positions;
    const double tolerance = step * 1e-6;
    const double first = std::ceil((low - tolerance) / step);
    const double last = std::floor((high + tolerance) / step);
    for (double multiple = first; multiple <= last && positions.size() < 100; multiple += 1.0) {
        positions.push_back(multiple * step + 0.0);
    }
    return positions;
}

std::vector<Tick> linear_ticks(double low, double high, int wanted, const NumberFormat& format) {
    double step = round_step((high - low) / wanted);
    std::vector<double> values = linear_positions(low, high, step);
    if (values.size() < 2 && wanted > 1) {  // one alone says nothing of the scale
        step = round_step(step / 2.0);
        values = linear_positions(low, high, step);
    }
    std::vector<Tick> ticks;
    for (const double value : values) {
        ticks.push_back({value, format ? format(value) : tick_number(value, step)});
    }
    return ticks;
}

std::vector<Tick> logarithmic_ticks(double low, double high, int wanted, const NumberFormat& format) {
    const auto label = [&format](double value) { return format ? format(value) : short_number(value); };
    const double decades = high - low;
    std::vector<Tick> ticks;
    if (decades >= 0.8) {
        const double stride = std::max(1.0, std::ceil(decades / wanted));
        const bool intermediate = decades < 2.0;
        for (double power = std::floor(low); power <= std::ceil(high); power += 1.0) {
            const bool shown = std::fmod(std::abs(power), stride) < 0.5;
            for (const double factor : {1.0, 2.0, 5.0}) {
                const double position = power + std::log10(factor);
                const bool wanted_here = factor == 1.0 ? shown : intermediate;
                if (wanted_here && position >= low - 1e-9 && position <= high + 1e-9) {
                    ticks.push_back({position, label(std::pow(10.0, position))});
                }
            }
        }
        return ticks;
    }
    // Less than a decade: round values, placed at their logarithms.
    const double from = std::pow(10.0, low);
    const double to = std::pow(10.0, high);
    const double step = round_step((to - from) / wanted);
    for (const double value : linear_positions(from, to, step)) {
        if (value > 0.0) {
            ticks.push_back({std::log10(value), format ? format(value) : tick_number(value, step)});
        }
    }
    return ticks;
}

/// 16, 32, 64, …; every second, third … where there is no room for all.
std::vector<Tick> power_ticks(double low, double high, int base, int wanted, const NumberFormat& format) {
    const double unit = std::log10(base);
    const double stride = std::max(1.0, std::ceil((high - low) / unit / wanted));
    std::vector<Tick> ticks;
    for (double power = std::ceil(low / unit / stride - 1e-9) * stride; power * unit <= high + 1e-9;
         power += stride) {
        const double value = std::pow(base, power);
        ticks.push_back({power * unit, format ? format(value) : short_number(value)});
    }
    return ticks;
}

}  // namespace

std::vector<Tick> axis_ticks(double low, double high, bool logarithmic, int wanted,
                             const NumberFormat& format, int log_base) {
    if (!(high > low) || !std::isfinite(high - low) || wanted < 1) {
        return {};
    }
    // Within less than two powers of the base round values tell more.
    if (logarithmic && log_base != kDecimal && high - low >= 2.0 * std::log10(log_base)) {
        return power_ticks(low, high, log_base, wanted, format);
    }
    return logarithmic ? logarithmic_ticks(low, high, wanted, format)
                       : linear_ticks(low, high, wanted, format);
}

QString short_number(double value, int digits) {
    if (!std::isfinite(value)) {
        return std::isnan(value) ? QStringLiteral("not a number") : QStringLiteral("infinite");
    }
    const double magnitude = std::abs(value);
    if (magnitude >= kPrefixFrom && magnitude < 1e16) {
        const Prefix prefix = prefix_for(magnitude);
        return plain(value / prefix.factor, digits) + QLatin1String(prefix.letter);
    }
    return plain(value, digits);
}

QString tick_number(double value, double step) {
    if (value == 0.0) {
        return QStringLiteral("0");
    }
    const double magnitude = std::abs(value);
    if (magnitude >= 1e16 || (magnitude < kExponentBelow && step < kExponentBelow)) {
        return plain(value, 3);
    }
    const Prefix prefix = magnitude >= kPrefixFrom ? prefix_for(magnitude) : Prefix{1.0, ""};
    const double scaled_step = step / prefix.factor;
    const int decimals = std::clamp(static_cast<int>(std::ceil(-std::log10(scaled_step) - 1e-9)), 0, 12);
    return QString::number(value / prefix.factor, 'f', decimals) + QLatin1String(prefix.letter);
}

}  // namespace spectral::ui
