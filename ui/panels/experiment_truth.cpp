// What the experiment panel works out from its fields: parameters, the note on the model, the measured
// ceiling.
#include <QLabel>
#include <QProgressBar>
#include <QPushButton>
#include <QToolButton>

#include "engine/nn/registry.hpp"
#include "ui/panels/experiment_panel.hpp"
#include "ui/panels/field_edit.hpp"
#include "ui/panels/format.hpp"
#include "ui/panels/schema_form.hpp"

namespace spectral::ui {

void ExperimentPanel::field_edited(const QString& name) {
    if (name == QLatin1String("dataset")) rebuild_data(Json::object());
    if (name == QLatin1String("model")) rebuild_model(Json::object());
    if (name == QLatin1String("optimiser")) update_optimiser_fields();
    settle_.start();
}

void ExperimentPanel::field_committed(const QString& name) {
    if (name != QLatin1String("learning_rate")) return;
    const std::optional<Json> value = training_->value("learning_rate");
    if (value && value->get<double>() > 0) Q_EMIT learningRateChanged(value->get<double>());
}

void ExperimentPanel::show_learning_rate(double learning_rate) {
    QWidget* control = training_->control("learning_rate");
    if (control == nullptr || control->hasFocus()) return;
    training_->set_value("learning_rate", learning_rate);
    settle_.start();  // it may have been invalid before
}

void ExperimentPanel::show_memory_limit(std::int64_t mib) { more_->set_value("memory_mib", mib); }

void ExperimentPanel::set_run_active(bool active) {
    run_active_ = active;
    for (SchemaForm* form : {source_, data_options_, features_, model_choice_, model_options_, more_})
        form->set_locked(active);
    training_->set_locked(active, "learning_rate");
    training_->set_hint("learning_rate", active ? tr("live") : QString());
    measure_->setEnabled(true);
}

void ExperimentPanel::show_sides(const NetworkSides& sides, const ExperimentConfig& config) {
    sides_[ceiling_key(config)] = sides;
    update_parameters();
}

std::optional<double> ExperimentPanel::ceiling(const ExperimentConfig& config) const {
    const auto found = ceilings_.find(ceiling_key(config));
    return found == ceilings_.end() ? std::nullopt : std::optional<double>(found->second);
}

void ExperimentPanel::update_parameters() {
    QString count, hint, help = tr("Numbers that training changes");
    if (const std::optional<ExperimentConfig> wanted = config()) {
        const std::string key = ceiling_key(*wanted);
        if (!sides_.contains(key))
            if (const std::optional<NetworkSides> sides = probe_sides(*wanted)) sides_[key] = *sides;
        const auto sides = sides_.find(key);
        if (sides != sides_.end()) {
            const auto& [features, classes] = sides->second;
            hint = tr("%1 → %2").arg(grouped(features.size()), grouped(classes));
            help += tr("; %1 features in, %2 classes out").arg(features.size()).arg(classes);
            try {
                const ModelInfo& info = find_model(wanted->model);
                if (wanted->features != "auto") require_readable(info, wanted->features);
                count = grouped(info.count_parameters(wanted->model_options, features, classes));
            } catch (const Error& error) {  // the run would say the same
                hint = QString::fromStdString(error.what());
                help = hint;
            }
        } else {
            hint = tr("once data are read");
        }
    }
    parameters_->setText(count);
    parameters_->set_hint(hint);
    parameters_->setToolTip(help);
    measure_->setEnabled(probe_.active() ? measure_->isEnabled() : config().has_value());
}

void ExperimentPanel::update_note() {
    QString text = QString::fromStdString(find_model(model()).note);
    if (const std::optional<ExperimentConfig> wanted = config()) {
        if (const std::optional<double> measured = ceiling(*wanted))
            text += tr(" Measured here: linear models on these features reach %1.").arg(percent(*measured));
    }
    note_->setText(text);
    note_->setVisible(!text.isEmpty());
    note_->setAccessibleName(text);
}

void ExperimentPanel::toggle_measurement() {
    if (probe_.active()) {
        probe_.cancel();
        measure_->setEnabled(false);
        measure_status_->setText(tr("cancelling"));
        return;
    }
    const std::optional<ExperimentConfig> wanted = config();
    if (!wanted) return;
    measure_->setText(tr("Cancel"));
    measure_progress_->setValue(0);
    measure_progress_->show();
    measure_status_->setText(tr("preparing"));
    measure_status_->show();
    probe_.start(*wanted);
}

}  // namespace spectral::ui
