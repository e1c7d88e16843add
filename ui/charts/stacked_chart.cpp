#include "ui/charts/stacked_chart.hpp"

#include <QMenu>
#include <QPainter>
#include <algorithm>
#include <cmath>
#include <utility>

#include "ui/charts/export.hpp"
#include "ui/theme.hpp"

namespace spectral::ui {

namespace {

constexpr int kFillAlpha = 120;
constexpr double kHeadroom = 1.08;
/// A limit so many times the data's height would press them flat.
constexpr double kFarLimit = 4;
constexpr double kLeastShare = 1e-6;  ///< of all of the time, when zoomed

}  // namespace

StackedChart::StackedChart(QWidget* parent)
    : PlotView(parent), export_action_(new QAction(tr("export"), this)) {
    const QString help =
        tr("Wheel zooms, drag moves, double-click shows everything. Keys: + and −, arrows, Home.");
    setToolTip(help);
    setAccessibleDescription(help);
    set_hover_source([this](double x) { return readout_at(x); });
    connect(this, &PlotView::rangeRequested, this, [this](double low, double high) {
        const AxisRange wanted{low, high};
        zoom_ = wanted == scene_data().x.whole ? std::nullopt : std::optional(wanted);
        refresh();
    });
    connect(this, &PlotView::resetRequested, this, &StackedChart::show_everything);
    connect(this, &PlotView::menuRequested, this, &StackedChart::show_menu);
    connect(&ThemeNotifier::instance(), &ThemeNotifier::changed, this, &StackedChart::refresh);
    menu_ = make_export_menu(*this,
                             {{tr("PNG picture…"), QStringLiteral("png"),
                               [this](const QString& path) { return export_png(path); }},
                              {tr("SVG drawing…"), QStringLiteral("svg"),
                               [this](const QString& path) { return export_svg(path); }},
                              {tr("CSV values…"), QStringLiteral("csv"),
                               [this](const QString& path) { return export_csv(path); }}},
                             [this] { return to_csv(); });
    export_action_->setToolTip(tr("Save or copy this chart"));
    export_action_->setMenu(menu_);
}

void StackedChart::set_bands(std::vector<Band> bands) {
    bands_ = std::move(bands);
    set_data({});
}

void StackedChart::set_axis_titles(AxisTitle x, AxisTitle y) {
    x_title_ = std::move(x);
    y_title_ = std::move(y);
    refresh();
}

void StackedChart::set_empty_text(const QString& text) {
    empty_text_ = text;
    refresh();
}

void StackedChart::set_data(Data data) {
    data_ = std::move(data);
    data_.values.resize(bands_.size());
    for (std::vector<double>& band : data_.values) band.resize(data_.xs.size());
    if (!has_data()) zoom_.reset();
    refresh();
}

void StackedChart::set_end(double end) {
    data_.end = end;
    refresh();
}

void StackedChart::set_limit(std::optional<double> limit, const QString& name) {
    if (limit == limit_ && name == limit_name_) return;
    limit_ = limit;
    limit_name_ = name;
    refresh();
}

void StackedChart::show_everything() {
    zoom_.reset();
    refresh();
}

double StackedChart::total(std::size_t i) const {
    double sum = 0;
    for (const std::vector<double>& band : data_.values) sum += band[i];
    return sum;
}

bool StackedChart::has_data() const {
    for (std::size_t i = 0; i < data_.xs.size(); ++i)
        if (total(i) > 0) return true;
    return false;
}

QColor StackedChart::colour_of(const Band& band) const {
    const Theme& theme = Theme::current();
    return band.colour < 0 ? theme.muted : theme.series_colour(band.colour);
}

void StackedChart::refresh() {
    PlotScene scene;
    const double end = std::max(data_.end, data_.xs.empty() ? 0.0 : data_.xs.back());
    scene.x = {.title = x_title_, .low = 0, .high = end > 0 ? end : 1};
    scene.x.whole = {scene.x.low, scene.x.high};
    scene.x.least = kLeastShare * scene.x.high;
    if (zoom_) {
        scene.x.low = zoom_->low;
        scene.x.high = zoom_->high;
    }
    double highest = 0;
    for (std::size_t i = 0; i < data_.xs.size(); ++i) {
        const double until = i + 1 < data_.xs.size() ? data_.xs[i + 1] : end;
        if (until >= scene.x.low && data_.xs[i] <= scene.x.high) highest = std::max(highest, total(i));
    }
    const bool near_limit = limit_ && (highest <= 0 || *limit_ <= kFarLimit * highest);
    const double top = kHeadroom * std::max(highest, near_limit ? *limit_ : 0.0);
    scene.y = {.title = y_title_, .low = 0, .high = top > 0 ? top : 1};
    scene.y.fixed = true;  // it follows what is in sight
    const Theme& theme = Theme::current();
    if (near_limit) scene.reference_lines.push_back({limit_name_, *limit_, theme.warn});
    for (std::size_t k = 0; k < bands_.size(); ++k) {
        const std::vector<double>& band = data_.values[k];
        if (std::ranges::any_of(band, [](double value) { return value > 0; }))
            scene.legend.push_back(
                {.series = static_cast<int>(k), .name = bands_[k].name, .colour = colour_of(bands_[k])});
    }
    if (!has_data()) scene.message = empty_text_;
    set_scene(std::move(scene));
}

std::vector<StackedChart::Column> StackedChart::columns() const {
    std::vector<Column> result;
    if (data_.xs.empty()) return result;
    const double end = std::max(data_.end, data_.xs.back());
    const double low = scene_data().x.low, high = scene_data().x.high;
    const double per_pixel = (high - low) / plot_area().width();
    // The highest step that has a part in the pixel column from `left` to `right`.
    std::size_t next = 0, highest = 0;
    std::optional<std::size_t> shown;
    for (double left = plot_area().left(); left < plot_area().right(); left += 1) {
        const double right = std::min(left + 1, plot_area().right());
        const double from = low + (left - plot_area().left()) * per_pixel,
                     to = from + (right - left) * per_pixel;
        if (from >= end) break;
        while (next < data_.xs.size() && data_.xs[next] <= from) ++next;
        if (next == 0 && data_.xs[0] >= to) continue;
        highest = next > 0 ? next - 1 : 0;
        for (; next < data_.xs.size() && data_.xs[next] < to; ++next)
            if (total(next) > total(highest)) highest = next;
        const double last = std::min(right, plot_area().left() + (end - low) / per_pixel);
        if (shown == highest) {
            result.back().right = last;
            continue;
        }
        shown = highest;
        Column column{left, last, {}};
        for (const std::vector<double>& band : data_.values) column.thicknesses.push_back(band[highest]);
        result.push_back(std::move(column));
    }
    return result;
}

void StackedChart::drawBackground(QPainter* painter, const QRectF& rect) {
    PlotView::drawBackground(painter, rect);
    if (!scene_data().message.isEmpty()) return;
    painter->save();
    painter->setRenderHint(QPainter::Antialiasing, false);
    // Softer than a line of that colour; the edge on top says where a band ends.
    std::vector<QColor> edges, fills;
    for (const Band& band : bands_) {
        edges.push_back(colour_of(band));
        fills.push_back(edges.back());
        fills.back().setAlpha(kFillAlpha);
    }
    const double per_unit = plot_area().height() / (scene_data().y.high - scene_data().y.low);
    for (const Column& column : columns()) {
        double height = 0, bottom = std::round(plot_area().bottom());
        for (std::size_t k = 0; k < edges.size(); ++k) {
            height += column.thicknesses[k] * per_unit;
            const double top = std::round(plot_area().bottom() - height);
            if (top < bottom) {
                const double left = std::round(column.left);
                const double width = std::max(std::round(column.right) - left, 1.0);
                painter->fillRect(QRectF(left, top, width, 1), edges[k]);
                painter->fillRect(QRectF(left, top + 1, width, bottom - top - 1), fills[k]);
            }
            bottom = std::min(top, bottom);
        }
    }
    painter->restore();
}

std::optional<std::size_t> StackedChart::step_at(double x) const {
    const auto after = std::ranges::upper_bound(data_.xs, x);
    if (after == data_.xs.begin() || x > std::max(data_.end, data_.xs.back())) return std::nullopt;
    return static_cast<std::size_t>(after - data_.xs.begin()) - 1;
}

Readout StackedChart::readout_at(double x) const {
    Readout readout;
    const std::optional<std::size_t> step = step_at(x);
    if (!step) return readout;
    double sum = 0;
    for (std::size_t k = 0; k < bands_.size(); ++k) {
        const double value = data_.values[k][*step];
        if (value <= 0) continue;
        sum += value;
        readout.rows.prepend(
            {bands_[k].name, y_title_.with_unit(short_number(value)), colour_of(bands_[k]), {x, sum}});
    }
    readout.rows.append(
        {tr("together"), y_title_.with_unit(short_number(sum)), Theme::current().text, {x, sum}});
    readout.heading = QStringLiteral("%1 %2").arg(x_title_.name, x_title_.with_unit(short_number(x)));
    return readout;
}

void StackedChart::show_menu(const QPoint& global_position) {
    auto* menu = new QMenu(this);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    QAction* everything = menu->addAction(tr("Show everything"));
    everything->setEnabled(zoomed());
    connect(everything, &QAction::triggered, this, &StackedChart::show_everything);
    menu->addSeparator();
    menu->addActions(menu_->actions());
    menu->popup(global_position);
}

bool StackedChart::export_png(const QString& path) { return write_png_file(path, picture_of(*this)); }

bool StackedChart::export_svg(const QString& path) { return write_svg_file(path, *this, accessibleName()); }

QString StackedChart::to_csv() const {
    QString text = csv_field(x_title_.text());
    for (const Band& band : bands_)
        text += QLatin1Char(',') + csv_field(QStringLiteral("%1 (%2)").arg(band.name, y_title_.text()));
    text += QLatin1Char('\n');
    for (std::size_t i = 0; i < data_.xs.size(); ++i) {
        text += csv_number(data_.xs[i]);
        for (const std::vector<double>& band : data_.values) text += QLatin1Char(',') + csv_number(band[i]);
        text += QLatin1Char('\n');
    }
    return text;
}

bool StackedChart::export_csv(const QString& path) const { return write_text_file(path, to_csv()); }

}  // namespace spectral::ui
