#include "ui/charts/map_grid.hpp"

#include <QAction>
#include <QLabel>
#include <QMenu>
#include <QPainter>
#include <algorithm>
#include <cmath>
#include <utility>

#include "ui/charts/export.hpp"
#include "ui/theme.hpp"

namespace spectral::ui {

namespace {

constexpr int kPadding = 6, kCaption = 18, kLeastMap = 96;

}  // namespace

MapGrid::MapGrid(QWidget* parent) : QWidget(parent), export_action_(new QAction(tr("export"), this)) {
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Expanding);
    export_action_->setObjectName(QStringLiteral("export"));
    export_action_->setToolTip(tr("Save or copy all maps as a picture; the menu of each has its values"));
    export_action_->setMenu(
        make_export_menu(*this,
                         {{tr("PNG picture…"), QStringLiteral("png"),
                           [this](const QString& path) { return export_png(path); }}},
                         [this] { return chosen_ >= 0 ? map(chosen_)->to_csv() : QString(); }));
    connect(&ThemeNotifier::instance(), &ThemeNotifier::changed, this, qOverload<>(&QWidget::update));
}

void MapGrid::make_cells(std::size_t count) {
    for (const Cell& cell : std::exchange(cells_, {})) {
        delete cell.caption;
        delete cell.map;
    }
    for (std::size_t i = 0; i < count; ++i) {
        const int index = static_cast<int>(i);
        auto* caption = new QLabel(this);
        set_role(*caption, QStringLiteral("subtitle"));
        caption->setAlignment(Qt::AlignCenter);
        auto* map = new HeatMap(this);
        map->setObjectName(QStringLiteral("map_%1").arg(index + 1));
        map->set_colour_bar_visible(false);
        map->set_square_cells(true);
        map->set_range(range_);
        map->set_formatter([this, index](int row, int key, float value) {
            return formatter_ ? formatter_(index, row, key, value) : QString::number(value);
        });
        connect(map, &HeatMap::cellClicked, this, [this, index] { Q_EMIT mapChosen(index); });
        caption->show();
        map->show();
        cells_.push_back({caption, map, {}});
    }
    const auto rows = static_cast<int>(std::ceil(std::sqrt(static_cast<double>(count))));
    setMinimumHeight(rows * (kLeastMap + kCaption + 2 * kPadding));
    lay_out();
}

/// In as many columns as make the maps largest.
void MapGrid::lay_out() {
    int best_columns = 1, best_side = 0;
    for (int columns = 1; columns <= count(); ++columns) {
        const int rows = (count() + columns - 1) / columns;
        const int side =
            std::min(width() / columns - 2 * kPadding, height() / rows - kCaption - 2 * kPadding);
        if (side <= best_side) continue;
        best_columns = columns;
        best_side = side;
    }
    const QSize cell(best_side + 2 * kPadding, best_side + kCaption + 2 * kPadding);
    const int rows = (count() + best_columns - 1) / best_columns;
    // What is left is shared out between and around them.
    const int across = (width() - best_columns * cell.width()) / (best_columns + 1);
    const int down = rows == 0 ? 0 : (height() - rows * cell.height()) / (rows + 1);
    for (int i = 0; i < count(); ++i) {
        Cell& each = cells_[static_cast<std::size_t>(i)];
        each.area = QRect(QPoint(across + i % best_columns * (cell.width() + across),
                                 down + i / best_columns * (cell.height() + down)),
                          cell);
        each.caption->setGeometry(each.area.x(), each.area.y() + kPadding / 2, cell.width(), kCaption);
        each.map->setGeometry(each.area.x() + kPadding, each.area.y() + kPadding + kCaption, best_side,
                              best_side);
    }
    update();
}

void MapGrid::resizeEvent(QResizeEvent* event) {
    QWidget::resizeEvent(event);
    lay_out();
}

void MapGrid::set_maps(int size, std::vector<Map> maps) {
    if (maps.size() != cells_.size()) {
        make_cells(maps.size());
        chosen_ = -1;
    }
    for (std::size_t i = 0; i < maps.size(); ++i) {
        cells_[i].caption->setText(maps[i].caption);
        cells_[i].map->setAccessibleName(maps[i].caption);
        cells_[i].map->set_data(size, size, std::move(maps[i].values));
    }
    update();
}

void MapGrid::set_range(const ValueRange& range) {
    range_ = range;
    for (const Cell& cell : cells_) cell.map->set_range(range);
}

void MapGrid::set_formatter(Formatter formatter) { formatter_ = std::move(formatter); }

void MapGrid::choose(int map) {
    chosen_ = map >= 0 && map < count() ? map : -1;
    update();
}

bool MapGrid::export_png(const QString& path) { return write_png_file(path, picture_of(*this)); }

void MapGrid::paintEvent(QPaintEvent*) {
    if (chosen_ < 0) return;
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(QPen(Theme::current().accent, 1.5));
    painter.setBrush(Qt::NoBrush);
    const QRectF area = cells_[static_cast<std::size_t>(chosen_)].area;
    painter.drawRoundedRect(area.adjusted(1, 1, -1, -1), 5, 5);
}

}  // namespace spectral::ui
