#include "ui/panels/memory_page.hpp"

#include <QAction>
#include <QGridLayout>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QMenu>
#include <QPushButton>
#include <QSignalBlocker>
#include <QSpinBox>
#include <QVBoxLayout>
#include <algorithm>
#include <array>
#include <utility>

#include "engine/train/config.hpp"
#include "ui/card.hpp"
#include "ui/charts/bar_delegate.hpp"
#include "ui/charts/export.hpp"
#include "ui/charts/stacked_chart.hpp"
#include "ui/models/holder_table_model.hpp"
#include "ui/models/plan_table_model.hpp"
#include "ui/panels/format.hpp"
#include "ui/panels/live_text.hpp"
#include "ui/panels/scrolled.hpp"
#include "ui/panels/table.hpp"
#include "ui/theme.hpp"

namespace spectral::ui {

namespace {

constexpr int kMargin = 14, kGap = 12, kChartHeight = 250, kTablesHeight = 200;
constexpr int kFigurePixels = 20, kFigureGap = 36, kLimitWidth = 140, kShareWidth = 150;
constexpr int kKindWidth = 104, kBytesWidth = 90;
constexpr double kMebibyte = 0x1p20;

/// From the bottom: what stays comes first, what comes and goes stands on it.
struct Kind {
    MemoryTag tag;
    int colour;
};
constexpr std::array<Kind, kMemoryTagCount> kKinds{{{MemoryTag::data, 0},
                                                    {MemoryTag::parameters, 1},
                                                    {MemoryTag::gradients, 2},
                                                    {MemoryTag::optimiser, 3},
                                                    {MemoryTag::activations, 4},
                                                    {MemoryTag::plans, 5},
                                                    {MemoryTag::workspace, -1}}};

QString name_of(MemoryTag tag) {
    return QString::fromUtf8(memory_tag_name(tag).data(), qsizetype(memory_tag_name(tag).size()));
}

QLabel* make_muted(const QString& text) {
    auto* label = new QLabel(text);
    set_role(*label, QStringLiteral("subtitle"));
    return label;
}

}  // namespace

MemoryPage::MemoryPage(MemoryBudget& budget, QWidget* parent)
    : QWidget(parent),
      budget_(budget),
      holder_model_(new HolderTableModel(this)),
      plan_model_(new PlanTableModel(this)) {
    setObjectName(QStringLiteral("memory_page"));
    QWidget* content = make_scrolled(*this, "memory_scroll");
    auto* grid = new QGridLayout(content);
    grid->setContentsMargins(kMargin, kMargin, kMargin, kMargin);
    grid->setSpacing(kGap);
    grid->addWidget(build_figures(), 0, 0, 1, 2);
    grid->addWidget(build_chart(), 1, 0, 1, 2);
    grid->addWidget(build_holders(), 2, 0);
    grid->addWidget(build_plans(), 2, 1);
    grid->setRowMinimumHeight(1, kChartHeight);
    grid->setRowMinimumHeight(2, kTablesHeight);
    grid->setRowStretch(1, 5);
    grid->setRowStretch(2, 4);
    grid->setColumnStretch(0, 8);
    grid->setColumnStretch(1, 5);
    // The rows share the page whatever the tables hold.
    for (QTableView* table : {holders_, plans_})
        table->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Ignored);
    show_plans();
}

LiveText* MemoryPage::add_figure(QHBoxLayout& row, const char* name, const QString& caption,
                                 const QString& tip) {
    auto* column = new QVBoxLayout;
    column->setSpacing(2);
    column->addWidget(make_muted(caption));
    auto* figure = new LiveText(kFigurePixels);
    figure->setObjectName(QLatin1String(name));
    figure->setToolTip(tip);
    column->addWidget(figure);
    row.addLayout(column);
    row.addSpacing(kFigureGap);
    return figure;
}

