#include "app/commands/curves_picture.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <optional>

namespace spectral::app {

namespace {

constexpr double kWidth = 560, kHeight = 380, kLeft = 64, kTop = 48, kBottom = 48, kRight = 16, kLegend = 200;
/// Okabe & Ito's colours, told apart by colour-blind readers too.
constexpr std::array kColours{"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                              "#e69f00", "#56b4e9", "#7a5c00", "#8a2be2"};
constexpr std::array kNullDashes{"6 4", "2 3", "8 3 2 3"};

std::string escaped(const std::string& text) {
    std::string result;
    for (const char c : text) {
        if (c == '<')
            result += "&lt;";
        else if (c == '&')
            result += "&amp;";
        else
            result += c;
    }
    return result;
}

struct Range {
    double low = std::numeric_limits<double>::infinity(), high = -std::numeric_limits<double>::infinity();
    void add(double value) {
        low = std::min(low, value);
        high = std::max(high, value);
    }
    double place(double value) const { return high > low ? (value - low) / (high - low) : 0.5; }
};

using Value = std::function<std::optional<double>(const CurvePoint&)>;

struct Style {
    std::string colour, dash;
};

std::vector<Style> styles(const std::vector<Curve>& curves) {
    std::vector<Style> result;
    std::size_t colour = 0, null = 0;
    for (const Curve& curve : curves) {
        if (curve.is_null)
            result.push_back({"#777777", kNullDashes[null++ % kNullDashes.size()]});
        else {
            // The second time round the colours, lines are dotted.
            result.push_back({kColours[colour % kColours.size()], colour < kColours.size() ? "" : "1 3"});
            ++colour;
        }
    }
    return result;
}

std::string panel(const std::vector<Curve>& curves, const std::vector<Style>& style, double left,
                  const std::string& name, const Value& value, bool percent) {
    Range x, y;
    for (const Curve& curve : curves)
        for (const CurvePoint& point : curve.points)
            if (const auto found = value(point)) {
                x.add(std::log2(point.ratio));
                y.add(*found);
            }
    if (!(x.low <= x.high)) return {};  // nothing was reached
    const double width = kWidth - kLeft - kRight, height = kHeight - kTop - kBottom;
    const auto at_x = [&](double ratio) { return left + kLeft + width * x.place(std::log2(ratio)); };
    const auto at_y = [&](double v) { return kTop + height * (1 - y.place(v)); };
    std::string svg = fmt::format("<text x=\"{:.0f}\" y=\"{:.0f}\" font-weight=\"600\">{}</text>\n",
                                  left + kLeft, kTop - 12, name);
    for (int tick = 0; tick <= 4; ++tick) {
        const double v = y.low + (y.high - y.low) * tick / 4;
        svg += fmt::format(
            "<line x1=\"{0:.1f}\" x2=\"{1:.1f}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\" stroke=\"#ddd\"/>"
            "<text x=\"{3:.1f}\" y=\"{4:.1f}\" text-anchor=\"end\">{5}</text>\n",
            left + kLeft, left + kLeft + width, at_y(v), left + kLeft - 6, at_y(v) + 4,
            percent ? fmt::format("{:.1f} %", 100 * v) : fmt::format("{:.2f}", v));
    }
    for (double ratio = 1; std::log2(ratio) <= x.high; ratio *= 2)
        if (std::log2(ratio) >= x.low)
            svg += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{:g}×</text>\n",
                               at_x(ratio), kHeight - kBottom + 18, ratio);
    svg += fmt::format(
        "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">dense bytes / stored bytes</text>\n",
        left + kLeft + width / 2, kHeight - kBottom + 36);
    for (std::size_t i = 0; i < curves.size(); ++i) {
        std::string points;
        std::size_t count = 0;
        for (const CurvePoint& point : curves[i].points)
            if (const auto found = value(point)) {
                points += fmt::format("{:.1f},{:.1f} ", at_x(point.ratio), at_y(*found));
                ++count;
                svg += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"2\" fill=\"{}\"/>",
                                   at_x(point.ratio), at_y(*found), style[i].colour);
            }
        if (count > 1)
            svg += fmt::format(
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.5\" "
                "stroke-dasharray=\"{}\"/>\n",
                points, style[i].colour, style[i].dash.empty() ? "none" : style[i].dash);
    }
    return svg;
}

}  // namespace

std::string curves_svg(const std::string& title, const std::vector<Curve>& curves) {
    const std::vector<Style> style = styles(curves);
    const bool judged = std::ranges::any_of(curves, [](const Curve& curve) {
        return std::ranges::any_of(curve.points,
                                   [](const CurvePoint& point) { return point.accuracy.has_value(); });
    });
    const double width = (judged ? 2 : 1) * kWidth + kLegend;
    const double height = std::max(kHeight, kTop + 18 * static_cast<double>(curves.size()) + 12);
    std::string svg = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" height=\"{1:.0f}\" viewBox=\"0 0 "
        "{0:.0f} {1:.0f}\" "
        "font-family=\"Inter, sans-serif\" font-size=\"12\" fill=\"#222\">\n"
        "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n<text x=\"16\" y=\"20\" "
        "font-size=\"14\">{2}</text>\n",
        width, height, escaped(title));
    svg += panel(
        curves, style, 0, "relative error",
        [](const CurvePoint& p) { return std::optional(p.relative_error); }, false);
    if (judged)
        svg += panel(
            curves, style, kWidth, "test accuracy", [](const CurvePoint& p) { return p.accuracy; }, true);
    for (std::size_t i = 0; i < curves.size(); ++i) {
        const double y = kTop + 18 * static_cast<double>(i);
        svg += fmt::format(
            "<line x1=\"{0:.0f}\" x2=\"{1:.0f}\" y1=\"{2:.0f}\" y2=\"{2:.0f}\" stroke=\"{3}\" "
            "stroke-width=\"2\" "
            "stroke-dasharray=\"{4}\"/><text x=\"{5:.0f}\" y=\"{6:.0f}\">{7}</text>\n",
            width - kLegend + 8, width - kLegend + 36, y, style[i].colour,
            style[i].dash.empty() ? "none" : style[i].dash, width - kLegend + 44, y + 4,
            escaped(curves[i].title));
    }
    return svg + "</svg>\n";
}

}  // namespace spectral::app
