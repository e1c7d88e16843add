// Quantities that add up, stacked on each other as steps over time, against a limit. It shows all of the
// time, or a part that was zoomed to; the y axis follows what is in sight.
#pragma once

#include <QAction>
#include <QString>
#include <optional>
#include <vector>

#include "ui/charts/plot_view.hpp"

class QMenu;

namespace spectral::ui {

class StackedChart : public PlotView {
    Q_OBJECT

public:
    struct Band {
        QString name;
        int colour = 0;  ///< of the theme's series; -1: muted
    };
    /// From xs[i] to xs[i + 1], the last one to `end`, band k is values[k][i] thick. xs does not decrease.
    struct Data {
        std::vector<double> xs;
        std::vector<std::vector<double>> values;
        double end = 0;
    };
    /// What stands in one column of pixels.
    struct Column {
        double left = 0, right = 0;       ///< in pixels
        std::vector<double> thicknesses;  ///< by band
    };

    explicit StackedChart(QWidget* parent = nullptr);

    /// Bottom first. A band that is nowhere more than 0 is in no legend.
    void set_bands(std::vector<Band> bands);
    void set_axis_titles(AxisTitle x, AxisTitle y);
    void set_empty_text(const QString& text);
    void set_data(Data data);
    /// The last step goes on until `end`.
    void set_end(double end);
    /// A named line across, where there is one. One far above the data is not drawn.
    void set_limit(std::optional<double> limit, const QString& name = {});
    bool limit_in_sight() const { return !scene_data().reference_lines.empty(); }

    const Data& data() const { return data_; }
    bool zoomed() const { return zoom_.has_value(); }
    void show_everything();
    /// Columns of equal content in one; of what changes within a column, the highest.
    std::vector<Column> columns() const;

    bool export_png(const QString& path);
    bool export_svg(const QString& path);
    bool export_csv(const QString& path) const;
    QString to_csv() const;
    /// Shows the export and copy menu; fit for a card's action.
    QAction* export_action() const { return export_action_; }

protected:
    void drawBackground(QPainter* painter, const QRectF& rect) override;
    QSize sizeHint() const override { return {400, 200}; }
    QSize minimumSizeHint() const override { return {160, 120}; }

private:
    bool has_data() const;
    double total(std::size_t i) const;
    QColor colour_of(const Band& band) const;
    /// Index of the step at `x`; nothing before the first.
    std::optional<std::size_t> step_at(double x) const;
    Readout readout_at(double x) const;
    void refresh();
    void show_menu(const QPoint& global_position);

    std::vector<Band> bands_;
    Data data_;
    AxisTitle x_title_, y_title_;
    QString empty_text_, limit_name_;
    std::optional<double> limit_;
    std::optional<AxisRange> zoom_;
    QMenu* menu_;
    QAction* export_action_;
};

}  // namespace spectral::ui
