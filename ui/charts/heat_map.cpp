// State, interaction and export of the heat map; its painting is in heat_map_paint.cpp.
#include "ui/charts/heat_map.hpp"

#include <QAction>
#include <QContextMenuEvent>
#include <QHelpEvent>
#include <QKeyEvent>
#include <QMenu>
#include <QMouseEvent>
#include <QToolTip>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include "ui/charts/export.hpp"
#include "ui/charts/ticks.hpp"
#include "ui/theme.hpp"

namespace spectral::ui {

namespace {

/// Its lightness as a breath of grey on the surface.
QRgb faint(QRgb colour, QRgb surface) {
    if (qAlpha(colour) == 0) return colour;
    const int grey = qGray(colour);
    const auto mix = [grey](int below) { return (4 * below + grey) / 5; };
    return qRgb(mix(qRed(surface)), mix(qGreen(surface)), mix(qBlue(surface)));
}

}  // namespace

HeatMap::HeatMap(QWidget* parent)
    : QWidget(parent), empty_text_(QStringLiteral("No data yet")), export_action_(new QAction(this)) {
    setMouseTracking(true);
    setFocusPolicy(Qt::StrongFocus);
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Expanding);
    setAccessibleName(QStringLiteral("Heat map"));
    setAccessibleDescription(
        QStringLiteral("Arrow keys move from cell to cell; the menu key opens export and copy."));
    menu_ = make_export_menu(*this,
                             {{QStringLiteral("PNG picture…"), QStringLiteral("png"),
                               [this](const QString& path) { return export_png(path); }},
                              {QStringLiteral("CSV values…"), QStringLiteral("csv"),
                               [this](const QString& path) { return export_csv(path); }}},
                             [this] { return to_csv(); });
    export_action_->setObjectName(QStringLiteral("export"));
    export_action_->setText(QStringLiteral("export"));
    export_action_->setToolTip(QStringLiteral("Save or copy this heat map"));
    export_action_->setMenu(menu_);
    connect(&ThemeNotifier::instance(), &ThemeNotifier::changed, this, &HeatMap::refresh);
}

void HeatMap::set_data(int rows, int columns, std::vector<float> values) {
    set_data(rows, columns, std::make_shared<const std::vector<float>>(std::move(values)));
}

void HeatMap::set_data(int rows, int columns, Matrix values) {
    const bool usable = values && rows > 0 && columns > 0 &&
                        values->size() == static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns);
    rows_ = usable ? rows : 0;
    columns_ = usable ? columns : 0;
    values_ = usable ? std::move(values) : nullptr;
    if (current_ && (current_->row >= rows_ || current_->column >= columns_)) {
        current_.reset();
    }
    refresh();
}

void HeatMap::set_mask(std::shared_ptr<const std::vector<std::uint8_t>> mask) {
    mask_ = std::move(mask);
    refresh();
}

void HeatMap::clear() { set_data(0, 0, Matrix()); }

void HeatMap::set_colour_map(ColourMapKind kind) {
    kind_ = kind;
    refresh();
}

void HeatMap::set_range(std::optional<ValueRange> range) {
    const bool usable = range && std::isfinite(range->high - range->low) && range->high > range->low;
    fixed_range_ = usable ? range : std::nullopt;
    refresh();
}

void HeatMap::set_row_labels(const QStringList& labels) {
    row_labels_ = labels;
    update();
}

void HeatMap::set_column_labels(const QStringList& labels) {
    column_labels_ = labels;
    update();
}

void HeatMap::set_axis_titles(const QString& row_title, const QString& column_title) {
    row_title_ = row_title;
    column_title_ = column_title;
    update();
}

void HeatMap::set_square_cells(bool square) {
    square_cells_ = square;
    update();
}

void HeatMap::set_print_values(bool print) {
    print_values_ = print;
    update();
}

