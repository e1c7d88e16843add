// What the Evolve panel does; its parts are built in evolve_panel_build.cpp.
#include "ui/panels/evolve_panel.hpp"

#include <QComboBox>
#include <QHideEvent>
#include <QLabel>
#include <QLocale>
#include <QPushButton>
#include <QSignalBlocker>
#include <QSpinBox>
#include <QStackedWidget>
#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "ui/card.hpp"
#include "ui/charts/heat_map.hpp"
#include "ui/charts/line_chart.hpp"
#include "ui/icons.hpp"
#include "ui/panels/field_edit.hpp"
#include "ui/panels/format.hpp"
#include "ui/theme.hpp"

namespace spectral::ui {

namespace {

constexpr int kWhole = -1;  ///< in place of a pattern's number

/// The settings of PatternDynamics that a tool has.
QStringList settings_of(EvolutionTool tool) {
    const QString rate = QStringLiteral("rate"), stability = QStringLiteral("stability"),
                  time = QStringLiteral("time");
    QStringList names{QStringLiteral("rows"), QStringLiteral("columns"), QStringLiteral("mixed")};
    if (tool != EvolutionTool::ricci) names << time;
    if (tool != EvolutionTool::heat) names << rate;
    if (tool == EvolutionTool::evolution) names << stability;
    return names;
}

std::vector<double> as_doubles(const HostTensor& pattern) {
    return {pattern.values.begin(), pattern.values.end()};
}

float largest(const HostTensor& pattern) {
    float most = 0;
    for (const float value : pattern.values) most = std::max(most, std::abs(value));
    return most;
}

}  // namespace

bool EvolvePanel::can_evolve(const PatternSnapshot::Matrix& matrix) { return pattern_count(matrix) > 0; }

const PatternSnapshot::Matrix* EvolvePanel::matrix() const {
    const int place = matrices_->currentIndex() < 0 ? -1 : matrices_->currentData().toInt();
    if (!snapshot_ || place < 0 || place >= std::ssize(snapshot_->matrices)) return nullptr;
    return &snapshot_->matrices[static_cast<std::size_t>(place)];
}

std::optional<std::int64_t> EvolvePanel::index() const {
    if (index_->value() == kWhole) return std::nullopt;
    return index_->value();
}

QString EvolvePanel::pattern_name() const {
    const QString whole = tr("“%1”").arg(matrices_->currentText());
    if (!index()) return tr("all of %1").arg(whole);
    return tr("%1 %2 of %3").arg(index_label_->text()).arg(index_->value()).arg(whole);
}

void EvolvePanel::set_wrapped(QLabel& label, const QString& text) {
    label.setText(text);
    label.ensurePolished();
    label.setMinimumHeight(label.heightForWidth(kControlsWidth));
}

void EvolvePanel::offer(const RunRecord::Snapshot& snapshot) {
    if (snapshot == snapshot_) return;
    const auto layout = [](const RunRecord::Snapshot& of) {
        std::vector<std::pair<std::string, Shape>> names;
        if (of)
            for (const PatternSnapshot::Matrix& each : of->matrices)
                if (can_evolve(each)) names.emplace_back(each.title, each.values.shape);
        return names;
    };
    const bool same = layout(snapshot) == layout(snapshot_);
    snapshot_ = snapshot;
    if (!same || !snapshot_) return fill_matrices();
    if (evolution_.steps() == 0 && !evolution_.busy() && isVisible()) take_copy();
}

void EvolvePanel::fill_matrices() {
    {
        const QSignalBlocker quiet(matrices_);
        matrices_->clear();
        if (snapshot_)
            for (std::size_t i = 0; i < snapshot_->matrices.size(); ++i)
                if (const auto& each = snapshot_->matrices[i]; can_evolve(each))
                    matrices_->addItem(QString::fromStdString(each.title), static_cast<int>(i));
    }
    stack_->setCurrentIndex(matrices_->count() > 0 ? 1 : 0);
    fill_indices();
}

void EvolvePanel::fill_indices() {
    clear_refusal();
    const PatternSnapshot::Matrix* const chosen = matrix();
    if (chosen == nullptr) {
        play(false);
        evolution_.clear();
        copied_.reset();
        return;
    }
    const bool image = chosen->origin && chosen->origin->rows > 1;
    index_label_->setText(image ? tr("filter") : QString::fromStdString(chosen->row_axis));
    if (index_label_->text().isEmpty()) index_label_->setText(tr("row"));
    {
        const QSignalBlocker quiet(index_);
        index_->setRange(is_plane(*chosen) ? kWhole : 0, static_cast<int>(pattern_count(*chosen)) - 1);
        index_->setSpecialValueText(is_plane(*chosen) ? tr("all") : QString());
        index_->setValue(0);
    }
    take_copy();
}

void EvolvePanel::choose(const std::string& name) {
    for (int i = 0; snapshot_ && i < matrices_->count(); ++i) {
        const auto place = static_cast<std::size_t>(matrices_->itemData(i).toInt());
        if (snapshot_->matrices[place].name == name) matrices_->setCurrentIndex(i);
    }
}

void EvolvePanel::take_copy() {
    const PatternSnapshot::Matrix* const chosen = matrix();
    if (chosen == nullptr) return;
    play(false);
    copied_ = snapshot_;
    moved_by_.clear();
    evolution_.begin(pattern_of(*chosen, index()));
    const bool plane = evolution_.start()->shape.rank() == 2;
    start_card_->setVisible(plane);
    now_card_->setVisible(plane);
    row_card_->setVisible(!plane);
    const bool image = index().has_value();
    for (HeatMap* map : {start_map_, now_map_}) {
        map->set_square_cells(image);
        map->set_axis_titles(image ? tr("row") : QString::fromStdString(chosen->row_axis),
                             image ? tr("column") : QString::fromStdString(chosen->column_axis));
        map->clear();
    }
    row_chart_->set_axis_titles({QString::fromStdString(chosen->column_axis)}, {tr("value")});
    show_pattern();
    show_measures();
    update_buttons();
}

void EvolvePanel::take_new_copy() {
    clear_refusal();
    take_copy();
}

std::optional<EvolutionSettings> EvolvePanel::settings() {
    EvolutionSettings result;
    result.tool = static_cast<EvolutionTool>(tool_->currentData().toInt());
    const std::map<QString, double*> values{{QStringLiteral("rate"), &result.rate},
                                            {QStringLiteral("stability"), &result.stability},
                                            {QStringLiteral("time"), &result.time},
                                            {QStringLiteral("rows"), &result.metric.rows},
                                            {QStringLiteral("columns"), &result.metric.columns},
                                            {QStringLiteral("mixed"), &result.metric.mixed}};
    for (const QString& name : settings_of(result.tool)) {
        bool number = false;
        const double value = QLocale::c().toDouble(fields_[name]->text().trimmed(), &number);
        if (!number) {
            show_refusal(
                name,
                tr("“%1” is not a number: write it as 0.25 or 1e-3").arg(fields_[name]->text().trimmed()));
            return std::nullopt;
        }
        *values.at(name) = value;
    }
    return result;
}

void EvolvePanel::change_tool() {
    clear_refusal();
    const auto tool = static_cast<EvolutionTool>(tool_->currentData().toInt());
    const QStringList used = settings_of(tool);
    for (const auto& [name, field] : fields_) {
        field->setVisible(used.contains(name));
        labels_[name]->setVisible(used.contains(name));
    }
    set_wrapped(
        *formula_,
        tool == EvolutionTool::heat ? tr("∂p/∂t = Δp, exactly, for “time” a step")
        : tool == EvolutionTool::evolution
            ? tr("p ← clamp(p + f·exp(−p²·stability)·rate, −1,\u00a01), f: what heat changes in “time”")
            : tr("one step −2·rate·Σ gΓ of the metric exp(2p)·g, which p follows"));
}

void EvolvePanel::play(bool on) {
    if (on && (!evolution_.has_start() || !settings())) on = false;
    {
        const QSignalBlocker quiet(play_);
        play_->setChecked(on);
    }
    if (on)
        pace_.start();
    else
        pace_.stop();
    play_->setText(on ? tr(" Pause") : tr(" Play"));
    set_icon(*play_, on ? QStringLiteral("pause") : QStringLiteral("play"));
}

void EvolvePanel::step() {
    const std::optional<EvolutionSettings> wanted = settings();
    if (!wanted) return play(false);
    clear_refusal();
    moved_by_ = tool_->currentText();
    evolution_.step(*wanted);
}

void EvolvePanel::show_pattern() {
    const std::shared_ptr<const HostTensor> start = evolution_.start(), now = evolution_.now();
    if (!start) return;
    const QString which =
        index() ? QStringLiteral("%1 %2").arg(index_label_->text()).arg(index_->value()) : tr("all");
    const QString taken = tr("%1 at step %2").arg(which, copied_ ? grouped(copied_->step) : QString());
    const QString steps = evolution_.steps() == 0
                              ? tr("not moved yet")
                              : tr("%1 on, %2").arg(counted(evolution_.steps(), "step"), moved_by_);
    if (start->shape.rank() == 2) {
        const HostTensor& moved = now ? *now : *start;
        const double most = static_cast<double>(std::max(largest(*start), largest(moved)));
        const auto paint = [&](HeatMap& map, const HostTensor& pattern) {
            map.set_range(most > 0 ? std::optional(ValueRange{-most, most}) : std::nullopt);
            map.set_data(static_cast<int>(pattern.shape[0]), static_cast<int>(pattern.shape[1]),
                         pattern.values);
        };
        paint(*start_map_, *start);
        paint(*now_map_, moved);
        start_card_->set_subtitle(taken);
        now_card_->set_subtitle(steps);
        return;
    }
    std::vector<double> xs(start->values.size());
    std::iota(xs.begin(), xs.end(), 0.0);
    row_chart_->set_series_data(0, xs, as_doubles(*start));
    row_chart_->set_series_data(1, std::move(xs), as_doubles(now ? *now : *start));
    row_card_->set_subtitle(QStringLiteral("%1; %2").arg(taken, steps));
}

void EvolvePanel::show_measures() {
    std::vector<double> steps, energy, entropy, height;
    for (const PatternEvolution::Point& point : evolution_.points()) {
        steps.push_back(static_cast<double>(point.step));
        energy.push_back(point.measures.energy);
        entropy.push_back(point.measures.entropy);
        height.push_back(point.measures.height);
    }
    energy_->set_series_data(0, steps, std::move(energy));
    entropy_->set_series_data(0, steps, std::move(entropy));
    height_->set_series_data(0, std::move(steps), std::move(height));
}

void EvolvePanel::show_refusal(const QString& field, const QString& what) {
    play(false);
    clear_refusal();
    const QString place = field == QLatin1String("metric") ? QStringLiteral("mixed") : field;
    if (const auto found = fields_.find(place); found != fields_.end()) found->second->set_invalid(true);
    set_wrapped(*problem_, what);
    problem_->show();
    update_buttons();
}

void EvolvePanel::clear_refusal() {
    for (const auto& [name, field] : fields_) field->set_invalid(false);
    problem_->clear();
    problem_->hide();
}

void EvolvePanel::set_target(Target target, const QString& why_not) {
    target_ = target;
    why_not_ = why_not;
    update_buttons();
}

void EvolvePanel::update_buttons() {
    const bool moved = evolution_.steps() > 0;
    reset_->setEnabled(moved);
    const PatternSnapshot::Matrix* const chosen = matrix();
    QString why_not;
    if (chosen != nullptr && !chosen->origin)
        why_not =
            tr("“%1” follows from the model's parameters and is none of them: there is nothing to write "
               "it to.")
                .arg(matrices_->currentText());
    else if (target_ == Target::none)
        why_not = why_not_;
    else if (!moved)
        why_not = tr("Evolve the pattern first.");
    use_->setEnabled(why_not.isEmpty());
    set_wrapped(*target_label_, !why_not.isEmpty() ? why_not
                                : target_ == Target::run
                                    ? tr("Takes the place of %1 in the run.").arg(pattern_name())
                                    : tr("Is written to a new file that a run can start from."));
    use_->setToolTip(target_label_->text());
}

void EvolvePanel::use() {
    if (!copied_ || !evolution_.now() || !use_->isEnabled()) return;
    play(false);
    Q_EMIT startingPointWanted(
        {copied_, static_cast<std::size_t>(matrices_->currentData().toInt()), index(), evolution_.now()},
        tr("%1, %2 on from step %3,")
            .arg(pattern_name(), counted(evolution_.steps(), "step"), grouped(copied_->step)));
}

void EvolvePanel::hideEvent(QHideEvent* event) {
    play(false);
    QWidget::hideEvent(event);
}

}  // namespace spectral::ui
