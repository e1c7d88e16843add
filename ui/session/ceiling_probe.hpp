// Measures what linear models reach on the same features: logistic regression trained beside the window.
#pragma once

#include <QObject>
#include <QString>
#include <memory>
#include <string>

#include "engine/train/config.hpp"
#include "ui/session/run_session.hpp"

namespace spectral::ui {

/// What a ceiling holds for: the data set with its options, and the resolved features.
std::string ceiling_key(const ExperimentConfig& config);

class CeilingProbe : public QObject {
    Q_OBJECT

public:
    static constexpr int kEpochs = 30;

    explicit CeilingProbe(std::shared_ptr<Workspace> workspace, QObject* parent = nullptr);

    /// Trains `logistic` on the data and features of `config` twice, standardised and as they are, for
    /// kEpochs epochs each; ends in measured() or ended().
    void start(const ExperimentConfig& config);
    void cancel();
    bool active() const { return session_.active(); }

Q_SIGNALS:
    /// `fraction` in [0, 1].
    void progressed(double fraction, const QString& activity);
    /// `accuracy`: the best over both trainings and their epochs, in [0, 1].
    void measured(const std::string& key, double accuracy);
    /// Over, with a measurement or without; `problem` is empty when it was cancelled or went well.
    void ended(const QString& problem);

private:
    void follow(const Updates& updates);
    void conclude(const RunResult& result);

    void train(bool standardise);

    RunSession session_;
    ExperimentConfig linear_;
    double best_ = 0;
    std::string key_;
    QString shortage_;  ///< why there was no room, where there was none
    bool cancelled_ = false;
};

}  // namespace spectral::ui
