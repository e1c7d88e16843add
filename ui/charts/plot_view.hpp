// The view under a line chart: paints grid, ticks, titles, legend, reference lines and the hover readout
// around the curves that Qt Charts draws, and turns wheel, drag and keys into wishes for another range.
#pragma once

#include <QChartView>
#include <QColor>
#include <QList>
#include <QPointF>
#include <QRectF>
#include <QString>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "ui/charts/ticks.hpp"

namespace spectral::ui {

struct AxisRange {
    double low = 0.0;
    double high = 1.0;
    bool operator==(const AxisRange&) const = default;
};

/// The nearest range in `whole`; it keeps its length where that fits.
AxisRange within(const AxisRange& wanted, const AxisRange& whole);

/// The smallest range around `value` whose ends differ on an axis.
double smallest_range(double value);

/// "loss, nats": what an axis shows, and in what.
struct AxisTitle {
    QString name;
    QString unit = {};  ///< empty: it has none, or the axis's format writes it

    QString text() const;
    QString with_unit(const QString& number) const;
};

struct PlotAxis {
    AxisTitle title;
    bool log = false;
    int log_base = kDecimal;  ///< of the ticks of a logarithmic axis
    double low = 0.0;         ///< on the axis: decimal logarithms on a logarithmic one
    double high = 1.0;
    AxisRange whole;     ///< all there is to see: zooming and panning end there
    double least = 0.0;  ///< length of a range: zooming ends there
    bool fixed = false;  ///< the wheel and the pointer do not change it
    NumberFormat format;
};

struct LegendEntry {
    int series = 0;
    QString name;
    QColor colour;
    bool dashed = false;
    bool visible = true;
    bool point = false;  ///< the series is a single one, not a line
};

struct ReferenceLine {
    QString name;
    double position = 0.0;  ///< on the y axis, transformed like it
    QColor colour;
};

struct HoverRow {
    QString name;
    QString value;
    QColor colour;
    QPointF point;  ///< on the axes
};

struct Readout {
    QString heading;
    QList<HoverRow> rows;
};

/// Dots on the points of a sparse curve; they are painted whole even at the edge of the plot.
struct MarkerSet {
    QColor colour;
    QList<QPointF> points;  ///< on the axes
};

/// Everything painted besides the curves.
struct PlotScene {
    PlotAxis x;
    PlotAxis y;
    std::vector<LegendEntry> legend;
    std::vector<ReferenceLine> reference_lines;
    std::optional<double> cursor;  ///< on the x axis
    QString message;               ///< in place of data, and of the numbers of the axes
};

class PlotView : public QChartView {
    Q_OBJECT

public:
    explicit PlotView(QWidget* parent = nullptr);

    /// Lays the plot out anew; plot_area() is up to date afterwards.
    void set_scene(PlotScene scene);
    const PlotScene& scene_data() const { return scene_; }
    void set_markers(std::vector<MarkerSet> markers);
    const std::vector<MarkerSet>& markers() const { return markers_; }
    QRectF plot_area() const { return plot_area_; }
    const std::vector<Tick>& x_ticks() const { return x_ticks_; }
    const std::vector<Tick>& y_ticks() const { return y_ticks_; }
    void set_hover_source(std::function<Readout(double x)> source) { hover_source_ = std::move(source); }

    /// What is shown at the pointer now; empty rows when nothing is.
    const Readout& readout() const { return readout_; }

    QPointF to_pixels(const QPointF& point) const;
    QPointF from_pixels(const QPointF& pixels) const;

Q_SIGNALS:
    void rangeRequested(double x_low, double x_high, double y_low, double y_high);
    void resetRequested();
    void resized();
    void legendClicked(int series);
    void menuRequested(const QPoint& global_position);

protected:
    void drawBackground(QPainter* painter, const QRectF& rect) override;
    void drawForeground(QPainter* painter, const QRectF& rect) override;
    void resizeEvent(QResizeEvent* event) override;
    void wheelEvent(QWheelEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;
    void mouseDoubleClickEvent(QMouseEvent* event) override;
    void leaveEvent(QEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void contextMenuEvent(QContextMenuEvent* event) override;
    bool viewportEvent(QEvent* event) override;

private:
    struct PlacedLegendEntry {
        QRectF area;
        LegendEntry entry;
    };

    void lay_out();
    double place_legend(double left, double right);
    void paint_reference_lines(QPainter& painter) const;
    void paint_markers(QPainter& painter) const;
    void paint_legend(QPainter& painter) const;
    void paint_readout(QPainter& painter) const;
    void update_hover();
    /// Asks for these ranges, as far as there is something to see; false where that is what is shown.
    bool request_range(AxisRange x, AxisRange y);
    bool zoom(double factor, const QPointF& centre, bool along_x, bool along_y);
    bool pan(const QPointF& pixels);

    PlotScene scene_;
    QRectF plot_area_;
    std::vector<Tick> x_ticks_;
    std::vector<Tick> y_ticks_;
    std::vector<PlacedLegendEntry> legend_;
    std::vector<MarkerSet> markers_;
    std::function<Readout(double)> hover_source_;
    std::optional<QPointF> pointer_;
    std::optional<QPointF> drag_from_;
    Readout readout_;
};

}  // namespace spectral::ui
