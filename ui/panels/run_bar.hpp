// The top of the window: what runs on what, how far it is, and the buttons that start, pause, step and stop
// it.
#pragma once

#include <QString>
#include <QWidget>
#include <cstdint>

class QLabel;
class QProgressBar;
class QPushButton;

namespace spectral::ui {

class LiveText;

class RunBar : public QWidget {
    Q_OBJECT

public:
    /// ended: a model is on show, of a run that is over or from a file.
    enum class Phase { idle, preparing, running, paused, stopping, ended };

    explicit RunBar(QWidget* parent = nullptr);

    void set_phase(Phase phase);
    Phase phase() const { return phase_; }
    /// Gives the keyboard to the start button.
    void focus_start();
    /// Empty texts hide the chip.
    void set_run_name(const QString& name);
    void set_backend(const QString& backend);
    /// `epoch` is fractional; nothing is shown while `epochs` is 0.
    void set_progress(double epoch, std::int64_t epochs);
    /// Long work other than training, in place of the epochs; `fraction` in [0, 1]. Empty text: none.
    void set_activity(const QString& activity, double fraction);

Q_SIGNALS:
    void startTriggered();
    void pauseTriggered();
    void resumeTriggered();
    void stepTriggered();
    void stopTriggered();

private:
    void refresh();
    void press_primary();

    Phase phase_ = Phase::idle;
    QString run_name_, backend_, activity_;
    double epoch_ = 0, activity_fraction_ = 0;
    std::int64_t epochs_ = 0;
    QLabel* run_chip_;
    QLabel* backend_chip_;
    QProgressBar* progress_;
    LiveText* progress_text_;
    QPushButton* primary_;
    QPushButton* step_;
    QPushButton* stop_;
};

}  // namespace spectral::ui
