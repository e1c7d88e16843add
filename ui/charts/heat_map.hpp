// A matrix painted as an image with labels, a colour bar, values on hover, and export.
#pragma once

#include <QImage>
#include <QPoint>
#include <QRectF>
#include <QString>
#include <QStringList>
#include <QWidget>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "ui/charts/colour_map.hpp"

class QAction;
class QMenu;

namespace spectral::ui {

class HeatMap : public QWidget {
    Q_OBJECT

public:
    using Matrix = std::shared_ptr<const std::vector<float>>;
    using Formatter = std::function<QString(int row, int column, float value)>;
    struct Cell {
        int row;
        int column;
        bool operator==(const Cell&) const = default;
    };

    explicit HeatMap(QWidget* parent = nullptr);

    /// Row-major values, rows × columns of them; anything else counts as no data.
    void set_data(int rows, int columns, std::vector<float> values);
    void set_data(int rows, int columns, Matrix values);
    void clear();
    /// One a cell: cells of 0 are painted faint, a block of several as its strongest. Null, or of another
    /// size than the data: none is.
    void set_mask(std::shared_ptr<const std::vector<std::uint8_t>> mask);

    void set_colour_map(ColourMapKind kind);
    ColourMapKind colour_map() const { return kind_; }
    /// Fixed limits of the colours; nothing means the range of the data.
    void set_range(std::optional<ValueRange> range);
    ValueRange range() const { return shown_range_; }

    void set_row_labels(const QStringList& labels);
    void set_column_labels(const QStringList& labels);
    /// An axis with a title and no labels shows its indices.
    void set_axis_titles(const QString& row_title, const QString& column_title);
    void set_square_cells(bool square);
    void set_print_values(bool print);
    void set_colour_bar_visible(bool visible);
    /// The text of a cell's tooltip; the printed number comes from set_value_format.
    void set_formatter(Formatter formatter);
    void set_value_format(std::function<QString(float)> format);
    void set_empty_text(const QString& text);
    const QString& empty_text() const { return empty_text_; }

    int rows() const { return rows_; }
    int columns() const { return columns_; }
    std::optional<Cell> cell_at(const QPoint& position) const;
    QString cell_text(const Cell& cell) const;
    /// Where the matrix is painted, in widget coordinates; empty without data.
    QRectF matrix_area() const;

    bool export_png(const QString& path);
    bool export_csv(const QString& path) const;
    QString to_csv() const;

    /// Shows the export and copy menu; fit for a card's action.
    QAction* export_action() const { return export_action_; }

    QSize sizeHint() const override { return {320, 220}; }
    QSize minimumSizeHint() const override { return {96, 64}; }

Q_SIGNALS:
    void cellHovered(int row, int column);
    void cellClicked(int row, int column);

protected:
    void paintEvent(QPaintEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void leaveEvent(QEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void contextMenuEvent(QContextMenuEvent* event) override;
    bool event(QEvent* event) override;

private:
    bool has_data() const { return rows_ > 0 && columns_ > 0; }
    float value_at(int row, int column) const;
    QString row_name(int row) const;
    QString column_name(int column) const;
    QString printed(float value) const;
    QString bar_number(double value) const;
    /// Of the strongest value, its sign kept, of each block of so many cells: a mean of alternating signs
    /// would be grey.
    void rebuild_image(int rows_per_block, int columns_per_block);
    void refresh();
    void set_current(std::optional<Cell> cell);
    void paint_axes(QPainter& painter, const QRectF& area) const;
    void paint_values(QPainter& painter, const QRectF& area) const;
    void paint_colour_bar(QPainter& painter, const QRectF& area) const;

    int rows_ = 0;
    int columns_ = 0;
    Matrix values_;
    std::shared_ptr<const std::vector<std::uint8_t>> mask_;
    QImage image_;
    int rows_per_block_ = 1, columns_per_block_ = 1;  ///< of image_
    ColourMapKind kind_ = ColourMapKind::viridis;
    std::optional<ValueRange> fixed_range_;
    ValueRange shown_range_;
    QStringList row_labels_;
    QStringList column_labels_;
    QString row_title_;
    QString column_title_;
    bool square_cells_ = false;
    bool print_values_ = false;
    bool colour_bar_ = true;
    Formatter formatter_;
    std::function<QString(float)> value_format_;
    QString empty_text_;
    std::optional<Cell> current_;
    QMenu* menu_;
    QAction* export_action_;
};

}  // namespace spectral::ui
