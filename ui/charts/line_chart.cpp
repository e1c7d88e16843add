// Settings, series and the single refresh that brings them to the screen; the preparation of the data is in
// line_chart_data.cpp, menus and export are in line_chart_actions.cpp.
#include "ui/charts/line_chart.hpp"

#include <QAction>
#include <QChart>
#include <QLineSeries>
#include <QMetaObject>
#include <QPen>
#include <QSignalBlocker>
#include <QVBoxLayout>
#include <QValueAxis>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include "ui/charts/decimate.hpp"
#include "ui/theme.hpp"

namespace spectral::ui {
namespace {

constexpr double kLargestSmoothing = 0.999;

/// Those of `points` whose markers stand clear of each other, `gap` apart along x; the last is one of them.
QList<QPointF> spread_out(const QList<QPointF>& points, double gap) {
    QList<QPointF> spread;
    for (const QPointF& point : points) {
        if (spread.isEmpty() || point.x() - spread.back().x() >= gap) {
            spread.push_back(point);
        }
    }
    if (spread.size() > 1 && spread.back() != points.back()) {
        spread.back() = points.back();
    }
    return spread;
}

}  // namespace

LineChart::LineChart(QWidget* parent)
    : QWidget(parent),
      empty_text_(QStringLiteral("No data yet")),
      view_(new PlotView(this)),
      x_axis_(new QValueAxis(this)),
      y_axis_(new QValueAxis(this)),
      log_action_(new QAction(this)),
      smoothing_action_(new QAction(this)),
      export_action_(new QAction(this)) {
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(view_);
    setFocusProxy(view_);
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Expanding);
    view_->setObjectName(QStringLiteral("plot"));
    for (QValueAxis* axis : {x_axis_, y_axis_}) {
        axis->setVisible(false);
    }
    view_->chart()->addAxis(x_axis_, Qt::AlignBottom);
    view_->chart()->addAxis(y_axis_, Qt::AlignLeft);
    view_->set_hover_source([this](double x) { return readout_at(x); });
    make_actions();
    connect(view_, &PlotView::resized, this, [this] { schedule(); });
    connect(view_, &PlotView::rangeRequested, this, &LineChart::set_ranges);
    connect(view_, &PlotView::resetRequested, this, &LineChart::reset_zoom);
    connect(view_, &PlotView::menuRequested, this, &LineChart::show_menu);
    connect(view_, &PlotView::legendClicked, this, [this](int index) {
        set_series_visible(index, !series_[static_cast<std::size_t>(index)].visible);
    });
    connect(&ThemeNotifier::instance(), &ThemeNotifier::changed, this, [this] {
        style_lines();
        schedule();
    });
    schedule();
}

void LineChart::set_axis_titles(AxisTitle x, AxisTitle y) {
    x_.title = std::move(x);
    y_.title = std::move(y);
    schedule();
}

void LineChart::set_x_format(NumberFormat format) {
    x_.format = std::move(format);
    schedule();
}

void LineChart::set_y_format(NumberFormat format) {
    y_.format = std::move(format);
    schedule();
}

void LineChart::set_y_limits(std::optional<double> low, std::optional<double> high) {
    y_low_limit_ = low;
    y_high_limit_ = high;
    schedule();
}

int LineChart::add_series(const SeriesStyle& style) {
    Series series;
    series.style = style;
    series.line = new QLineSeries(this);
    series.line->setName(style.name);
    view_->chart()->addSeries(series.line);
    series.line->attachAxis(x_axis_);
    series.line->attachAxis(y_axis_);
    series_.push_back(std::move(series));
    style_lines();
    schedule();
    return series_count() - 1;
}

void LineChart::clear_series() {
    for (Series& series : series_) {
        view_->chart()->removeSeries(series.line);
        delete series.line;
    }
    series_.clear();
    schedule();
}

void LineChart::set_series_data(int index, std::vector<double> xs, std::vector<double> ys) {
    Series& series = series_.at(static_cast<std::size_t>(index));
    const std::size_t count = std::min(xs.size(), ys.size());
    xs.resize(count);
    ys.resize(count);
    series.xs = std::move(xs);
    series.ys = std::move(ys);
    series.stale = true;
    schedule();
}

void LineChart::set_series_visible(int index, bool visible) {
    Series& series = series_.at(static_cast<std::size_t>(index));
    series.visible = visible;
    series.line->setVisible(visible);
    schedule();
}

void LineChart::set_series_name(int index, const QString& name) {
    series_.at(static_cast<std::size_t>(index)).style.name = name;
    schedule();
}

void LineChart::set_reference_line(const QString& name, double y) {
    const auto found = std::find_if(reference_lines_.begin(), reference_lines_.end(),
                                    [&name](const NamedLevel& line) { return line.name == name; });
    if (found != reference_lines_.end()) {
        found->y = y;
    } else {
        reference_lines_.push_back({name, y});
    }
    schedule();
}

void LineChart::clear_reference_lines() {
    reference_lines_.clear();
    schedule();
}

void LineChart::set_cursor(std::optional<double> x) {
    cursor_ = x;
    schedule();
}

