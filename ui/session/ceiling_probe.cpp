#include "ui/session/ceiling_probe.hpp"

#include <algorithm>
#include <utility>

#include "engine/core/error.hpp"
#include "ui/session/data_shape.hpp"

namespace spectral::ui {

std::string ceiling_key(const ExperimentConfig& config) {
    return Json{config.dataset, config.data, config.dataset_options, resolved_features(config),
                config.validation}
        .dump(-1, ' ', false, Json::error_handler_t::replace);
}

CeilingProbe::CeilingProbe(std::shared_ptr<Workspace> workspace, QObject* parent)
    : QObject(parent), session_(std::move(workspace)) {
    connect(&session_, &RunSession::updated, this, &CeilingProbe::follow);
    connect(&session_, &RunSession::finished, this, &CeilingProbe::conclude);
    connect(&session_, &RunSession::failed, this, [this](const QString& what) { Q_EMIT ended(what); });
}

void CeilingProbe::start(const ExperimentConfig& config) {
    if (active()) return;
    cancelled_ = false;
    key_ = ceiling_key(config);
    ExperimentConfig linear;
    linear.dataset = config.dataset;
    linear.data = config.data;
    linear.dataset_options = config.dataset_options;
    linear.features = resolved_features(config);
    linear.model = "logistic";
    linear.epochs = kEpochs;
    // Magnitudes differ by orders of size; unscaled, a linear model does not settle in this time.
    linear.standardise = true;
    linear.validation = config.validation;
    linear.backend = config.backend;
    linear.threads = config.threads;
    linear.memory_mib = config.memory_mib;
    session_.start(linear, {});
}

void CeilingProbe::cancel() {
    cancelled_ = true;
    session_.stop();
}

void CeilingProbe::follow(const Updates& updates) {
    if (updates.trouble) {
        session_.recover(updates.trouble->suggested_learning_rate);
        return;
    }
    const RunRecord& record = session_.record();
    const double epoch = record.steps().empty() ? 0 : record.steps().back().epoch;
    Q_EMIT progressed(std::clamp(epoch / kEpochs, 0.0, 1.0), QString::fromStdString(updates.activity));
}

void CeilingProbe::conclude(const RunResult& result) {
    if (result.state == RunState::finished)
        Q_EMIT measured(key_, result.validation_accuracy.value_or(result.test_accuracy));
    QString problem;
    if (result.state == RunState::failed && !cancelled_) problem = QString::fromStdString(result.error);
    Q_EMIT ended(problem);
}

}  // namespace spectral::ui
