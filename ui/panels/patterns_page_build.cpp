// The cards of the Patterns page, and what stands below them.
#include <QAction>
#include <QGridLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <QSlider>
#include <QStackedLayout>
#include <QVBoxLayout>
#include <algorithm>
#include <numbers>
#include <utility>

#include "ui/card.hpp"
#include "ui/charts/bar_strip.hpp"
#include "ui/charts/heat_map.hpp"
#include "ui/charts/line_chart.hpp"
#include "ui/icons.hpp"
#include "ui/panels/evolve_panel.hpp"
#include "ui/panels/patterns_page.hpp"
#include "ui/panels/scrolled.hpp"
#include "ui/theme.hpp"

namespace spectral::ui {

namespace {

constexpr int kMargin = 14, kGap = 12, kCardHeight = 190;

}  // namespace

PatternsPage::PatternsPage(QWidget* parent)
    : QWidget(parent),
      stack_(new QStackedLayout(this)),
      empty_(new QLabel(this)),
      note_(new QLabel(this)),
      cards_area_(new QWidget),
      evolve_(new EvolvePanel) {
    setObjectName(QStringLiteral("patterns_page"));
    empty_->setObjectName(QStringLiteral("patterns_empty"));
    empty_->setAlignment(Qt::AlignCenter);
    empty_->setWordWrap(true);
    set_role(*empty_, QStringLiteral("muted"));
    stack_->addWidget(empty_);
    auto* filled = new QWidget(this);
    QWidget* content = make_scrolled(*filled, "patterns_scroll");
    stack_->addWidget(filled);
    auto* column = new QVBoxLayout(content);
    column->setContentsMargins(kMargin, kMargin, kMargin, kGap);
    grid_ = new QGridLayout(cards_area_);
    grid_->setContentsMargins(0, 0, 0, 0);
    grid_->setSpacing(kGap);
    column->addWidget(cards_area_, 1);
    column->addWidget(evolve_, 1);
    evolve_->hide();
    connect(evolve_, &EvolvePanel::startingPointWanted, this, &PatternsPage::startingPointWanted);
    // The sentence and the time stay in sight however far the cards are scrolled.
    auto* foot = new QVBoxLayout;
    foot->setContentsMargins(kMargin, 0, kMargin, kMargin);
    foot->setSpacing(8);
    static_cast<QVBoxLayout*>(filled->layout())->addLayout(foot);
    note_->setObjectName(QStringLiteral("patterns_note"));
    set_role(*note_, QStringLiteral("subtitle"));
    note_->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
    foot->addWidget(note_);
    foot->addWidget(build_time());
    set_note({});
    refresh();
}

QWidget* PatternsPage::build_time() {
    auto* frame = new QFrame;
    set_role(*frame, QStringLiteral("card"));
    frame->setObjectName(QStringLiteral("time_card"));
    auto* row = new QHBoxLayout(frame);
    row->setContentsMargins(12, 7, 12, 7);
    row->setSpacing(14);
    auto* label = new QLabel(tr("training time"), frame);
    set_role(*label, QStringLiteral("muted"));
    row->addWidget(label);
    slider_ = new QSlider(Qt::Horizontal, frame);
    slider_->setObjectName(QStringLiteral("time_slider"));
    slider_->setAccessibleName(tr("Moment of training on show"));
    slider_->setToolTip(
        tr("Go back to what the patterns looked like earlier in the run: the handle stands at "
           "the step, and stops where the patterns were kept"));
    label->setBuddy(slider_);
    row->addWidget(slider_, 1);
    moment_ = new QLabel(frame);
    moment_->setObjectName(QStringLiteral("time_moment"));
    moment_->setMinimumWidth(170);
    moment_->setAlignment(Qt::AlignRight | Qt::AlignVCenter);
    set_role(*moment_, QStringLiteral("title"));
    row->addWidget(moment_);
    follow_ = new QPushButton(tr(" Follow"), frame);
    follow_->setObjectName(QStringLiteral("time_follow"));
    follow_->setAccessibleName(tr("Follow the run"));
    follow_->setToolTip(tr("Always show the newest patterns (F)"));
    follow_->setShortcut(Qt::Key_F);
    follow_->setCheckable(true);
    follow_->setChecked(true);
    set_icon(*follow_, QStringLiteral("follow"));
    row->addWidget(follow_);
    show_evolve_ = new QPushButton(tr("Evolve"), frame);
    show_evolve_->setObjectName(QStringLiteral("patterns_evolve"));
    show_evolve_->setAccessibleName(tr("Evolve a copy of a pattern"));
    show_evolve_->setToolTip(
        tr("Let a copy of a learned pattern evolve, and use it as a new starting point (E)"));
    show_evolve_->setShortcut(Qt::Key_E);
    show_evolve_->setCheckable(true);
    row->addWidget(show_evolve_);
    connect(show_evolve_, &QPushButton::toggled, this, [this](bool on) {
        cards_area_->setVisible(!on);
        evolve_->setVisible(on);
        if (on) evolve_->offer(shown_);
    });
    connect(follow_, &QPushButton::toggled, this, &PatternsPage::follow);
    connect(slider_, &QSlider::actionTriggered, this, &PatternsPage::step_slider);
    connect(slider_, &QSlider::valueChanged, this, [this](int step) {
        follow_->setChecked(false);
        chosen_step_ = step;
        refresh();
    });
    return frame;
}

bool PatternsPage::shown_as_strips(const PatternSnapshot& snapshot, const PatternSnapshot::Matrix& matrix) {
    return matrix.name == "weights" && matrix.values.shape[0] <= kMostStrips &&
           find_matrix(snapshot, "layer_patterns") != nullptr;
}

void PatternsPage::rebuild(const PatternSnapshot& snapshot) {
    std::vector<std::string> wanted;
    for (const PatternSnapshot::Matrix& matrix : snapshot.matrices)
        if (matrix.values.shape.rank() == 2)
            wanted.push_back(matrix.name + (shown_as_strips(snapshot, matrix) ? " strips" : ""));
    if (wanted == layout_) return;
    layout_ = wanted;
    for (auto& [name, card] : cards_) {
        card->hide();
        delete card;
    }
    cards_.clear();
    maps_.clear();
    strips_.clear();
    strip_row_ = nullptr;
    gain_ = nullptr;
    std::vector<Card*> order;
    for (const PatternSnapshot::Matrix& matrix : snapshot.matrices) {
        if (matrix.values.shape.rank() != 2 || shown_as_strips(snapshot, matrix)) continue;
        Card* card = nullptr;
        if (matrix.name == "gain") {
            card = new Card(QStringLiteral("gain_card"), QString::fromStdString(matrix.title),
                            tr("the layers multiplied: the whole filter"));
            gain_ = new LineChart;
            gain_->setObjectName(QStringLiteral("gain_chart"));
            gain_->setAccessibleName(tr("Collapsed gain by frequency bin"));
            gain_->set_axis_titles({QString::fromStdString(matrix.column_axis)}, {tr("|g|")});
            gain_->add_series({.name = tr("|g(f)|"), .colour = 0, .markers = Markers::never});
            gain_->set_legend_visible(false);
            gain_->set_log_y(gain_log_);
            connect(gain_, &LineChart::logYChanged, this, [this](bool log) { gain_log_ = log; });
            card->add_action(gain_->log_action());
            card->add_action(gain_->export_action());
            card->set_body(gain_);
        } else {
            card = make_map_card(matrix);
        }
        cards_[matrix.name] = card;
        order.push_back(card);
    }
    const int columns = order.size() == 1 ? 1 : 2;
    const int lines = (static_cast<int>(order.size()) + columns - 1) / columns;
    for (int column = 0; column < 2; ++column) grid_->setColumnStretch(column, column < columns ? 1 : 0);
    for (int line = 0; line < std::max(grid_->rowCount(), lines); ++line) {
        grid_->setRowStretch(line, line < lines ? (line == 0 && lines > 1 ? 4 : 5) : 0);
        grid_->setRowMinimumHeight(line, line < lines ? kCardHeight : 0);
    }
    for (std::size_t i = 0; i < order.size(); ++i) {
        const auto place = static_cast<int>(i);
        const bool alone = columns == 2 && i + 1 == order.size() && place % 2 == 0;
        grid_->addWidget(order[i], place / columns, place % columns, 1, alone ? 2 : 1);
    }
}

Card* PatternsPage::make_map_card(const PatternSnapshot::Matrix& matrix) {
    const QString name = QString::fromStdString(matrix.name);
    auto* card = new Card(name + QStringLiteral("_card"), QString::fromStdString(matrix.title));
    auto* map = new HeatMap;
    map->setObjectName(name + QStringLiteral("_map"));
    map->setAccessibleName(QString::fromStdString(matrix.title));
    const bool sheet = is_sheet(matrix);
    if (!sheet)  // whose rows and columns would run on through the filters and the gaps between them
        map->set_axis_titles(QString::fromStdString(matrix.row_axis),
                             QString::fromStdString(matrix.column_axis));
    map->set_square_cells(sheet);
    if (matrix.name.ends_with("_phase")) {
        map->set_colour_map(ColourMapKind::cyclic);
        map->set_range(ValueRange{-std::numbers::pi, std::numbers::pi});
    } else {
        map->set_colour_map(matrix.name.ends_with("_magnitude") ? ColourMapKind::viridis
                                                                : ColourMapKind::diverging);
    }
    auto* magnitude = new QAction(tr("magnitude"), card);
    magnitude->setCheckable(true);
    magnitude->setToolTip(tr("Colour by absolute value instead of sign and value"));
    connect(magnitude, &QAction::toggled, this, [this, map, key = matrix.name](bool on) {
        map->set_colour_map(on ? ColourMapKind::viridis : ColourMapKind::diverging);
        map->setProperty("magnitude", on);
        if (shown_) show_snapshot(*shown_);
    });
    if (map->colour_map() == ColourMapKind::diverging) card->add_action(magnitude);
    if (EvolvePanel::can_evolve(matrix))
        card->add_action(tr("evolve"), tr("Let a copy of one of these patterns evolve"),
                         [this, key = matrix.name] {
                             show_evolve_->setChecked(true);
                             evolve_->choose(key);
                         });
    card->add_action(map->export_action());
    maps_[matrix.name] = map;
    if (matrix.name != "layer_patterns") {
        card->set_body(map);
        return card;
    }
    auto* both = new QWidget;
    auto* column = new QVBoxLayout(both);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(8);
    column->addWidget(map, 1);
    strip_row_ = new QWidget(both);
    auto* strips = new QHBoxLayout(strip_row_);
    strips->setContentsMargins(0, 0, 0, 0);
    strips->setSpacing(kMargin);
    column->addWidget(strip_row_);
    card->set_body(both);
    return card;
}

}  // namespace spectral::ui
