// Square heat maps of one size side by side, on one scale of colours; one of them is chosen.
#pragma once

#include <QRect>
#include <QString>
#include <QWidget>
#include <functional>
#include <vector>

#include "ui/charts/heat_map.hpp"

class QAction;
class QLabel;

namespace spectral::ui {

class MapGrid : public QWidget {
    Q_OBJECT

public:
    struct Map {
        QString caption;
        HeatMap::Matrix values;  ///< size × size, row-major
    };
    using Formatter = std::function<QString(int map, int row, int column, float value)>;

    explicit MapGrid(QWidget* parent = nullptr);

    /// The chosen one stays chosen where there are as many.
    void set_maps(int size, std::vector<Map> maps);
    void set_range(const ValueRange& range);
    /// The text of a cell's tooltip.
    void set_formatter(Formatter formatter);
    int count() const { return static_cast<int>(cells_.size()); }
    HeatMap* map(int index) const { return cells_[static_cast<std::size_t>(index)].map; }

    /// Paints a frame around it; −1: none.
    void choose(int map);
    int chosen() const { return chosen_; }

    bool export_png(const QString& path);
    QAction* export_action() const { return export_action_; }

Q_SIGNALS:
    /// By a click, or the return key.
    void mapChosen(int map);

protected:
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;

private:
    struct Cell {
        QLabel* caption;
        HeatMap* map;
        QRect area;  ///< of both
    };
    void make_cells(std::size_t count);
    void lay_out();

    std::vector<Cell> cells_;
    ValueRange range_;
    Formatter formatter_;
    int chosen_ = -1;
    QAction* export_action_;
};

}  // namespace spectral::ui
