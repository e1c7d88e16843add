// The cards of the Attention page.
#include <QComboBox>
#include <QGridLayout>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QItemSelectionModel>
#include <QLabel>
#include <QLineEdit>
#include <QSpinBox>
#include <QStackedLayout>
#include <QTableView>
#include <QToolButton>
#include <limits>

#include "ui/card.hpp"
#include "ui/charts/bar_delegate.hpp"
#include "ui/charts/heat_map.hpp"
#include "ui/charts/line_chart.hpp"
#include "ui/charts/map_grid.hpp"
#include "ui/models/attention_head_model.hpp"
#include "ui/panels/attention_page.hpp"
#include "ui/panels/scrolled.hpp"
#include "ui/panels/table.hpp"
#include "ui/panels/tiles_panel.hpp"
#include "ui/theme.hpp"

namespace spectral::ui {

namespace {

constexpr int kMargin = 14, kGap = 12, kMapsHeight = 420, kRowsHeight = 260, kSampleWidth = 96,
              kHeadWidth = 74;
constexpr int kColumns = 5;

}  // namespace

AttentionPage::AttentionPage(QWidget* parent) : QWidget(parent), head_model_(new AttentionHeadModel(this)) {
    setObjectName(QStringLiteral("attention_page"));
    QWidget* content = make_scrolled(*this, "attention_scroll");
    auto* grid = new QGridLayout(content);
    grid->setContentsMargins(kMargin, kMargin, kMargin, kMargin);
    grid->setSpacing(kGap);
    for (int column = 0; column < kColumns; ++column) grid->setColumnStretch(column, 1);
    grid->addWidget(build_controls(), 0, 0, 1, kColumns);
    build_maps(*grid);
    build_rows(*grid);
    tiles_ = new TilesPanel;
    grid->addWidget(tiles_, 3, 0, 1, kColumns);
    grid->setRowMinimumHeight(1, kMapsHeight);
    grid->setRowStretch(1, kMapsHeight);
    grid->setRowMinimumHeight(2, kRowsHeight);
    grid->setRowStretch(2, kRowsHeight);
    connect(tiles_, &TilesPanel::problem, this, &AttentionPage::problem);
    show_problem(without_model(), true);
    window_text_->installEventFilter(this);
    map_->installEventFilter(this);
}

QWidget* AttentionPage::build_controls() {
    auto* frame = new QFrame;
    set_role(*frame, QStringLiteral("card"));
    frame->setObjectName(QStringLiteral("attention_controls"));
    auto* row = new QHBoxLayout(frame);
    row->setContentsMargins(12, 7, 12, 7);
    row->setSpacing(8);
    source_ = new QComboBox;
    source_->setObjectName(QStringLiteral("attention_source"));
    source_->setAccessibleName(tr("Text that is looked at"));
    source_->setToolTip(
        tr("A window of the text's test part, where the model's data are at hand, or a text of your own"));
    source_->addItem(tr("test window"), static_cast<int>(kWindow));
    source_->addItem(tr("own text"), static_cast<int>(kText));
    row->addWidget(source_);
    add_sample_choice(*row);
    text_ = new QLineEdit;
    text_->setObjectName(QStringLiteral("attention_text"));
    text_->setAccessibleName(tr("Text of your own"));
    text_->setPlaceholderText(tr("a text of the characters that the model knows"));
    text_->setToolTip(tr("The model looks at its end, as much as its context holds"));
    text_->setClearButtonEnabled(true);
    text_->hide();
    row->addWidget(text_, 1);
    window_text_ = new QLabel;
    window_text_->setObjectName(QStringLiteral("attention_window_text"));
    window_text_->setTextFormat(Qt::PlainText);
    window_text_->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
    set_role(*window_text_, QStringLiteral("muted"));
    row->addWidget(window_text_, 1);
    auto* caption = new QLabel(tr("block"));
    set_role(*caption, QStringLiteral("muted"));
    row->addWidget(caption);
    block_ = new QComboBox;
    block_->setObjectName(QStringLiteral("attention_block"));
    block_->setAccessibleName(tr("Block"));
    block_->setToolTip(tr("Whose attention is shown, from the first block to the last"));
    block_->setSizeAdjustPolicy(QComboBox::AdjustToContents);
    block_->addItem(tr("none"));
    block_->setEnabled(false);
    caption->setBuddy(block_);
    row->addWidget(block_);
    connect(source_, &QComboBox::currentIndexChanged, this, [this] {
        const bool own = source_->currentData().toInt() == kText;
        sample_choice_->setVisible(!own);
        text_->setVisible(own);
        window_text_->setVisible(!own);
        if (own) text_->setFocus();
        ask();
    });
    connect(sample_, &QSpinBox::valueChanged, this, &AttentionPage::ask);
    connect(text_, &QLineEdit::textChanged, this, &AttentionPage::ask);
    connect(block_, &QComboBox::currentIndexChanged, this, &AttentionPage::ask);
    return frame;
}

void AttentionPage::add_sample_choice(QHBoxLayout& row) {
    sample_choice_ = new QWidget;
    auto* choice = new QHBoxLayout(sample_choice_);
    choice->setContentsMargins(0, 0, 0, 0);
    choice->setSpacing(4);
    const auto add_step = [&](const char* name, Qt::ArrowType arrow, const QString& what, int by) {
        auto* button = new QToolButton;
        button->setObjectName(QLatin1String(name));
        button->setArrowType(arrow);
        button->setAccessibleName(what);
        button->setToolTip(what);
        button->setAutoRepeat(true);
        connect(button, &QToolButton::clicked, this, [this, by] { move_sample(by); });
        return button;
    };
    previous_ = add_step("attention_previous", Qt::LeftArrow, tr("Previous window"), -1);
    next_ = add_step("attention_next", Qt::RightArrow, tr("Next window"), 1);
    sample_ = new QSpinBox;
    sample_->setObjectName(QStringLiteral("attention_sample"));
    sample_->setAccessibleName(tr("Window"));
    sample_->setToolTip(tr("Which window of the test part, counted from 1"));
    sample_->setRange(1, std::numeric_limits<int>::max());
    sample_->setKeyboardTracking(false);
    sample_->setFocusPolicy(Qt::StrongFocus);
    sample_->setFixedWidth(kSampleWidth);
    samples_ = new QLabel;
    samples_->setObjectName(QStringLiteral("attention_samples"));
    set_role(*samples_, QStringLiteral("muted"));
    choice->addWidget(previous_);
    choice->addWidget(sample_);
    choice->addWidget(next_);
    choice->addWidget(samples_);
    row.addWidget(sample_choice_);
}

void AttentionPage::build_maps(QGridLayout& grid) {
    heads_card_ = new Card(QStringLiteral("attention_heads_card"), tr("Heads"));
    auto* body = new QWidget;
    auto* stack = new QStackedLayout(body);
    empty_ = new QLabel;
    empty_->setObjectName(QStringLiteral("attention_empty"));
    empty_->setAlignment(Qt::AlignCenter);
    empty_->setWordWrap(true);
    set_role(*empty_, QStringLiteral("muted"));
    maps_ = new MapGrid;
    maps_->setObjectName(QStringLiteral("attention_maps"));
    maps_->setAccessibleName(tr("Weights of every head, queries down, keys across"));
    maps_->set_formatter([this](int head, int query, int key, float weight) {
        return tr("head %1: query %2, key %3: weight %4")
            .arg(head + 1)
            .arg(token(query), token(key))
            .arg(static_cast<double>(weight), 0, 'g', 3);
    });
    stack->addWidget(empty_);
    stack->addWidget(maps_);
    heads_card_->add_action(maps_->export_action());
    heads_card_->set_body(body);
    connect(maps_, &MapGrid::mapChosen, this, &AttentionPage::choose_head);
    grid.addWidget(heads_card_, 1, 0, 1, 2);

    map_card_ = new Card(QStringLiteral("attention_map_card"), tr("Head"));
    map_ = new HeatMap;
    map_->setObjectName(QStringLiteral("attention_map"));
    map_->setAccessibleName(tr("Weights of the chosen head"));
    map_->set_axis_titles(tr("query, position"), tr("key, position"));
    map_->set_square_cells(true);
    map_->set_formatter([this](int query, int key, float weight) {
        return tr("query %1, key %2: weight %3")
            .arg(token(query), token(key))
            .arg(static_cast<double>(weight), 0, 'g', 3);
    });
    map_card_->add_action(map_->export_action());
    map_card_->set_body(map_);
    grid.addWidget(map_card_, 1, 2, 1, 3);
}

void AttentionPage::build_rows(QGridLayout& grid) {
    entropy_card_ = new Card(QStringLiteral("attention_entropy_card"), tr("Row entropy"));
    entropy_ = new LineChart;
    entropy_->setObjectName(QStringLiteral("attention_entropy_chart"));
    entropy_->setAccessibleName(tr("Entropy of every row of the maps, by position"));
    entropy_->set_axis_titles({tr("position of the query")}, {tr("entropy"), tr("nats")});
    entropy_->set_y_limits(0, std::nullopt);
    entropy_card_->add_action(entropy_->export_action());
    entropy_card_->set_body(entropy_);
    grid.addWidget(entropy_card_, 2, 0, 1, 3);

    table_card_ = new Card(QStringLiteral("attention_table_card"), tr("Means over the rows"),
                           tr("syntony: 1 − entropy / ln T"));
    table_ = make_table("attention_table", tr("Mean entropy and syntony of every head"), head_model_);
    table_->setToolTip(tr("A head that is selected is shown large"));
    for (const int column : {AttentionHeadModel::kEntropy, AttentionHeadModel::kSyntony})
        table_->setItemDelegateForColumn(column, new BarDelegate(AttentionHeadModel::kShareRole, table_));
    table_->horizontalHeader()->setSectionResizeMode(AttentionHeadModel::kHead, QHeaderView::Fixed);
    table_->setColumnWidth(AttentionHeadModel::kHead, kHeadWidth);
    table_->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Ignored);
    QWidget* body = make_table_or_text(*table_, "attention_table_empty", {});
    table_empty_ = body->findChild<QLabel*>(QStringLiteral("attention_table_empty"));
    table_card_->set_body(body);
    connect(table_->selectionModel(), &QItemSelectionModel::currentRowChanged, this,
            [this](const QModelIndex& index) {
                if (index.isValid()) choose_head(index.row());
            });
    grid.addWidget(table_card_, 2, 3, 1, 2);
}

}  // namespace spectral::ui
