#include "ui/panels/patterns_page.hpp"

#include <QAction>
#include <QGridLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QLocale>
#include <QPushButton>
#include <QSignalBlocker>
#include <QSlider>
#include <QStackedLayout>
#include <QVBoxLayout>
#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include "ui/card.hpp"
#include "ui/charts/bar_strip.hpp"
#include "ui/charts/heat_map.hpp"
#include "ui/charts/line_chart.hpp"
#include "ui/icons.hpp"
#include "ui/panels/format.hpp"
#include "ui/panels/scrolled.hpp"
#include "ui/theme.hpp"

namespace spectral::ui {

namespace {

constexpr int kMargin = 14, kGap = 12, kCardHeight = 190, kPages = 10;
constexpr int kMaxStrips =
    4;  ///< layers whose weights are bars below the layer patterns; more are a heat map

const PatternSnapshot::Matrix* find_matrix(const PatternSnapshot& snapshot, const std::string& name) {
    for (const PatternSnapshot::Matrix& matrix : snapshot.matrices)
        if (matrix.name == name && matrix.values.shape.rank() == 2) return &matrix;
    return nullptr;
}

bool shown_as_strips(const PatternSnapshot& snapshot, const PatternSnapshot::Matrix& matrix) {
    return matrix.name == "weights" && matrix.values.shape[0] <= kMaxStrips &&
           find_matrix(snapshot, "layer_patterns") != nullptr;
}

int rows_of(const PatternSnapshot::Matrix& matrix) { return static_cast<int>(matrix.values.shape[0]); }
int columns_of(const PatternSnapshot::Matrix& matrix) { return static_cast<int>(matrix.values.shape[1]); }

/// "frequency bin" -> "frequency bins"
QString counted(int count, const std::string& what) {
    QString word = QString::fromStdString(what);
    if (count != 1 && !word.isEmpty())
        word += word.endsWith(QLatin1String("ss")) ? QStringLiteral("es") : QStringLiteral("s");
    return grouped(count) + QLatin1Char(' ') + word;
}

QString size_text(const PatternSnapshot::Matrix& matrix) {
    return counted(rows_of(matrix), matrix.row_axis) + QStringLiteral(" × ") +
           counted(columns_of(matrix), matrix.column_axis);
}

int slider_place(std::int64_t step) {
    return static_cast<int>(std::min<std::int64_t>(step, std::numeric_limits<int>::max()));
}

/// The place of the snapshot nearest to `step`; of two as near, the earlier. There is at least one.
std::size_t nearest(const std::vector<RunRecord::Snapshot>& snapshots, std::int64_t step) {
    const auto after =
        std::ranges::lower_bound(snapshots, step, {}, [](const auto& each) { return each->step; });
    if (after == snapshots.begin()) return 0;
    const auto before = std::prev(after);
    const bool later = after != snapshots.end() && (*after)->step - step < step - (*before)->step;
    return static_cast<std::size_t>((later ? after : before) - snapshots.begin());
}

}  // namespace

PatternsPage::PatternsPage(QWidget* parent)
    : QWidget(parent),
      stack_(new QStackedLayout(this)),
      empty_(new QLabel(this)),
      note_(new QLabel(this)),
      cards_area_(new QWidget) {
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
    connect(follow_, &QPushButton::toggled, this, &PatternsPage::follow);
    connect(slider_, &QSlider::actionTriggered, this, &PatternsPage::step_slider);
    connect(slider_, &QSlider::valueChanged, this, [this](int step) {
        follow_->setChecked(false);
        chosen_step_ = step;
        refresh();
    });
    return frame;
}

void PatternsPage::follow(bool on) {
    following_ = on;
    refresh();
}

void PatternsPage::step_slider(int action) {
    const bool forth =
        action == QAbstractSlider::SliderSingleStepAdd || action == QAbstractSlider::SliderPageStepAdd;
    const bool back =
        action == QAbstractSlider::SliderSingleStepSub || action == QAbstractSlider::SliderPageStepSub;
    if (record_ == nullptr || !shown_ || (!forth && !back)) return;
    const auto& snapshots = record_->snapshots();
    const std::size_t from = nearest(snapshots, shown_->step), last = snapshots.size() - 1;
    std::size_t to = nearest(snapshots, slider_->sliderPosition());
    if (forth) to = std::min(std::max(to, from + 1), last);
    if (back) to = std::min(to, from == 0 ? 0 : from - 1);
    slider_->setSliderPosition(slider_place(snapshots[to]->step));
}

void PatternsPage::set_note(const QString& note) {
    note_->setText(note);
    note_->setToolTip(note);
    note_->setVisible(!note.isEmpty());
}

void PatternsPage::show_record(const RunRecord& record) {
    record_ = &record;
    if (isVisible()) refresh();
}

void PatternsPage::showEvent(QShowEvent* event) {
    refresh();
    QWidget::showEvent(event);
}

HeatMap* PatternsPage::map(const std::string& name) const {
    const auto found = maps_.find(name);
    return found == maps_.end() ? nullptr : found->second;
}

void PatternsPage::refresh() {
    const bool any =
        record_ != nullptr && !record_->snapshots().empty() && !record_->snapshots().back()->matrices.empty();
    if (!any) {
        shown_.reset();
        const bool known = record_ != nullptr && (record_->info() || !record_->empty());
        const bool early = record_ == nullptr || record_->snapshots().empty();
        empty_->setText(!known  ? tr("Nothing is learned yet. Start a run, or open a model.")
                        : early ? tr("The patterns appear here with the first step of the run.")
                                : tr("This model has no patterns in the frequency domain to show."));
        stack_->setCurrentIndex(0);
        return;
    }
    const auto& snapshots = record_->snapshots();
    if (following_) chosen_step_ = snapshots.back()->step;
    // The chosen moment stays chosen while snapshots are added and thinned.
    const RunRecord::Snapshot& wanted = snapshots[nearest(snapshots, chosen_step_)];
    {
        const QSignalBlocker quiet(slider_);
        slider_->setRange(slider_place(snapshots.front()->step), slider_place(snapshots.back()->step));
        slider_->setPageStep(std::max(1, (slider_->maximum() - slider_->minimum()) / kPages));
        slider_->setValue(slider_place(wanted->step));
    }
    slider_->setEnabled(snapshots.size() > 1);
    if (wanted == shown_ && stack_->currentIndex() == 1) return;
    shown_ = wanted;
    stack_->setCurrentIndex(1);
    show_snapshot(*shown_);
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
            gain_->set_axis_titles(QString::fromStdString(matrix.column_axis), tr("|g|"));
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
    map->set_axis_titles(QString::fromStdString(matrix.row_axis), QString::fromStdString(matrix.column_axis));
    map->set_colour_map(ColourMapKind::diverging);
    map->set_square_cells(matrix.name == "filters");  // their cells are the pixels of pictures
    auto* magnitude = new QAction(tr("magnitude"), card);
    magnitude->setCheckable(true);
    magnitude->setToolTip(tr("Colour by absolute value instead of sign and value"));
    connect(magnitude, &QAction::toggled, this, [this, map, key = matrix.name](bool on) {
        map->set_colour_map(on ? ColourMapKind::viridis : ColourMapKind::diverging);
        map->setProperty("magnitude", on);
        if (shown_) show_snapshot(*shown_);
    });
    card->add_action(magnitude);
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

void PatternsPage::show_snapshot(const PatternSnapshot& snapshot) {
    rebuild(snapshot);
    for (const PatternSnapshot::Matrix& matrix : snapshot.matrices) {
        HeatMap* target = map(matrix.name);
        if (matrix.values.shape.rank() != 2 || target == nullptr) continue;
        std::vector<float> values = matrix.values.values;
        if (target->property("magnitude").toBool())
            for (float& value : values) value = std::abs(value);
        target->set_data(rows_of(matrix), columns_of(matrix), std::move(values));
        cards_[matrix.name]->set_subtitle(size_text(matrix));
    }
    if (const auto* weights = find_matrix(snapshot, "weights")) show_weights(*weights);
    if (const auto* gain = find_matrix(snapshot, "gain")) show_gain(*gain);
    moment_->setText(
        tr("step %1 · epoch %2").arg(grouped(snapshot.step), QLocale::c().toString(snapshot.epoch, 'f', 1)));
}

void PatternsPage::show_weights(const PatternSnapshot::Matrix& weights) {
    if (strip_row_ == nullptr) return;
    const int layers = rows_of(weights) <= kMaxStrips ? rows_of(weights) : 0, patterns = columns_of(weights);
    while (static_cast<int>(strips_.size()) < layers) {
        auto* strip = new BarStrip(strip_row_);
        strip->setObjectName(QStringLiteral("weights_strip_%1").arg(strips_.size()));
        strip->setAccessibleName(tr("Softmax weights of layer %1").arg(strips_.size()));
        strip_row_->layout()->addWidget(strip);
        strips_.push_back(strip);
    }
    for (int layer = 0; layer < layers; ++layer) {
        const auto begin = weights.values.values.begin() + static_cast<std::ptrdiff_t>(layer) * patterns;
        std::vector<float> shares(begin, begin + patterns);
        const auto largest = std::ranges::max_element(shares);
        BarStrip* strip = strips_[static_cast<std::size_t>(layer)];
        if (largest != shares.end())
            strip->set_caption(tr("layer %1: pattern %2 takes %3")
                                   .arg(layer)
                                   .arg(largest - shares.begin())
                                   .arg(percent(static_cast<double>(*largest))));
        strip->set_values(std::move(shares));
    }
}

void PatternsPage::show_gain(const PatternSnapshot::Matrix& gain) {
    if (gain_ == nullptr) return;
    std::vector<double> xs, ys;
    for (std::size_t f = 0; f < gain.values.values.size(); ++f) {
        xs.push_back(static_cast<double>(f));
        ys.push_back(std::abs(static_cast<double>(gain.values.values[f])));
    }
    gain_->set_series_data(0, std::move(xs), std::move(ys));
}

}  // namespace spectral::ui
