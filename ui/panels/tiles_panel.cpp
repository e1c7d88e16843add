#include "ui/panels/tiles_panel.hpp"

#include <QGridLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QProgressBar>
#include <QPushButton>
#include <QSignalBlocker>
#include <QSpinBox>
#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "ui/card.hpp"
#include "ui/charts/line_chart.hpp"
#include "ui/panels/format.hpp"
#include "ui/theme.hpp"

namespace spectral::ui {

namespace {

constexpr int kGap = 12, kNumberWidth = 84, kChartHeight = 220;
constexpr int kMostSequence = 1 << 16, kMostBatch = 4096, kMostHeads = 256;
constexpr std::int64_t kPanelKeys = 64;  ///< keys of the tiles that optimize_tiling() chooses

}  // namespace

TilesPanel::TilesPanel(QWidget* parent) : QWidget(parent) {
    setObjectName(QStringLiteral("tiles_panel"));
    auto* grid = new QGridLayout(this);
    grid->setContentsMargins(0, 0, 0, 0);
    grid->setSpacing(kGap);
    grid->setColumnStretch(0, 1);
    grid->setColumnStretch(1, 1);
    grid->addWidget(build_controls(), 0, 0, 1, 2);
    time_card_ =
        new Card(QStringLiteral("tile_time_card"), tr("Time by tile size"), tr("causal attention, forward"));
    time_ = add_chart(*time_card_, "tile_time_chart", {tr("time"), tr("ms")});
    grid->addWidget(time_card_, 1, 0);
    memory_card_ = new Card(QStringLiteral("tile_memory_card"), tr("Work memory by tile size"),
                            tr("beside inputs and result"));
    memory_ = add_chart(*memory_card_, "tile_memory_chart", {tr("work memory"), tr("KiB")});
    grid->addWidget(memory_card_, 1, 1);
    grid->setRowMinimumHeight(1, kChartHeight);
    grid->setRowStretch(1, 1);
    connect(&probe_, &TileProbe::progressed, this, [this](double fraction, const QString& activity) {
        progress_->setValue(static_cast<int>(1000 * fraction));
        if (probe_.active()) progress_->setToolTip(activity);
    });
    connect(&probe_, &TileProbe::measured, this, &TilesPanel::show_sweep);
    connect(&probe_, &TileProbe::ended, this, [this](const QString& what, const QString& hint) {
        measure_->setText(tr("Measure tiles"));
        measure_->setEnabled(true);
        progress_->hide();
        if (!what.isEmpty()) Q_EMIT problem(what, hint);
        Q_EMIT ended();
    });
}

QSpinBox* TilesPanel::add_size(QGridLayout& row, int& column, const char* name, const QString& caption,
                               const QString& tip, int high, std::int64_t value) {
    auto* label = new QLabel(caption);
    set_role(*label, QStringLiteral("muted"));
    auto* box = new QSpinBox;
    box->setObjectName(QLatin1String(name));
    box->setAccessibleName(caption);
    box->setToolTip(tip);
    box->setRange(1, high);
    box->setValue(static_cast<int>(value));
    box->setFocusPolicy(Qt::StrongFocus);
    box->setFixedWidth(kNumberWidth);
    label->setBuddy(box);
    connect(box, &QSpinBox::valueChanged, this, [this] { chosen_by_hand_ = true; });
    row.addWidget(label, 0, column++);
    row.addWidget(box, 0, column++);
    return box;
}

QWidget* TilesPanel::build_controls() {
    auto* frame = new QFrame;
    set_role(*frame, QStringLiteral("card"));
    frame->setObjectName(QStringLiteral("tiles_controls"));
    auto* row = new QGridLayout(frame);
    row->setContentsMargins(12, 7, 12, 7);
    row->setHorizontalSpacing(8);
    const TileSweepRequest first;
    int column = 0;
    auto* title = new QLabel(tr("Attention in tiles"));
    set_role(*title, QStringLiteral("title"));
    row->addWidget(title, 0, column++);
    sequence_ =
        add_size(*row, column, "tiles_sequence", tr("sequence"),
                 tr("Places of a sequence; how many one call takes in time depends on the other sizes"),
                 kMostSequence, first.sequence);
    batch_ = add_size(*row, column, "tiles_batch", tr("batch"), tr("Sequences at a time"), kMostBatch,
                      first.batch);
    heads_ =
        add_size(*row, column, "tiles_heads", tr("heads"), tr("Attention heads"), kMostHeads, first.heads);
    head_size_ = add_size(*row, column, "tiles_head_size", tr("head size"), tr("Values of a head"),
                          static_cast<int>(kMaxHeadSize), first.head_size);
    progress_ = new QProgressBar;
    progress_->setObjectName(QStringLiteral("tiles_progress"));
    progress_->setAccessibleName(tr("Progress of the measurement"));
    progress_->setRange(0, 1000);
    progress_->setTextVisible(false);
    progress_->hide();
    row->addWidget(progress_, 0, column);
    row->setColumnStretch(column++, 1);
    measure_ = new QPushButton(tr("Measure tiles"));
    measure_->setObjectName(QStringLiteral("tiles_measure"));
    measure_->setAccessibleName(tr("Measure attention by tile size"));
    measure_->setToolTip(
        tr("Run attention of these sizes in tiles of every size, beside whatever else is going"));
    row->addWidget(measure_, 0, column);
    connect(measure_, &QPushButton::clicked, this, &TilesPanel::measure_or_cancel);
    return frame;
}

LineChart* TilesPanel::add_chart(Card& card, const char* name, const AxisTitle& y_title) {
    auto* chart = new LineChart;
    chart->setObjectName(QLatin1String(name));
    chart->setAccessibleName(card.title());
    chart->set_axis_titles({tr("queries of a tile")}, y_title);
    chart->set_log_x(true, 2);
    chart->set_y_limits(0, std::nullopt);
    chart->set_empty_text(
        tr("Measure tiles runs attention in tiles of every size: the result is the same, "
           "time and memory are not."));
    chart->add_series({.name = tr("tiles of 64 keys"), .colour = 0, .markers = Markers::always});
    chart->add_series({.name = tr("tiles of 256 keys"), .colour = 2, .markers = Markers::always});
    chart->add_series({.name = tr("chosen"), .colour = 1, .markers = Markers::always});
    card.add_action(chart->log_action());
    card.add_action(chart->export_action());
    card.set_body(chart);
    return chart;
}

void TilesPanel::suggest(std::int64_t sequence, std::int64_t batch, std::int64_t heads,
                         std::int64_t head_size) {
    if (chosen_by_hand_) return;
    const auto set = [](QSpinBox* box, std::int64_t value) {
        const QSignalBlocker quiet(box);
        if (value > 0) box->setValue(static_cast<int>(std::min<std::int64_t>(value, box->maximum())));
    };
    set(sequence_, sequence);
    set(batch_, batch);
    set(heads_, heads);
    set(head_size_, head_size);
}

void TilesPanel::measure_or_cancel() {
    if (probe_.active()) {
        measure_->setEnabled(false);
        probe_.cancel();
        return;
    }
    TileSweepRequest request;
    request.sequence = sequence_->value();
    request.batch = batch_->value();
    request.heads = heads_->value();
    request.head_size = head_size_->value();
    progress_->setValue(0);
    progress_->show();
    measure_->setText(tr("Cancel"));
    probe_.measure(request);
}

void TilesPanel::show_sweep(const TileSweep& sweep) {
    struct Curve {
        std::vector<double> queries, ms, kib;
    };
    Curve curves[3];
    const auto add = [](Curve& curve, const TilePoint& point) {
        curve.queries.push_back(static_cast<double>(point.tile.queries));
        curve.ms.push_back(point.ms);
        curve.kib.push_back(static_cast<double>(point.work_bytes) / 1024);
    };
    const TilePoint* chosen = nullptr;
    for (const TilePoint& point : sweep.points) {
        add(curves[point.tile.keys == kPanelKeys ? kPanel : kManyKeys], point);
        if (!point.chosen) continue;
        add(curves[kChosen], point);
        chosen = &point;
    }
    for (int series = 0; series < 3; ++series) {
        time_->set_series_data(series, curves[series].queries, curves[series].ms);
        memory_->set_series_data(series, curves[series].queries, curves[series].kib);
    }
    for (LineChart* chart : {time_, memory_})
        chart->set_cursor(chosen == nullptr ? std::nullopt
                                            : std::optional(static_cast<double>(chosen->tile.queries)));
    const TileSweepRequest& r = sweep.request;
    time_card_->set_subtitle(tr("%1 × %2 heads × %3 × %4, causal, %5")
                                 .arg(grouped(r.batch), grouped(r.heads), grouped(r.sequence),
                                      grouped(r.head_size), QString::fromStdString(sweep.backend)));
    if (chosen != nullptr)
        memory_card_->set_subtitle(tr("chosen: %1 × %2, %3 ms, %4")
                                       .arg(chosen->tile.queries)
                                       .arg(chosen->tile.keys)
                                       .arg(chosen->ms, 0, 'g', 3)
                                       .arg(human_bytes(chosen->work_bytes)));
}

}  // namespace spectral::ui
