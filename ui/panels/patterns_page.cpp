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

#include "engine/nn/learned_pattern.hpp"
#include "ui/card.hpp"
#include "ui/charts/bar_strip.hpp"
#include "ui/charts/heat_map.hpp"
#include "ui/charts/line_chart.hpp"
#include "ui/icons.hpp"
#include "ui/panels/evolve_panel.hpp"
#include "ui/panels/format.hpp"
#include "ui/panels/scrolled.hpp"
#include "ui/theme.hpp"

namespace spectral::ui {

namespace {

constexpr int kPages = 10;

}  // namespace

const PatternSnapshot::Matrix* PatternsPage::find_matrix(const PatternSnapshot& snapshot,
                                                         const std::string& name) {
    for (const PatternSnapshot::Matrix& matrix : snapshot.matrices)
        if (matrix.name == name && matrix.values.shape.rank() == 2) return &matrix;
    return nullptr;
}

namespace {

int rows_of(const PatternSnapshot::Matrix& matrix) { return static_cast<int>(matrix.values.shape[0]); }
int columns_of(const PatternSnapshot::Matrix& matrix) { return static_cast<int>(matrix.values.shape[1]); }

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

void PatternsPage::start_over() {
    shown_.reset();
    evolve_->offer(nullptr);
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
        evolve_->offer(nullptr);
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
    if (show_evolve_->isChecked()) evolve_->offer(shown_);
    stack_->setCurrentIndex(1);
    show_snapshot(*shown_);
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
        // A sheet is as large as it happens to be laid out.
        cards_[matrix.name]->set_subtitle(!is_sheet(matrix) ? size_text(matrix)
                                          : matrix.origin   ? tr("%1, %2 × %3 each")
                                                                .arg(counted(pattern_count(matrix), "filter"))
                                                                .arg(matrix.origin->rows)
                                                                .arg(matrix.origin->columns)
                                                          : QString());
    }
    if (const auto* weights = find_matrix(snapshot, "weights")) show_weights(*weights);
    if (const auto* gain = find_matrix(snapshot, "gain")) show_gain(*gain);
    moment_->setText(
        tr("step %1 · epoch %2").arg(grouped(snapshot.step), QLocale::c().toString(snapshot.epoch, 'f', 1)));
}

void PatternsPage::show_weights(const PatternSnapshot::Matrix& weights) {
    if (strip_row_ == nullptr) return;
    const int layers = rows_of(weights) <= kMostStrips ? rows_of(weights) : 0, patterns = columns_of(weights);
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
