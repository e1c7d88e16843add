// The parts of the Evolve panel.
#include <QComboBox>
#include <QGridLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <QSpinBox>
#include <QStackedWidget>
#include <QVBoxLayout>

#include "ui/card.hpp"
#include "ui/charts/heat_map.hpp"
#include "ui/charts/line_chart.hpp"
#include "ui/panels/evolve_panel.hpp"
#include "ui/panels/field_edit.hpp"
#include "ui/theme.hpp"

namespace spectral::ui {

namespace {

constexpr int kGap = 12, kLabelWidth = 84, kSmallestChart = 100, kPace_ms = 33, kPictureHeight = 210,
              kChartHeight = 160;

QLabel* make_label(const QString& text, const char* role) {
    auto* label = new QLabel(text);
    set_role(*label, QLatin1String(role));
    return label;
}

}  // namespace

EvolvePanel::EvolvePanel(QWidget* parent) : QWidget(parent) {
    setObjectName(QStringLiteral("evolve_panel"));
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    stack_ = new QStackedWidget;
    column->addWidget(stack_);
    auto* empty = make_label(tr("This model shows no pattern that can be evolved."), "muted");
    empty->setObjectName(QStringLiteral("evolve_empty"));
    empty->setAlignment(Qt::AlignCenter);
    empty->setWordWrap(true);
    stack_->addWidget(empty);
    auto* filled = new QWidget;
    auto* row = new QHBoxLayout(filled);
    row->setContentsMargins(0, 0, 0, 0);
    row->setSpacing(kGap);
    row->addWidget(build_controls());
    auto* grid = new QGridLayout;
    grid->setSpacing(kGap);
    build_pictures(*grid);
    row->addLayout(grid, 1);
    stack_->addWidget(filled);
    pace_.setInterval(kPace_ms);
    connect(&pace_, &QTimer::timeout, this, [this] {
        if (!evolution_.busy()) step();
    });
    connect(&evolution_, &PatternEvolution::moved, this, [this] {
        show_pattern();
        show_measures();
        update_buttons();
    });
    connect(&evolution_, &PatternEvolution::refused, this, &EvolvePanel::show_refusal);
    change_tool();
    update_buttons();
}

FieldEdit* EvolvePanel::add_setting(QGridLayout& grid, int row, const char* name, const QString& label,
                                    const QString& tip, double value) {
    auto* caption = make_label(label, "muted");
    auto* field = new FieldEdit;
    field->setObjectName(QStringLiteral("evolve_") + QLatin1String(name));
    field->setAccessibleName(label);
    field->setToolTip(tip);
    field->setText(QString::number(value));
    caption->setBuddy(field);
    caption->setToolTip(tip);
    grid.addWidget(caption, row, 0);
    grid.addWidget(field, row, 1);
    fields_[QLatin1String(name)] = field;
    labels_[QLatin1String(name)] = caption;
    connect(field, &QLineEdit::textEdited, this, &EvolvePanel::clear_refusal);
    connect(field, &QLineEdit::returnPressed, this, &EvolvePanel::step);
    return field;
}

QWidget* EvolvePanel::build_settings() {
    auto* area = new QWidget;
    area->setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Fixed);
    auto* grid = new QGridLayout(area);
    grid->setContentsMargins(0, 0, 0, 0);
    grid->setHorizontalSpacing(8);
    grid->setVerticalSpacing(6);
    grid->setColumnMinimumWidth(0, kLabelWidth);
    grid->setColumnStretch(1, 1);
    const auto add = [&](int row, QLabel* label, QWidget* control) {
        label->setBuddy(control);
        grid->addWidget(label, row, 0);
        grid->addWidget(control, row, 1);
    };
    matrices_ = new FieldCombo;
    matrices_->setObjectName(QStringLiteral("evolve_matrix"));
    matrices_->setAccessibleName(tr("Patterns"));
    matrices_->setToolTip(tr("Of which patterns a copy is taken"));
    add(0, make_label(tr("patterns"), "muted"), matrices_);
    index_ = new QSpinBox;
    index_->setObjectName(QStringLiteral("evolve_index"));
    index_->setAccessibleName(tr("Pattern"));
    index_->setToolTip(tr("Which of them; below 0 all rows together, as a plane, where they are one"));
    index_->setFocusPolicy(Qt::StrongFocus);
    index_label_ = make_label({}, "muted");
    add(1, index_label_, index_);
    tool_ = new FieldCombo;
    tool_->setObjectName(QStringLiteral("evolve_tool"));
    tool_->setAccessibleName(tr("Tool"));
    tool_->setToolTip(tr("What moves the copy"));
    tool_->addItem(tr("heat flow"), static_cast<int>(EvolutionTool::heat));
    tool_->addItem(tr("evolution"), static_cast<int>(EvolutionTool::evolution));
    tool_->addItem(tr("Ricci-type step"), static_cast<int>(EvolutionTool::ricci));
    add(2, make_label(tr("tool"), "muted"), tool_);
    formula_ = make_label({}, "subtitle");
    formula_->setObjectName(QStringLiteral("evolve_formula"));
    formula_->setWordWrap(true);
    grid->addWidget(formula_, 3, 0, 1, 2);
    add_setting(*grid, 4, "rate", tr("rate"), tr("How far a step goes; 0 or more"), 0.1);
    add_setting(
        *grid, 5, "stability", tr("stability"),
        tr("How much large values resist: a step is exp(−p²·stability) of what it would be; 0 or more"), 1);
    add_setting(*grid, 6, "time", tr("time"),
                tr("Of heat, for each step: its kernel is √(2·time) samples wide"), 0.5);
    add_setting(*grid, 7, "rows", tr("metric g₀₀"), tr("Squared length of a step from row to row"), 1);
    add_setting(*grid, 8, "columns", tr("metric g₁₁"), tr("Squared length of a step from column to column"),
                1);
    add_setting(*grid, 9, "mixed", tr("metric g₀₁"),
                tr("Inclination of rows and columns; its square must be below g₀₀·g₁₁"), 0);
    connect(matrices_, &QComboBox::currentIndexChanged, this, &EvolvePanel::fill_indices);
    connect(index_, &QSpinBox::valueChanged, this, &EvolvePanel::take_new_copy);
    connect(tool_, &QComboBox::currentIndexChanged, this, &EvolvePanel::change_tool);
    return area;
}

