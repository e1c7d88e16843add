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
    shortage_.clear();
    best_ = 0;
    key_ = ceiling_key(config);
    linear_ = {};
    linear_.dataset = config.dataset;
    linear_.data = config.data;
    linear_.dataset_options = config.dataset_options;
    linear_.features = resolved_features(config);
    linear_.model = "logistic";
    linear_.epochs = kEpochs;
    linear_.validation = config.validation;
    linear_.backend = config.backend;
    linear_.threads = config.threads;
    linear_.memory_mib = config.memory_mib;
    train(true);
}

/// Magnitudes differ by orders of size: standardised, a linear model settles sooner; as they are, it overfits
/// small sets less. Neither is always the better one.
void CeilingProbe::train(bool standardise) {
    linear_.standardise = standardise;
    session_.start(linear_, {});
}

void CeilingProbe::cancel() {
    cancelled_ = true;
    session_.stop();
}

void CeilingProbe::follow(const Updates& updates) {
    for (const EvaluationPoint& point : updates.evaluations) best_ = std::max(best_, point.accuracy);
    if (updates.trouble) session_.recover(updates.trouble->suggested_learning_rate);
    if (updates.shortage) {  // nobody is asked, so nobody would answer
        shortage_ = QString::fromStdString(updates.shortage->what);
        session_.stop();
    }
    const RunRecord& record = session_.record();
    const double epoch = record.steps().empty() ? 0 : record.steps().back().epoch;
    const double done = (linear_.standardise ? 0 : 1) + std::clamp(epoch / kEpochs, 0.0, 1.0);
    Q_EMIT progressed(done / 2, QString::fromStdString(updates.activity));
}

void CeilingProbe::conclude(const RunResult& result) {
    const bool finished = result.state == RunState::finished;
    QString problem = shortage_;
    if (problem.isEmpty() && result.state == RunState::failed) problem = QString::fromStdString(result.error);
    if (finished && !cancelled_ && problem.isEmpty()) {
        if (linear_.standardise) {
            train(false);
            return;
        }
        Q_EMIT measured(key_, best_);
    }
    Q_EMIT ended(cancelled_ ? QString() : problem);
}

}  // namespace spectral::ui
