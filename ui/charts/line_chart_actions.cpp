// The line chart's menus, readout and ways out: PNG, SVG, CSV and the clipboard.
#include <QAction>
#include <QActionGroup>
#include <QLineSeries>
#include <QMenu>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "ui/charts/export.hpp"
#include "ui/charts/line_chart.hpp"
#include "ui/theme.hpp"

namespace spectral::ui {
namespace {

constexpr double kSmoothingChoices[] = {0.0, 0.3, 0.6, 0.8, 0.9, 0.97};

double off_axis(double position, bool logarithmic) {
    return logarithmic ? std::pow(10.0, position) : position;
}

/// A format writes the unit itself.
QString value_text(const PlotAxis& axis, double position) {
    const double value = off_axis(position, axis.log);
    return axis.format ? axis.format(value) : axis.title.with_unit(short_number(value));
}

std::size_t nearest_index(const std::vector<double>& xs, double x) {
    const auto i = static_cast<std::size_t>(std::lower_bound(xs.begin(), xs.end(), x) - xs.begin());
    return i == xs.size() || (i > 0 && x - xs[i - 1] < xs[i] - x) ? i - 1 : i;
}

}  // namespace

void LineChart::make_actions() {
    const QString help = QStringLiteral(
        "Wheel zooms (Shift: x only, Ctrl: y only), drag pans, double-click shows everything. "
        "Keys: + and −, arrows, Home. The menu exports and copies.");
    view_->setToolTip(help);
    view_->setAccessibleName(QStringLiteral("Chart"));
    view_->setAccessibleDescription(help);

    log_action_->setObjectName(QStringLiteral("log_y"));
    log_action_->setText(QStringLiteral("log"));
    log_action_->setToolTip(QStringLiteral("Logarithmic y axis; values of zero and below are left out"));
    log_action_->setCheckable(true);
    connect(log_action_, &QAction::toggled, this, &LineChart::set_log_y);

    smoothing_action_->setObjectName(QStringLiteral("smoothing"));
    smoothing_action_->setText(QStringLiteral("smooth"));
    smoothing_action_->setToolTip(QStringLiteral("Exponential smoothing of the noisy curves"));
    auto* menu = new QMenu(QStringLiteral("Smoothing"), this);
    menu->setObjectName(QStringLiteral("smoothing_menu"));
    menu->setAccessibleName(menu->title());
    auto* group = new QActionGroup(menu);
    for (const double factor : kSmoothingChoices) {
        QAction* choice = menu->addAction(factor == 0.0 ? QStringLiteral("off") : QString::number(factor));
        choice->setObjectName(QStringLiteral("smoothing_%1").arg(factor));
        choice->setCheckable(true);
        choice->setChecked(factor == smoothing_);
        group->addAction(choice);
        connect(choice, &QAction::triggered, this, [this, factor] { set_smoothing(factor); });
        connect(this, &LineChart::smoothingChanged, choice,
                [choice, factor](double current) { choice->setChecked(std::abs(current - factor) < 1e-9); });
    }
    connect(this, &LineChart::smoothingChanged, smoothing_action_, [this](double current) {
        smoothing_action_->setText(current > 0.0 ? QStringLiteral("smooth %1").arg(current)
                                                 : QStringLiteral("smooth"));
    });
    smoothing_action_->setMenu(menu);

    export_menu_ = make_export_menu(*this,
                                    {{QStringLiteral("PNG picture…"), QStringLiteral("png"),
                                      [this](const QString& path) { return export_png(path); }},
                                     {QStringLiteral("SVG drawing…"), QStringLiteral("svg"),
                                      [this](const QString& path) { return export_svg(path); }},
                                     {QStringLiteral("CSV values…"), QStringLiteral("csv"),
                                      [this](const QString& path) { return export_csv(path); }}},
                                    [this] { return to_csv(); });
    export_action_->setObjectName(QStringLiteral("export"));
    export_action_->setText(QStringLiteral("export"));
    export_action_->setToolTip(QStringLiteral("Save or copy this chart"));
    export_action_->setMenu(export_menu_);
}

void LineChart::show_menu(const QPoint& global_position) {
    auto* menu = new QMenu(this);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    QAction* show_all = menu->addAction(QStringLiteral("Show everything"));
    show_all->setEnabled(zoomed_);
    connect(show_all, &QAction::triggered, this, &LineChart::reset_zoom);
    QAction* logarithmic = menu->addAction(QStringLiteral("Logarithmic y axis"));
    logarithmic->setCheckable(true);
    logarithmic->setChecked(y_.log);
    connect(logarithmic, &QAction::toggled, this, &LineChart::set_log_y);
    const bool any_smoothed = std::any_of(series_.begin(), series_.end(),
                                          [](const Series& series) { return series.style.smoothed; });
    if (any_smoothed) {
        menu->addMenu(smoothing_action_->menu());
    }
    if (series_.size() > 1) {
        menu->addSeparator();
        for (int i = 0; i < series_count(); ++i) {
            const Series& series = series_[static_cast<std::size_t>(i)];
            QAction* shown = menu->addAction(series.style.name);
            shown->setCheckable(true);
            shown->setChecked(series.visible);
            connect(shown, &QAction::toggled, this,
                    [this, i](bool visible) { set_series_visible(i, visible); });
        }
    }
    menu->addSeparator();
    menu->addActions(export_menu_->actions());
    menu->popup(global_position);
}

QList<QPointF> LineChart::drawn_points(int index) const {
    return series_.at(static_cast<std::size_t>(index)).line->points();
}

Readout LineChart::readout_at(double x) const {
    const auto is_asked = [](const Series& series) { return series.visible && !series.plot_xs.empty(); };
    // Points that stand for themselves come before those of a line beside them.
    const double reach = kPixelsPerMarker * (x_.high - x_.low) / std::max(1.0, view_->plot_area().width());
    double nearest_x = x;
    double nearest_distance = std::numeric_limits<double>::infinity();
    for (const Series& series : series_) {
        if (!is_asked(series)) continue;
        const double at = series.plot_xs[nearest_index(series.plot_xs, x)];
        const double ahead = series.style.markers == Markers::always ? reach : 0.0;
        const double distance = std::abs(at - x) - ahead;
        if (distance < nearest_distance) {
            nearest_distance = distance;
            nearest_x = at;
        }
    }
    Readout readout;
    for (const Series& series : series_) {
        if (!is_asked(series)) continue;
        const std::size_t i = nearest_index(series.plot_xs, nearest_x);
        const QPointF point(series.plot_xs[i], series.plot_ys[i]);
        if (series.style.markers == Markers::always && point.x() != nearest_x) continue;
        const QString name = series.style.name.isEmpty() ? y_.title.name : series.style.name;
        readout.rows.append({name, value_text(y_, point.y()), colour_of(series), point});
    }
    const QString title = x_.title.name.isEmpty() ? QStringLiteral("x") : x_.title.name;
    readout.heading = title + QLatin1Char(' ') + value_text(x_, nearest_x);
    return readout;
}

bool LineChart::export_png(const QString& path) {
    flush();
    return write_png_file(path, picture_of(*this));
}

bool LineChart::export_svg(const QString& path) {
    flush();
    return write_svg_file(path, *view_, accessibleName());
}

QString LineChart::to_csv() const {
    const auto title = [](const PlotAxis& axis, const char* otherwise) {
        const QString text = axis.title.text();
        return csv_field(text.isEmpty() ? QString(QLatin1String(otherwise)) : text);
    };
    QString text =
        QStringLiteral("series,") + title(x_, "x") + QLatin1Char(',') + title(y_, "y") + QLatin1Char('\n');
    for (const Series& series : series_) {
        const QString name = csv_field(series.style.name);
        for (std::size_t i = 0; i < series.xs.size(); ++i) {
            text += name + QLatin1Char(',') + csv_number(series.xs[i]) + QLatin1Char(',') +
                    csv_number(series.ys[i]) + QLatin1Char('\n');
        }
    }
    return text;
}

bool LineChart::export_csv(const QString& path) const { return write_text_file(path, to_csv()); }

}  // namespace spectral::ui