void LineChart::set_log_y(bool logarithmic) {
    if (y_.log == logarithmic) {
        return;
    }
    y_.log = logarithmic;
    zoomed_ = false;
    {
        const QSignalBlocker blocker(log_action_);
        log_action_->setChecked(logarithmic);
    }
    schedule(true);
    Q_EMIT logYChanged(logarithmic);
}

void LineChart::set_log_x(bool logarithmic, int tick_base) {
    x_.log = logarithmic;
    x_.log_base = tick_base;
    zoomed_ = false;
    schedule(true);
}

void LineChart::set_smoothing(double factor) {
    const double usable = std::isfinite(factor) ? std::clamp(factor, 0.0, kLargestSmoothing) : 0.0;
    if (usable == smoothing_) {
        return;
    }
    smoothing_ = usable;
    schedule(true);
    Q_EMIT smoothingChanged(smoothing_);
}

void LineChart::set_empty_text(const QString& text) {
    empty_text_ = text;
    schedule();
}

void LineChart::set_legend_visible(bool visible) {
    legend_visible_ = visible;
    schedule();
}

void LineChart::reset_zoom() {
    zoomed_ = false;
    schedule();
}

void LineChart::set_ranges(double x_low, double x_high, double y_low, double y_high) {
    x_.low = x_low;
    x_.high = x_high;
    y_.low = y_low;
    y_.high = y_high;
    zoomed_ = AxisRange{x_low, x_high} != x_.whole || AxisRange{y_low, y_high} != y_.whole;
    schedule();
}

void LineChart::schedule(bool all_series) {
    if (all_series) {
        for (Series& series : series_) {
            series.stale = true;
        }
    }
    if (!scheduled_) {
        scheduled_ = true;
        QMetaObject::invokeMethod(this, &LineChart::flush, Qt::QueuedConnection);
    }
}

void LineChart::flush() {
    if (scheduled_) {
        scheduled_ = false;
        refresh();
    }
}

void LineChart::refresh() {
    for (Series& series : series_) {
        if (series.stale) {
            prepare(series);
        }
    }
    const bool has_points = find_ranges(x_.whole, y_.whole);
    // Series that are hidden come back to the view that was left.
    zoomed_ = zoomed_ && std::ranges::any_of(series_, [](const Series& each) { return !each.xs.empty(); });
    if (!zoomed_) {
        x_.low = x_.whole.low;
        x_.high = x_.whole.high;
        y_.low = y_.whole.low;
        y_.high = y_.whole.high;
    }
    view_->set_scene(make_scene(has_points));
    // Every change of a range strokes every line again, so the lines are taken off meanwhile.
    if (x_axis_->min() != x_.low || x_axis_->max() != x_.high || y_axis_->min() != y_.low ||
        y_axis_->max() != y_.high) {
        for (Series& series : series_) {
            series.line->clear();
        }
        x_axis_->setRange(x_.low, x_.high);
        y_axis_->setRange(y_.low, y_.high);
    }
    const double pixels = view_->plot_area().width();
    std::vector<MarkerSet> markers;
    for (Series& series : series_) {
        const QList<QPointF> points = decimate_min_max(series.plot_xs, series.plot_ys, x_.low, x_.high,
                                                       std::max(1, static_cast<int>(pixels)));
        if (series.visible && is_marked(series, points.size())) {
            const double gap = kPixelsPerMarker * (x_.high - x_.low) / std::max(1.0, pixels);
            markers.push_back({colour_of(series), spread_out(points, gap)});
        }
        series.line->replace(points);
    }
    view_->set_markers(std::move(markers));
}

bool LineChart::is_marked(const Series& series, qsizetype points) const {
    const bool sparse = static_cast<double>(points) * kPixelsPerMarker <= view_->plot_area().width();
    return series.style.markers == Markers::always || (series.style.markers == Markers::automatic && sparse);
}

QColor LineChart::colour_of(const Series& series) const {
    const Theme& theme = Theme::current();
    return series.style.colour < 0 ? theme.muted : theme.series_colour(series.style.colour);
}

void LineChart::style_lines() {
    for (const Series& series : series_) {
        QPen pen(colour_of(series), series.style.width);
        if (series.style.dashed) {
            pen.setDashPattern({5.0, 4.0});
        }
        pen.setJoinStyle(Qt::BevelJoin);
        series.line->setPen(pen);
    }
}

PlotScene LineChart::make_scene(bool has_points) const {
    PlotScene scene;
    scene.x = x_;
    scene.y = y_;
    for (std::size_t i = 0; legend_visible_ && i < series_.size(); ++i) {
        const Series& series = series_[i];
        if (!series.style.name.isEmpty()) {
            scene.legend.push_back({static_cast<int>(i), series.style.name, colour_of(series),
                                    series.style.dashed, series.visible, series.xs.size() == 1});
        }
    }
    for (const NamedLevel& line : reference_lines_) {
        scene.reference_lines.push_back({line.name, on_axis(line.y, y_.log), Theme::current().warn});
    }
    if (cursor_) {
        scene.cursor = on_axis(*cursor_, x_.log);
    }
    if (!has_points) {
        scene.message = empty_text_;
    }
    return scene;
}

}  // namespace spectral::ui