QWidget* EvolvePanel::build_controls() {
    auto* card = new Card(QStringLiteral("evolve_card"), tr("Evolve a copy"));
    auto* body = new QWidget;
    body->setFixedWidth(kControlsWidth);
    auto* column = new QVBoxLayout(body);
    column->setContentsMargins(0, 4, 0, 0);
    column->setSpacing(8);
    column->addWidget(build_settings());
    problem_ = make_label({}, "error");
    problem_->setObjectName(QStringLiteral("evolve_problem"));
    problem_->setWordWrap(true);
    problem_->hide();
    column->addWidget(problem_);
    auto* buttons = new QHBoxLayout;
    buttons->setSpacing(8);
    const auto add_button = [&](QPushButton*& button, const char* name, const QString& text,
                                const QString& tip) {
        button = new QPushButton(text);
        button->setObjectName(QLatin1String(name));
        button->setAccessibleName(text.trimmed());
        button->setToolTip(tip);
    };
    add_button(play_, "evolve_play", tr(" Play"), tr("Step after step, thirty a second at most"));
    play_->setCheckable(true);
    add_button(step_, "evolve_step", tr("Step"), tr("One step (Return in a field)"));
    add_button(reset_, "evolve_reset", tr("Reset"), tr("Take a new copy of the pattern on show"));
    for (QPushButton* button : {play_, step_, reset_}) buttons->addWidget(button, button == play_ ? 1 : 0);
    column->addLayout(buttons);
    column->addStretch(1);
    add_button(use_, "evolve_use", tr("Use as new starting point…"), {});
    column->addWidget(use_);
    target_label_ = make_label({}, "subtitle");
    target_label_->setObjectName(QStringLiteral("evolve_target"));
    target_label_->setWordWrap(true);
    column->addWidget(target_label_);
    card->set_body(body);
    connect(play_, &QPushButton::toggled, this, &EvolvePanel::play);
    connect(step_, &QPushButton::clicked, this, &EvolvePanel::step);
    connect(reset_, &QPushButton::clicked, this, &EvolvePanel::take_new_copy);
    connect(use_, &QPushButton::clicked, this, &EvolvePanel::use);
    play(false);
    return card;
}