QWidget* MemoryPage::build_figures() {
    auto* card = new Card(QStringLiteral("memory_figures_card"), tr("Memory"),
                          tr("of the runs in this window, their data and their backend"));
    auto* body = new QWidget;
    auto* row = new QHBoxLayout(body);
    row->setContentsMargins(0, 0, 0, 2);
    row->setSpacing(0);
    current_ = add_figure(*row, "memory_current", tr("in use"), tr("Held now, host and device together"));
    peak_ =
        add_figure(*row, "memory_peak", tr("peak"), tr("The most that was held at once since the run began"));
    share_ = add_figure(*row, "memory_share", tr("of the limit"), tr("In use, as a part of the limit"));
    auto* column = new QVBoxLayout;
    column->setSpacing(2);
    auto* caption = make_muted(tr("limit"));
    column->addWidget(caption);
    auto* control = new QHBoxLayout;
    control->setSpacing(12);
    limit_ = new QSpinBox;
    limit_->setObjectName(QStringLiteral("memory_limit"));
    limit_->setAccessibleName(tr("Memory limit in MiB"));
    limit_->setToolTip(
        tr("What would go beyond fails with a message and the run stands until there is room. It holds "
           "at once and for the next runs; 0: no limit"));
    const Field& field = *find_field(training_schema(), "memory_mib");
    limit_->setRange(0, static_cast<int>(field.maximum));
    limit_->setSpecialValueText(tr("none"));
    limit_->setSuffix(tr(" MiB"));
    limit_->setSingleStep(16);
    limit_->setKeyboardTracking(false);
    limit_->setFocusPolicy(Qt::StrongFocus);
    limit_->setFixedWidth(kLimitWidth);
    caption->setBuddy(limit_);
    control->addWidget(limit_);
    limit_note_ = make_muted({});
    limit_note_->setObjectName(QStringLiteral("memory_limit_note"));
    limit_note_->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
    control->addWidget(limit_note_, 1);
    column->addLayout(control);
    row->addLayout(column, 1);
    connect(limit_, &QSpinBox::valueChanged, this, &MemoryPage::change_limit);
    card->set_body(body);
    return card;
}

QWidget* MemoryPage::build_chart() {
    chart_card_ = new Card(QStringLiteral("memory_chart_card"), tr("Over time"), tr("by kind"));
    chart_ = new StackedChart;
    chart_->setObjectName(QStringLiteral("memory_chart"));
    chart_->setAccessibleName(tr("Memory by kind over time, against the limit"));
    chart_->set_axis_titles({tr("time since the start"), tr("s")}, {{}, tr("MiB")});
    chart_->set_empty_text(
        tr("What a run holds appears here over time: its data, its parameters, its workspace."));
    std::vector<StackedChart::Band> bands;
    for (const Kind& kind : kKinds) bands.push_back({name_of(kind.tag), kind.colour});
    chart_->set_bands(std::move(bands));
    chart_card_->add_action(chart_->export_action());
    chart_card_->set_body(chart_);
    return chart_card_;
}

QWidget* MemoryPage::build_holders() {
    auto* card = new Card(QStringLiteral("memory_holders_card"), tr("Holders"), tr("the largest first"));
    holders_ = make_table("memory_holders", tr("Holders of memory"), holder_model_);
    holders_->setItemDelegateForColumn(HolderTableModel::kShare,
                                       new BarDelegate(HolderTableModel::kValueRole, holders_));
    // Measuring the contents anew would be the dearest part of a frame.
    QHeaderView* header = holders_->horizontalHeader();
    header->setSectionResizeMode(QHeaderView::Interactive);
    header->setSectionResizeMode(HolderTableModel::kHolder, QHeaderView::Stretch);
    header->resizeSection(HolderTableModel::kKind, kKindWidth);
    header->resizeSection(HolderTableModel::kBytes, kBytesWidth);
    header->resizeSection(HolderTableModel::kShare, kShareWidth);
    QWidget* body = make_table_or_text(*holders_, "memory_holders_empty", tr("Nothing is held."));
    const auto csv = [this] { return holder_model_->to_csv(); };
    auto* save = new QAction(tr("export"), this);
    save->setToolTip(tr("Save or copy the list"));
    save->setMenu(make_export_menu(*body,
                                   {{tr("CSV table…"), QStringLiteral("csv"),
                                     [csv](const QString& path) { return write_text_file(path, csv()); }}},
                                   csv));
    card->add_action(save);
    card->set_body(body);
    return card;
}

QWidget* MemoryPage::build_plans() {
    auto* card = new Card(QStringLiteral("memory_plans_card"), tr("Plan cache"), tr("of the run's backend"));
    auto* body = new QWidget;
    auto* column = new QVBoxLayout(body);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(8);
    plans_ = make_table("memory_plans", tr("Plans in the cache"), plan_model_);
    QHeaderView* header = plans_->horizontalHeader();
    header->setSectionResizeMode(QHeaderView::ResizeToContents);
    header->setSectionResizeMode(PlanTableModel::kPlan, QHeaderView::Stretch);
    column->addWidget(make_table_or_text(
                          *plans_, "memory_plans_empty",
                          tr("The plans of the run's Fourier transforms appear here. They go with the run.")),
                      1);
    auto* row = new QHBoxLayout;
    row->setSpacing(10);
    evict_ = new QPushButton(tr("Evict plans"));
    evict_->setObjectName(QStringLiteral("evict_plans"));
    evict_->setAccessibleName(evict_->text());
    row->addWidget(evict_);
    evict_note_ = make_muted({});
    evict_note_->setObjectName(QStringLiteral("evict_note"));
    row->addWidget(evict_note_, 1);
    column->addLayout(row);
    connect(evict_, &QPushButton::clicked, this, &MemoryPage::evictRequested);
    card->set_body(body);
    return card;
}