void HeatMap::set_colour_bar_visible(bool visible) {
    colour_bar_ = visible;
    update();
}

void HeatMap::set_formatter(Formatter formatter) { formatter_ = std::move(formatter); }

void HeatMap::set_value_format(std::function<QString(float)> format) {
    value_format_ = std::move(format);
    update();
}

void HeatMap::set_empty_text(const QString& text) {
    if (text == empty_text_) return;
    empty_text_ = text;
    update();
}

float HeatMap::value_at(int row, int column) const {
    return (*values_)[static_cast<std::size_t>(row) * static_cast<std::size_t>(columns_) +
                      static_cast<std::size_t>(column)];
}

QString HeatMap::row_name(int row) const { return row_labels_.value(row, QString::number(row)); }

QString HeatMap::column_name(int column) const {
    return column_labels_.value(column, QString::number(column));
}

QString HeatMap::printed(float value) const {
    return value_format_ ? value_format_(value) : short_number(static_cast<double>(value));
}

QString HeatMap::cell_text(const Cell& cell) const {
    if (cell.row < 0 || cell.row >= rows_ || cell.column < 0 || cell.column >= columns_) {
        return {};
    }
    const float value = value_at(cell.row, cell.column);
    if (formatter_) {
        return formatter_(cell.row, cell.column, value);
    }
    const QString row = row_title_.isEmpty() ? QStringLiteral("row") : row_title_;
    const QString column = column_title_.isEmpty() ? QStringLiteral("column") : column_title_;
    return QStringLiteral("%1 %2, %3 %4: %5")
        .arg(row, row_name(cell.row), column, column_name(cell.column), printed(value));
}

std::optional<HeatMap::Cell> HeatMap::cell_at(const QPoint& position) const {
    const QRectF area = matrix_area();
    if (!has_data() || !area.contains(position)) {
        return std::nullopt;
    }
    const double x = (position.x() - area.left()) / area.width();
    const double y = (position.y() - area.top()) / area.height();
    return Cell{std::clamp(static_cast<int>(y * rows_), 0, rows_ - 1),
                std::clamp(static_cast<int>(x * columns_), 0, columns_ - 1)};
}

void HeatMap::refresh() {
    image_ = QImage();  // made anew when it is painted
    if (has_data()) {
        shown_range_ = fixed_range_ ? *fixed_range_ : value_range(kind_, *values_);
    }
    update();
}

void HeatMap::rebuild_image(int rows_per_block, int columns_per_block) {
    const ColourMap map = ColourMap::for_current_theme(kind_);
    const int height = (rows_ + rows_per_block - 1) / rows_per_block;
    const int width = (columns_ + columns_per_block - 1) / columns_per_block;
    const bool masked = mask_ && mask_->size() == values_->size();
    const auto is_lit = [&](int row, int column) {
        return (*mask_)[static_cast<std::size_t>(row) * static_cast<std::size_t>(columns_) +
                        static_cast<std::size_t>(column)] != 0;
    };
    const QRgb surface = Theme::current().surface.rgb();
    image_ = QImage(width, height, QImage::Format_ARGB32);
    rows_per_block_ = rows_per_block;
    columns_per_block_ = columns_per_block;
    for (int y = 0; y < height; ++y) {
        auto* line = reinterpret_cast<QRgb*>(image_.scanLine(y));
        const int row_begin = y * rows_per_block, row_end = std::min(row_begin + rows_per_block, rows_);
        for (int x = 0; x < width; ++x) {
            const int column_begin = x * columns_per_block;
            const int column_end = std::min(column_begin + columns_per_block, columns_);
            float strongest = value_at(row_begin, column_begin);
            bool shown = !masked || is_lit(row_begin, column_begin);
            for (int row = row_begin; row < row_end; ++row) {
                for (int column = column_begin; column < column_end; ++column) {
                    const float value = value_at(row, column);
                    const bool stronger = std::isnan(strongest) || std::abs(value) > std::abs(strongest);
                    if (!stronger) continue;
                    strongest = value;
                    shown = !masked || is_lit(row, column);
                }
            }
            const QRgb colour = map.at(static_cast<double>(strongest), shown_range_);
            line[x] = shown ? colour : faint(colour, surface);
        }
    }
}

