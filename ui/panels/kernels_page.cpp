#include "ui/panels/kernels_page.hpp"

#include <QAction>
#include <QComboBox>
#include <QGridLayout>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QLineEdit>
#include <QMenu>
#include <QProgressBar>
#include <QPushButton>
#include <QResizeEvent>
#include <QSortFilterProxyModel>
#include <QTableView>
#include <QVBoxLayout>
#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "engine/core/error.hpp"
#include "engine/profile/op_case.hpp"
#include "engine/profile/trace.hpp"
#include "ui/card.hpp"
#include "ui/charts/bar_delegate.hpp"
#include "ui/charts/export.hpp"
#include "ui/charts/line_chart.hpp"
#include "ui/charts/timeline_view.hpp"
#include "ui/models/level_table_model.hpp"
#include "ui/models/op_table_model.hpp"
#include "ui/panels/format.hpp"
#include "ui/panels/scrolled.hpp"
#include "ui/panels/table.hpp"
#include "ui/theme.hpp"

namespace spectral::ui {

namespace {

constexpr int kMargin = 14, kGap = 12, kOperationsHeight = 214, kTimelineHeight = 168, kLevelsHeight = 292;
constexpr int kNarrowestColumn = 58, kSpeedUpWidth = 96, kAllColumnsWidth = 1080;
constexpr std::size_t kTimelineSpans = 4096;
constexpr std::size_t kRooflineOps = 6;
constexpr double kLeastShare = 0.002;  ///< of the time; below, a point would only stretch the axes

SeriesStyle ceiling_style() {
    return {.name = KernelsPage::tr("ceiling"), .colour = -1, .markers = Markers::never};
}

}  // namespace

KernelsPage::KernelsPage(Profiler& profiler, QWidget* parent)
    : QWidget(parent),
      profiler_(profiler),
      op_model_(new OpTableModel(this)),
      level_model_(new LevelTableModel(this)) {
    setObjectName(QStringLiteral("kernels_page"));
    QWidget* content = make_scrolled(*this, "kernels_scroll");
    auto* grid = new QGridLayout(content);
    grid->setContentsMargins(kMargin, kMargin, kMargin, kMargin);
    grid->setSpacing(kGap);
    grid->addWidget(build_operations(), 0, 0, 1, 2);
    grid->addWidget(build_timeline(), 1, 0, 1, 2);
    grid->addWidget(build_levels(), 2, 0);
    grid->addWidget(build_roofline(), 2, 1);
    grid->setRowMinimumHeight(0, kOperationsHeight);
    grid->setRowMinimumHeight(1, kTimelineHeight);
    grid->setRowMinimumHeight(2, kLevelsHeight);
    for (const auto& [row, stretch] : {std::pair{0, 4}, std::pair{1, 2}, std::pair{2, 5}})
        grid->setRowStretch(row, stretch);
    grid->setColumnStretch(0, 8);
    grid->setColumnStretch(1, 5);
    connect(&probe_, &LevelProbe::ceilingKnown, this, &KernelsPage::show_ceiling);
    connect(&probe_, &LevelProbe::ceilingFailed, this, &KernelsPage::problem);
    connect(&probe_, &LevelProbe::progressed, this, [this](double fraction, const QString& activity) {
        progress_->setValue(static_cast<int>(1000 * fraction));
        levels_card_->set_subtitle(activity);
    });
    connect(&probe_, &LevelProbe::compared, this, [this](const std::vector<BenchResult>& results) {
        level_model_->set_results(results);
        levels_card_->set_title(tr("Levels of %1").arg(QString::fromStdString(results.front().op)));
        levels_card_->set_subtitle(QString::fromStdString(results.front().shape));
        probe_.find_ceiling(results.front().backend, false);  // the comparison has measured it
    });
    connect(&probe_, &LevelProbe::ended, this, [this](const QString& what, const QString& hint) {
        compare_->setText(tr("Compare"));
        compare_->setEnabled(true);
        progress_->hide();
        if (level_model_->results().empty() || !what.isEmpty())
            levels_card_->set_subtitle(tr("the same input through every version"));
        if (!what.isEmpty()) Q_EMIT problem(what, hint);
        Q_EMIT ended();
    });
}

QWidget* KernelsPage::build_operations() {
    operations_card_ = new Card(QStringLiteral("operations_card"), tr("Operations"));
    auto* sorted = new QSortFilterProxyModel(this);
    sorted->setSourceModel(op_model_);
    sorted->setSortRole(OpTableModel::kValueRole);
    operations_ = make_table("operations_table", tr("Timings of the operations"), sorted);
    operations_->setSortingEnabled(true);
    QHeaderView* header = operations_->horizontalHeader();
    header->setSectionResizeMode(QHeaderView::ResizeToContents);
    header->setSectionResizeMode(OpTableModel::kShare, QHeaderView::Stretch);
    header->setMinimumSectionSize(kNarrowestColumn);
    operations_->sortByColumn(OpTableModel::kTotal, Qt::DescendingOrder);
    operations_->setItemDelegateForColumn(OpTableModel::kShare,
                                          new BarDelegate(OpTableModel::kValueRole, operations_));
    connect(operations_, &QTableView::doubleClicked, this, [this, sorted](const QModelIndex& index) {
        const int row = sorted->mapToSource(index).row();
        choose_op(op_model_->index(row, 0).data().toString().toStdString());
    });
    QWidget* body = make_table_or_text(
        *operations_, "kernels_empty",
        tr("The timings of every operation appear here while a run is going. They are taken from "
           "the first look at this page on."));

    timing_ = new QAction(tr("timing"), this);
    timing_->setCheckable(true);
    timing_->setChecked(true);
    timing_->setToolTip(tr("Time the operations of the runs; costs about 0.2 µs for each call"));
    connect(timing_, &QAction::toggled, this, [this](bool on) { on ? profiler_.start() : profiler_.stop(); });
    auto* reset = new QAction(tr("reset"), this);
    reset->setToolTip(tr("Forget all timings and count anew"));
    connect(reset, &QAction::triggered, this, [this] {
        profiler_.reset();
        timeline_->follow();
        show_profile();
    });
    auto* save = new QAction(tr("export"), this);
    save->setToolTip(tr("Save the table, or the timeline for Perfetto"));
    const auto csv = [this] { return QString::fromStdString(to_csv(*profiler_.profile(), ceiling_)); };
    save->setMenu(make_export_menu(
        *body,
        {{tr("CSV table…"), QStringLiteral("csv"),
          [csv](const QString& path) { return write_text_file(path, csv()); }},
         {tr("Chrome trace for Perfetto…"), QStringLiteral("json"),
          [this](const QString& path) {
              return write_text_file(path,
                                     QString::fromStdString(to_chrome_trace(*profiler_.profile()).dump()));
          }}},
        csv));
    for (QAction* action : {timing_, reset, save}) operations_card_->add_action(action);
    operations_card_->set_body(body);
    return operations_card_;
}

QWidget* KernelsPage::build_timeline() {
    timeline_card_ = new Card(QStringLiteral("timeline_card"), tr("Timeline"), tr("the last steps"));
    timeline_ = new TimelineView;
    timeline_->setObjectName(QStringLiteral("timeline"));
    timeline_->setAccessibleName(tr("Operations of the last steps over time"));
    timeline_->set_group_text(tr("step %1"));
    timeline_->set_empty_text(tr("The operations of the last steps appear here as bars over time."));
    timeline_card_->add_action(timeline_->follow_action());
    timeline_card_->set_body(timeline_);
    connect(timeline_->follow_action(), &QAction::toggled, this, [this](bool on) {
        if (on && isVisible()) show_profile();
    });
    return timeline_card_;
}

QWidget* KernelsPage::build_levels() {
    levels_card_ =
        new Card(QStringLiteral("levels_card"), tr("Levels"), tr("the same input through every version"));
    auto* body = new QWidget;
    auto* column = new QVBoxLayout(body);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(8);
    auto* row = new QHBoxLayout;
    row->setSpacing(8);
    op_choice_ = new QComboBox;
    op_choice_->setObjectName(QStringLiteral("level_op"));
    op_choice_->setAccessibleName(tr("Operation to compare"));
    op_choice_->setToolTip(tr("Operation whose levels are compared"));
    for (const OpCaseInfo& info : op_cases()) op_choice_->addItem(QString::fromStdString(info.op));
    sizes_ = new QLineEdit;
    sizes_->setObjectName(QStringLiteral("level_sizes"));
    sizes_->setAccessibleName(tr("Sizes of the input"));
    compare_ = new QPushButton(tr("Compare"));
    compare_->setObjectName(QStringLiteral("level_compare"));
    compare_->setAccessibleName(tr("Compare the levels"));
    compare_->setToolTip(
        tr("Run every level of the operation on the same input, beside whatever else is going"));
    row->addWidget(op_choice_);
    row->addWidget(sizes_, 1);
    row->addWidget(compare_);
    column->addLayout(row);
    progress_ = new QProgressBar;
    progress_->setObjectName(QStringLiteral("level_progress"));
    progress_->setAccessibleName(tr("Progress of the comparison"));
    progress_->setRange(0, 1000);
    progress_->setTextVisible(false);
    progress_->hide();
    column->addWidget(progress_);
    levels_ = make_table("levels_table", tr("Levels of the operation"), level_model_);
    levels_->setItemDelegateForColumn(LevelTableModel::kSpeedUp,
                                      new BarDelegate(LevelTableModel::kValueRole, levels_));
    QHeaderView* header = levels_->horizontalHeader();
    header->setSectionResizeMode(QHeaderView::ResizeToContents);
    header->setSectionResizeMode(LevelTableModel::kSpeedUp, QHeaderView::Interactive);
    header->resizeSection(LevelTableModel::kSpeedUp, kSpeedUpWidth);
    column->addWidget(
        make_table_or_text(
            *levels_, "levels_empty",
            tr("Compare runs every version of an operation on the same input: time, speed-up over the "
               "simplest one, and the largest difference of a result.")),
        1);
    connect(op_choice_, &QComboBox::currentTextChanged, this,
            [this](const QString& op) { choose_op(op.toStdString()); });
    connect(compare_, &QPushButton::clicked, this, &KernelsPage::compare_or_cancel);
    connect(sizes_, &QLineEdit::returnPressed, this, &KernelsPage::compare_or_cancel);
    auto* save = new QAction(tr("export"), this);
    save->setToolTip(tr("Save or copy the comparison"));
    save->setMenu(make_export_menu(
        *body,
        {{tr("CSV table…"), QStringLiteral("csv"),
          [this](const QString& path) { return write_text_file(path, level_model_->to_csv()); }}},
        [this] { return level_model_->to_csv(); }));
    levels_card_->add_action(save);
    levels_card_->set_body(body);
    choose_op("purefft_step");
    return levels_card_;
}

QWidget* KernelsPage::build_roofline() {
    roofline_card_ =
        new Card(QStringLiteral("roofline_card"), tr("Roofline"), tr("ceiling not measured yet"));
    roofline_ = new LineChart;
    roofline_->setObjectName(QStringLiteral("roofline_chart"));
    roofline_->setAccessibleName(tr("Arithmetic by intensity, below the machine's ceiling"));
    roofline_->set_axis_titles({tr("arithmetic intensity"), tr("FLOP/byte")}, {{}, tr("GFLOP/s")});
    roofline_->set_log_x(true);
    roofline_->set_log_y(true);
    roofline_->set_empty_text(tr("Each operation becomes a point below the machine's ceiling."));
    roofline_->add_series(ceiling_style());
    roofline_card_->add_action(roofline_->export_action());
    roofline_card_->set_body(roofline_);
    return roofline_card_;
}

void KernelsPage::choose_op(const std::string& op) {
    const auto found = std::ranges::find(op_cases(), op, &OpCaseInfo::op);
    if (found == op_cases().end()) return;
    const QSignalBlocker quiet(op_choice_);
    op_choice_->setCurrentText(QString::fromStdString(op));
    sizes_->setText(QString::fromStdString(sizes_text(found->sizes)));
    sizes_->setCursorPosition(0);
    QStringList ranges;
    for (const Field& field : found->sizes)
        ranges << tr("%1: %2").arg(QString::fromStdString(field.name),
                                   QString::fromStdString(range_text(field)));
    sizes_->setToolTip(tr("Sizes of the input, name=number. %1").arg(ranges.join(QStringLiteral("; "))));
}

void KernelsPage::compare_or_cancel() {
    if (probe_.active()) {
        compare_->setEnabled(false);
        probe_.cancel();
        return;
    }
    try {
        std::vector<std::string> texts;
        for (const QString& part : sizes_->text().split(QLatin1Char(' '), Qt::SkipEmptyParts))
            texts.push_back(part.toStdString());
        const Json sizes = parse_sizes(texts);
        progress_->setValue(0);
        progress_->show();
        compare_->setText(tr("Cancel"));
        probe_.compare(op_choice_->currentText().toStdString(), sizes);
    } catch (const Error& error) {
        Q_EMIT problem(QString::fromUtf8(error.what()), QString::fromStdString(error.hint()));
    }
}

void KernelsPage::showEvent(QShowEvent* event) {
    if (timing_->isChecked()) profiler_.start();  // from the first look at it on
    show_profile();
    if (ceiling_.gb_per_s <= 0) probe_.find_ceiling("auto", !training_);
    QWidget::showEvent(event);
}

/// Where the table is too narrow for all columns, what the roofline shows too gives way.
void KernelsPage::resizeEvent(QResizeEvent* event) {
    operations_->setColumnHidden(OpTableModel::kArithmetic, event->size().width() < kAllColumnsWidth);
    QWidget::resizeEvent(event);
}

void KernelsPage::refresh(bool training) {
    const bool over = training_ && !training;
    training_ = training;
    if (!isVisible()) return;
    show_profile();
    // Measured once per machine, and only while nothing else wants it.
    if (over && ceiling_.gb_per_s <= 0) probe_.find_ceiling("auto", true);
}

void KernelsPage::show_profile() {
    const auto profile = profiler_.profile(timeline_->following() ? kTimelineSpans : 0);
    op_model_->set_profile(profile);
    operations_card_->set_subtitle(
        profile->timings.empty()
            ? tr("of the runs in this window")
            : tr("%1 · %2 steps").arg(QString::fromStdString(profile->device), grouped(profile->steps)));
    if (timeline_->following()) show_timeline(*profile);
    show_roofline(*profile);
}

void KernelsPage::show_timeline(const Profile& profile) {
    // A lane for each operation that occurs, in the order of the table's first appearance.
    std::set<std::int32_t> present;
    for (const OpSpan& span : profile.spans) present.insert(span.timing);
    std::vector<TimelineView::Lane> lanes;
    std::map<std::int32_t, int> lane_of;
    for (const std::int32_t timing : present) {
        lane_of[timing] = static_cast<int>(lanes.size());
        lanes.push_back(
            {QString::fromStdString(profile.timings[static_cast<std::size_t>(timing)].op), timing});
    }
    std::vector<TimelineView::Span> spans;
    spans.reserve(profile.spans.size());
    for (const OpSpan& span : profile.spans)
        spans.push_back({lane_of[span.timing], span.start_ns, span.duration_ns, span.step});
    timeline_->set_data(std::move(lanes), std::move(spans));
}

void KernelsPage::show_ceiling(const Ceiling& ceiling) {
    ceiling_ = ceiling;
    op_model_->set_ceiling(ceiling);
    roofline_card_->set_subtitle(tr("measured: %1 GB/s, %2 GFLOP/s")
                                     .arg(ceiling.gb_per_s, 0, 'g', 3)
                                     .arg(ceiling.gflop_per_s, 0, 'g', 3));
    show_roofline(*profiler_.profile(0));
}

void KernelsPage::show_roofline(const Profile& profile) {
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < profile.timings.size(); ++i)
        if (profile.timings[i].flops > 0 && profile.timings[i].share > kLeastShare) order.push_back(i);
    std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
        return profile.timings[a].total_ms > profile.timings[b].total_ms;
    });
    if (order.size() > kRooflineOps) order.resize(kRooflineOps);
    std::ranges::sort(order);
    // A colour stays with its operation, here and in the timeline.
    if (order != roofline_ops_) {
        roofline_ops_ = order;
        roofline_->clear_series();
        roofline_->add_series(ceiling_style());
        for (const std::size_t timing : order)
            roofline_->add_series({.name = QString::fromStdString(profile.timings[timing].op),
                                   .colour = static_cast<int>(timing),
                                   .markers = Markers::always});
    }
    double low = 0.1, high = 10;
    for (std::size_t i = 0; i < order.size(); ++i) {
        const OpTiming& timing = profile.timings[order[i]];
        const double intensity = timing.flops / timing.bytes;
        low = std::min(low, intensity / 2);
        high = std::max(high, intensity * 2);
        roofline_->set_series_data(static_cast<int>(i) + 1, {intensity}, {timing.gflop_per_s()});
    }
    if (ceiling_.gb_per_s <= 0) {
        roofline_->set_series_data(0, {}, {});
        return;
    }
    const double ridge = ceiling_.gflop_per_s / ceiling_.gb_per_s;
    high = std::max(high, 2 * ridge);
    roofline_->set_series_data(0, {low, ridge, high},
                               {low * ceiling_.gb_per_s, ceiling_.gflop_per_s, ceiling_.gflop_per_s});
}

}  // namespace spectral::ui
