// The bottom line of the window: state, step, speed, checkpoint age, memory against its limit.
#pragma once

#include <QElapsedTimer>
#include <QString>
#include <QTimer>
#include <QWidget>
#include <optional>

#include "engine/train/events.hpp"

class QLabel;
class QProgressBar;
class QToolButton;

namespace spectral::ui {

class LiveText;

class StatusStrip : public QWidget {
    Q_OBJECT

public:
    explicit StatusStrip(QWidget* parent = nullptr);

    /// A new run: everything but the state is unknown again.
    void reset();
    /// `state` as on show ("running"); nothing when no run was started.
    void set_state(std::optional<RunState> state, const QString& backend);
    void add(const Updates& updates);
    /// `limit_bytes` 0 or SIZE_MAX: none.
    void show_memory(std::size_t bytes, std::size_t limit_bytes);
    /// Shown for some seconds.
    void show_note(const QString& note);
    /// The file of the run or model on show; empty: none.
    void set_file(const QString& path);

Q_SIGNALS:
    void fileClicked();

private:
    void refresh();

    std::optional<RunState> state_;
    QString backend_;
    std::int64_t step_ = -1;
    double samples_per_second_ = 0;
    QElapsedTimer checkpoint_;
    std::size_t memory_bytes_ = 0, memory_limit_bytes_ = 0;
    QTimer ageing_, note_end_;
    QWidget* dot_;
    LiveText* state_text_;
    LiveText* step_text_;
    LiveText* speed_text_;
    LiveText* checkpoint_text_;
    QLabel* note_label_;
    QToolButton* file_;
    LiveText* memory_text_;
    QProgressBar* memory_bar_;
};

}  // namespace spectral::ui
