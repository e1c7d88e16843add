// Curves over a common x axis: live data, linear or logarithmic, smoothed on request, with zoom, readout and
// export.
#pragma once

#include <QList>
#include <QPointF>
#include <QString>
#include <QWidget>
#include <optional>
#include <vector>

#include "ui/charts/plot_view.hpp"
#include "ui/charts/ticks.hpp"

class QAction;
class QLineSeries;
class QMenu;
class QValueAxis;

namespace spectral::ui {

constexpr double kPixelsPerMarker = 10.0;

enum class Markers { automatic, always, never };

struct SeriesStyle {
    QString name;
    int colour = 0;         ///< s1…s6 of the theme, counted from 0; -1 is the muted text colour
    bool smoothed = false;  ///< follows the chart's smoothing factor
    bool dashed = false;    ///< for nulls and ideals
    Markers markers = Markers::automatic;
    double width = 1.0;
};

class LineChart : public QWidget {
    Q_OBJECT

public:
    explicit LineChart(QWidget* parent = nullptr);

    void set_axis_titles(AxisTitle x, AxisTitle y);
    /// Tick labels and readout values; nothing means the shortest form.
    void set_x_format(NumberFormat format);
    void set_y_format(NumberFormat format);
    /// Limits that the y axis always includes or never leaves while it is not zoomed, such as 0 and 1.
    void set_y_limits(std::optional<double> low, std::optional<double> high);

    /// Index of the new series.
    int add_series(const SeriesStyle& style);
    void clear_series();
    int series_count() const { return static_cast<int>(series_.size()); }
    /// Replaces a series; the picture follows once per turn of the event loop, however many series change.
    void set_series_data(int index, std::vector<double> xs, std::vector<double> ys);
    void set_series_visible(int index, bool visible);
    void set_series_name(int index, const QString& name);

    void set_reference_line(const QString& name, double y);  ///< added, or moved where the name is known
    void clear_reference_lines();
    /// A vertical line at x, or none.
    void set_cursor(std::optional<double> x);

    void set_log_y(bool logarithmic);
    /// Ticks of base 2 for points that are powers of two.
    void set_log_x(bool logarithmic, int tick_base = kDecimal);
    bool log_y() const { return y_.log; }
    /// Exponential smoothing of the flagged series: 0 is off, below 1.
    void set_smoothing(double factor);
    double smoothing() const { return smoothing_; }
    void set_empty_text(const QString& text);
    void set_legend_visible(bool visible);

    void reset_zoom();
    bool is_zoomed() const { return zoomed_; }
    /// Brings the picture up to date now.
    void flush();

    /// The points handed to the painter, on the axes (logarithms on a logarithmic axis).
    QList<QPointF> drawn_points(int index) const;
    Readout readout_at(double x) const;
    PlotView* view() const { return view_; }

    bool export_png(const QString& path);
    bool export_svg(const QString& path);
    bool export_csv(const QString& path) const;
    QString to_csv() const;

    /// Actions for a card: a checkable toggle and two menus.
    QAction* log_action() const { return log_action_; }
    QAction* smoothing_action() const { return smoothing_action_; }
    QAction* export_action() const { return export_action_; }

    QSize sizeHint() const override { return {380, 240}; }
    QSize minimumSizeHint() const override { return {160, 120}; }

Q_SIGNALS:
    void logYChanged(bool logarithmic);
    void smoothingChanged(double factor);

private:
    struct Series {
        SeriesStyle style;
        std::vector<double> xs, ys;            // as given
        std::vector<double> plot_xs, plot_ys;  // finite, ordered, smoothed, on the axes
        AxisRange y_range;                     // of plot_ys where there are any
        QLineSeries* line = nullptr;
        bool visible = true;
        bool stale = true;
    };
    struct NamedLevel {
        QString name;
        double y;
    };

    static double on_axis(double value, bool logarithmic);
    void make_actions();
    void show_menu(const QPoint& global_position);
    void schedule(bool all_series = false);
    void refresh();
    void prepare(Series& series) const;
    void style_lines();
    /// Drawn as points: they are not to lie on the frame.
    bool is_marked(const Series& series, qsizetype points) const;
    bool find_ranges(AxisRange& x, AxisRange& y) const;
    QColor colour_of(const Series& series) const;
    PlotScene make_scene(bool has_points) const;
    void set_ranges(double x_low, double x_high, double y_low, double y_high);

    std::vector<Series> series_;
    std::vector<NamedLevel> reference_lines_;
    PlotAxis x_;
    PlotAxis y_;
    std::optional<double> y_low_limit_;
    std::optional<double> y_high_limit_;
    std::optional<double> cursor_;
    double smoothing_ = 0.0;
    bool zoomed_ = false;
    bool legend_visible_ = true;
    bool scheduled_ = false;
    QString empty_text_;
    PlotView* view_;
    QValueAxis* x_axis_;
    QValueAxis* y_axis_;
    QAction* log_action_;
    QAction* smoothing_action_;
    QAction* export_action_;
    QMenu* export_menu_ = nullptr;
};

}  // namespace spectral::ui