void HeatMap::set_current(std::optional<Cell> cell) {
    if (cell == current_) {
        return;
    }
    current_ = cell;
    update();
    if (cell) {
        Q_EMIT cellHovered(cell->row, cell->column);
    }
}

bool HeatMap::event(QEvent* event) {
    if (event->type() == QEvent::ToolTip) {
        const auto* help = static_cast<QHelpEvent*>(event);
        if (const auto cell = cell_at(help->pos())) {
            QToolTip::showText(help->globalPos(), cell_text(*cell), this);
            return true;
        }
    }
    return QWidget::event(event);
}

void HeatMap::mousePressEvent(QMouseEvent* event) {
    const auto cell = cell_at(event->position().toPoint());
    if (event->button() == Qt::LeftButton && cell) {
        Q_EMIT cellClicked(cell->row, cell->column);
        return;
    }
    QWidget::mousePressEvent(event);
}

void HeatMap::mouseMoveEvent(QMouseEvent* event) {
    const auto cell = cell_at(event->position().toPoint());
    set_current(cell);
    if (cell) {
        QToolTip::showText(event->globalPosition().toPoint(), cell_text(*cell), this);
    } else {
        QToolTip::hideText();
    }
}

void HeatMap::leaveEvent(QEvent* event) {
    set_current(std::nullopt);
    QWidget::leaveEvent(event);
}

void HeatMap::keyPressEvent(QKeyEvent* event) {
    if (!has_data()) {
        QWidget::keyPressEvent(event);
        return;
    }
    Cell cell = current_.value_or(Cell{0, 0});
    switch (event->key()) {
        case Qt::Key_Left:
            cell.column -= current_ ? 1 : 0;
            break;
        case Qt::Key_Right:
            cell.column += current_ ? 1 : 0;
            break;
        case Qt::Key_Up:
            cell.row -= current_ ? 1 : 0;
            break;
        case Qt::Key_Down:
            cell.row += current_ ? 1 : 0;
            break;
        case Qt::Key_Return:
        case Qt::Key_Enter:
            if (current_) {
                Q_EMIT cellClicked(cell.row, cell.column);
            }
            return;
        default:
            QWidget::keyPressEvent(event);
            return;
    }
    cell = {std::clamp(cell.row, 0, rows_ - 1), std::clamp(cell.column, 0, columns_ - 1)};
    set_current(cell);
    const QRectF area = matrix_area();
    const QPointF centre(area.left() + (cell.column + 0.5) * area.width() / columns_,
                         area.top() + (cell.row + 0.5) * area.height() / rows_);
    QToolTip::showText(mapToGlobal(centre.toPoint()), cell_text(cell), this);
}

void HeatMap::contextMenuEvent(QContextMenuEvent* event) { menu_->popup(event->globalPos()); }

bool HeatMap::export_png(const QString& path) { return write_png_file(path, picture_of(*this)); }

QString HeatMap::to_csv() const {
    QString text = csv_field(row_title_ + QStringLiteral("/") + column_title_);
    for (int column = 0; column < columns_; ++column) {
        text += QLatin1Char(',') + csv_field(column_name(column));
    }
    text += QLatin1Char('\n');
    for (int row = 0; row < rows_; ++row) {
        text += csv_field(row_name(row));
        for (int column = 0; column < columns_; ++column) {
            text += QLatin1Char(',') + csv_number(value_at(row, column));
        }
        text += QLatin1Char('\n');
    }
    return text;
}

bool HeatMap::export_csv(const QString& path) const { return write_text_file(path, to_csv()); }

}  // namespace spectral::ui