LineChart* EvolvePanel::add_chart(QGridLayout& grid, int column, const char* name, const QString& title,
                                  const AxisTitle& y_title, const QString& tip) {
    auto* card = new Card(QLatin1String(name) + QStringLiteral("_card"), title);
    card->setToolTip(tip);
    auto* chart = new LineChart;
    chart->setObjectName(QLatin1String(name) + QStringLiteral("_chart"));
    chart->setAccessibleName(title);
    chart->set_axis_titles({tr("step")}, y_title);
    chart->add_series({.name = title, .colour = column, .markers = Markers::never});
    chart->set_legend_visible(false);
    chart->setMinimumWidth(kSmallestChart);
    card->add_action(chart->export_action());
    card->set_body(chart);
    grid.addWidget(card, 1, column);
    return chart;
}

void EvolvePanel::build_pictures(QGridLayout& grid) {
    auto* pictures = new QHBoxLayout;
    pictures->setSpacing(kGap);
    const auto add_map = [&](Card*& card, HeatMap*& map, const char* name, const QString& title) {
        card = new Card(QLatin1String(name) + QStringLiteral("_card"), title);
        map = new HeatMap;
        map->setObjectName(QLatin1String(name) + QStringLiteral("_map"));
        map->setAccessibleName(title);
        map->set_colour_map(ColourMapKind::diverging);
        card->add_action(map->export_action());
        card->set_body(map);
        pictures->addWidget(card, 1);
    };
    add_map(start_card_, start_map_, "evolve_start", tr("Learned"));
    add_map(now_card_, now_map_, "evolve_now", tr("Evolved"));
    row_card_ = new Card(QStringLiteral("evolve_row_card"), tr("Learned and evolved"));
    row_chart_ = new LineChart;
    row_chart_->setObjectName(QStringLiteral("evolve_row_chart"));
    row_chart_->setAccessibleName(tr("The pattern as it was learned and as it is now"));
    row_chart_->add_series({.name = tr("learned"), .colour = -1, .markers = Markers::never});
    row_chart_->add_series({.name = tr("evolved"), .colour = 0, .markers = Markers::never});
    row_card_->add_action(row_chart_->export_action());
    row_card_->set_body(row_chart_);
    pictures->addWidget(row_card_, 1);
    grid.addLayout(pictures, 0, 0, 1, 3);
    energy_ = add_chart(grid, 0, "evolve_energy", tr("Energy"), {tr("Σ p²")}, tr("Sum of squares"));
    entropy_ = add_chart(grid, 1, "evolve_entropy", tr("Entropy"), {tr("entropy"), tr("nats")},
                         tr("Of the energy's shares of all frequencies: 0 where one has all"));
    height_ = add_chart(grid, 2, "evolve_height", tr("Height"), {tr("ln (largest / smallest)")},
                        tr("Of the spectrum's largest magnitude over the smallest that is not 0"));
    for (int column = 0; column < 3; ++column) grid.setColumnStretch(column, 1);
    grid.setRowMinimumHeight(0, kPictureHeight);
    grid.setRowMinimumHeight(1, kChartHeight);
    grid.setRowStretch(0, 4);
    grid.setRowStretch(1, 3);
}

}  // namespace spectral::ui
