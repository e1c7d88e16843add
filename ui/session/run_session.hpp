// The bridge between the window and a training run: commands go in without waiting, updates come out on a
// timer.
#pragma once

#include <QDeadlineTimer>
#include <QObject>
#include <QString>
#include <QStringList>
#include <QTimer>
#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "engine/train/attention_view.hpp"
#include "engine/train/file_model.hpp"
#include "engine/train/run.hpp"
#include "ui/session/background.hpp"
#include "ui/session/latest_worker.hpp"
#include "ui/session/run_record.hpp"
#include "ui/session/starting_point.hpp"

namespace spectral::ui {

/// Lives in the GUI thread and never waits for a worker there, except in its destructor.
class RunSession : public QObject {
    Q_OBJECT

public:
    /// `workspace` is shared with other sessions; null: one of its own.
    explicit RunSession(std::shared_ptr<Workspace> workspace = nullptr, QObject* parent = nullptr);
    ~RunSession() override;

    /// Starts a run; one that is still going is stopped in the background and its updates are dropped.
    void start(const ExperimentConfig& config, RunOptions options);
    void pause() { send(command::Pause{}); }
    void resume() { send(command::Resume{}); }
    void step() { send(command::Step{}); }
    /// Asks the run to write its checkpoint and end; finished() follows.
    void stop();
    void set_learning_rate(double value) { send(command::SetLearningRate{value}); }
    void clear_plans() { send(command::ClearPlans{}); }
    /// Shows the attention of the run, at the pace of its patterns, or of the last run's or opened model's
    /// file, as an update; of the next ones too. Nothing: no longer.
    void look_at_attention(std::optional<AttentionRequest> request);
    void recover(double learning_rate) { send(command::Recover{learning_rate}); }

    /// Writes the model now, with the checkpoint (`with_state`) or without. Without a run going it copies
    /// what the last run wrote or the opened model. Ends in fileWritten() or failed().
    void save(const QString& path, bool with_state);
    /// Puts the pattern in the place of the run's own before its next step. Ends in replaced() or failed().
    void replace(const StartingPoint& point);
    /// Writes what the last run wrote or the opened model, with the pattern in the place of its own, as a
    /// file to start a run from. Ends in startWritten() or failed().
    void save_start(const StartingPoint& point, const QString& path);
    /// Reads a model file on another thread; ends in opened() or failed(). Not while a run is going.
    void open(const QString& path);

    bool active() const { return run_ != nullptr; }
    bool stopping() const { return stopping_; }
    /// Nothing before the first run.
    std::optional<RunState> state() const { return state_; }
    bool running() const { return active() && state_ == RunState::running; }
    bool paused() const { return active() && state_ == RunState::paused; }
    /// The file that the run writes or that was opened; empty: none.
    QString output() const { return output_; }
    /// That file holds a model that can be saved elsewhere.
    bool has_model() const;
    /// The run has ended or the model was opened, and its file has the checkpoint to train on from.
    bool can_go_on() const { return !active() && resumable_ && has_model(); }
    const RunRecord& record() const { return record_; }
    /// Watches the backend of every run of this session while it is started.
    Profiler& profiler() const { return *profiler_; }

Q_SIGNALS:
    /// Everything that arrived since the last one; record() holds it already.
    void updated(const spectral::Updates& updates);
    void stateChanged();
    void finished(const spectral::RunResult& result);
    void fileWritten(const QString& path);
    void startWritten(const QString& path);
    void replaced(const QString& parameter, qint64 step);
    /// `sides` of its network; nothing: it has none.
    void opened(const QString& path, const spectral::ExperimentConfig& config,
                const std::optional<spectral::NetworkSides>& sides);
    void failed(const QString& what, const QString& hint);

private:
    void send(Command command);
    void drain();
    /// Painting takes its time from training where cores are few. Frames come as often as kWindowShare of the
    /// machine pays for, by the CPU time that the GUI thread used for the last one.
    void pace();
    void report_files(const Updates& updates);
    void ask_attention();
    /// Gives back the memory of the file that was looked into.
    void leave_file();
    void look_into_file(const std::string& path, const AttentionRequest& request, std::int64_t number,
                        const std::atomic<bool>& unwanted);
    void report_replacements(const Updates& updates);
    void fail_replacement();
    void retire(std::unique_ptr<TrainingRun> run);

    std::shared_ptr<Workspace> workspace_;
    std::shared_ptr<Profiler> profiler_ = std::make_shared<Profiler>();
    std::unique_ptr<TrainingRun> run_;
    RunRecord record_;
    QTimer timer_;
    QDeadlineTimer next_drain_;
    QDeadlineTimer unhurried_;  ///< until then frames come as fast as they can
    double cpu_at_drain_ms_ = 0;
    std::optional<RunState> state_;
    bool stopping_ = false;
    QString output_;
    bool resumable_ = false;
    std::int64_t runs_ = 0;         ///< started
    std::int64_t opens_ = 0;        ///< asked for: of several files the last one is shown
    int awaited_replacements_ = 0;  ///< asked of the run, not yet reported
    QStringList awaited_files_;     ///< asked of the run, not yet reported
    std::optional<AttentionRequest> attention_;
    std::int64_t file_number_ = 0;  ///< of those that output() has named or that a run has written
    /// The attention worker's own.
    struct {
        std::int64_t number = -1;
        std::unique_ptr<FileAttention> attention;
    } looked_into_;
    // Last: their work refers to the rest.
    Background background_;
    LatestWorker attention_worker_;
};

}  // namespace spectral::ui
