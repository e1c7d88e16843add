#include "ui/charts/map_grid.hpp"

#include <QAction>
#include <QGridLayout>
#include <QLabel>
#include <QMenu>
#include <QPainter>
#include <QVBoxLayout>
#include <algorithm>
#include <cmath>
#include <utility>

#include "ui/charts/export.hpp"
#include "ui/theme.hpp"

namespace spectral::ui {

namespace {

constexpr int kPadding = 6, kSpacing = 4, kMostColumns = 6, kLeastMap = 96;

}  // namespace

MapGrid::MapGrid(QWidget* parent)
    : QWidget(parent), grid_(new QGridLayout(this)), export_action_(new QAction(tr("export"), this)) {
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Expanding);
    grid_->setContentsMargins(0, 0, 0, 0);
    grid_->setSpacing(kSpacing);
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
    for (const Cell& cell : std::exchange(cells_, {})) delete cell.frame;
    const int columns =
        std::clamp(static_cast<int>(std::ceil(std::sqrt(static_cast<double>(count)))), 1, kMostColumns);
    for (std::size_t i = 0; i < count; ++i) {
        const int index = static_cast<int>(i);
        auto* frame = new QWidget(this);
        auto* column = new QVBoxLayout(frame);
        column->setContentsMargins(kPadding, kPadding, kPadding, kPadding);
        column->setSpacing(2);
        auto* caption = new QLabel(frame);
        set_role(*caption, QStringLiteral("subtitle"));
        caption->setAlignment(Qt::AlignCenter);
        auto* map = new HeatMap(frame);
        map->setObjectName(QStringLiteral("map_%1").arg(index + 1));
        map->set_colour_bar_visible(false);
        map->set_square_cells(true);
        map->set_range(range_);
        map->set_formatter([this, index](int row, int key, float value) {
            return formatter_ ? formatter_(index, row, key, value) : QString::number(value);
        });
        map->setMinimumSize(kLeastMap, kLeastMap);
        column->addWidget(caption);
        column->addWidget(map, 1);
        connect(map, &HeatMap::cellClicked, this, [this, index] { Q_EMIT mapChosen(index); });
        grid_->addWidget(frame, index / columns, index % columns);
        frame->show();
        cells_.push_back({frame, caption, map});
    }
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
    const Cell& cell = cells_[static_cast<std::size_t>(chosen_)];
    const QRectF map = cell.map->matrix_area().translated(cell.map->mapTo(this, QPoint()));
    const double above = cell.caption->height() + 2;
    painter.drawRoundedRect(map.adjusted(1 - kPadding, -above, kPadding - 1, kPadding - 1), 5, 5);
}

}  // namespace spectral::ui