void MemoryPage::set_plans(std::vector<PlanInfo> plans) {
    plans_known_ = std::move(plans);
    plans_changed_ = true;
    if (isVisible()) show_plans();
}

void MemoryPage::start_over() {
    begun_ = true;
    budget_.start_over();
    end_ns_ = 0;
    chart_->show_everything();
    set_plans({});
}

void MemoryPage::refresh(bool running) {
    if (running != running_) {
        if (!running) end_ns_ = budget_.elapsed_ns();
        begun_ = true;
        running_ = running;
        plans_changed_ = true;
    }
    if (isVisible()) show_now();
}

void MemoryPage::showEvent(QShowEvent* event) {
    show_now();
    QWidget::showEvent(event);
}

void MemoryPage::show_now() {
    if (running_) end_ns_ = budget_.elapsed_ns();
    if (const std::uint64_t revision = budget_.revision(); revision != shown_revision_) {
        shown_revision_ = revision;
        const MemorySnapshot memory = budget_.snapshot();
        show_figures(memory);
        show_chart(memory);
        holder_model_->set_holders(memory.holders);
    } else if (running_) {
        chart_->set_end(end_s());
    }
    if (plans_changed_) show_plans();
}

void MemoryPage::show_figures(const MemorySnapshot& memory) {
    current_->set_parts({{human_bytes(memory.total.current), true}});
    peak_->set_parts({{human_bytes(memory.total.peak), true}});
    const bool limited = memory.limit != MemoryBudget::kUnlimited;
    share_->set_parts(
        {{limited ? percent(static_cast<double>(memory.total.current) / static_cast<double>(memory.limit))
                  : QStringLiteral("–"),
          limited}});
    show_limit(memory.limit, memory.total.current);
}

void MemoryPage::show_limit(std::size_t limit, std::size_t current) {
    const bool limited = limit != MemoryBudget::kUnlimited;
    if (!limit_->hasFocus()) {
        const QSignalBlocker quiet(limit_);
        limit_->setValue(limited ? static_cast<int>(limit >> 20) : 0);
    }
    const bool below = limited && limit < current;
    QString note;
    if (below)
        note = tr("Below what is in use: requests fail until %1 are given back.")
                   .arg(human_bytes(current - limit));
    else if (limited)
        note = tr("%1 are left.").arg(human_bytes(limit - current));
    else
        note = tr("The machine's memory is the only limit.");
    if (limit_note_->text() != note) limit_note_->setText(note);
    set_role(*limit_note_, below ? QStringLiteral("error") : QStringLiteral("subtitle"));
}

void MemoryPage::show_chart(const MemorySnapshot& memory) {
    StackedChart::Data steps;
    // What came and went while a file was opened is no run's.
    if (!begun_ && memory.total.current == 0) return chart_->set_data({});
    steps.xs.reserve(memory.timeline.size());
    for (const MemoryPoint& point : memory.timeline)
        steps.xs.push_back(1e-9 * static_cast<double>(point.time_ns));
    for (const Kind& kind : kKinds) {
        std::vector<double>& band = steps.values.emplace_back();
        band.reserve(memory.timeline.size());
        for (const MemoryPoint& point : memory.timeline)
            band.push_back(static_cast<double>(point.bytes[static_cast<std::size_t>(kind.tag)]) / kMebibyte);
    }
    steps.end = end_s();
    chart_->set_data(std::move(steps));
    const bool limited = memory.limit != MemoryBudget::kUnlimited;
    chart_->set_limit(limited ? std::optional(static_cast<double>(memory.limit) / kMebibyte) : std::nullopt,
                      tr("limit %1").arg(human_bytes(memory.limit)));
    chart_card_->set_subtitle(limited && !chart_->limit_in_sight()
                                  ? tr("by kind; the limit of %1 is far above").arg(human_bytes(memory.limit))
                                  : tr("by kind"));
}

void MemoryPage::show_plans() {
    plans_changed_ = false;
    plan_model_->set_plans(plans_known_);
    const bool any = !plans_known_.empty();
    evict_->setEnabled(running_ && any);
    const QString reason = !running_ ? tr("No run is going: its plans went with it.")
                           : any     ? QString()
                                     : tr("The cache is empty.");
    evict_note_->setText(reason);
    evict_->setToolTip(any && running_ ? tr("Let all plans go; what needs one makes it anew") : reason);
}

void MemoryPage::change_limit(int mib) {
    const std::size_t bytes = mib > 0 ? static_cast<std::size_t>(mib) << 20 : MemoryBudget::kUnlimited;
    budget_.set_limit(bytes);
    Q_EMIT limitChanged(mib);
    show_now();
}

}  // namespace spectral::ui
