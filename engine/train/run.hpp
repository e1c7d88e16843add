// A training run on its own worker thread: commands in through a queue, plain values out through a mailbox.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "engine/train/config.hpp"
#include "engine/train/events.hpp"
#include "engine/train/trainer.hpp"

namespace spectral {

/// What may change when a run goes on: how long, how fast, on what, in batches of what size; never the model
/// or its data.
const Schema& resumable_schema();

/// Steps between the texts of a model that somebody looks at.
inline constexpr std::int64_t kTextEvery = 250;

struct RunOptions {
    std::string out;     ///< model file, replaced at every checkpoint; empty: none
    std::string resume;  ///< model file to go on from; its configuration wins, but a data path given anew
    /// Fields of resumable_schema() that a resumed run takes from here instead of from the file; epochs: the
    /// total.
    Json resume_changes = Json::object();
    bool start_paused = false;
    std::shared_ptr<Workspace> workspace;  ///< shared between the runs of a process; null: its own
    std::shared_ptr<Profiler> profiler;    ///< watches the backend; null: nobody does
    bool send_snapshots = false;           ///< pattern snapshots and example images, for a window
    std::int64_t text_every = 0;           ///< steps between texts that a model of text writes; 0: none
    double checkpoint_seconds = 30;
};

/// The final figures of a run; what the command line prints.
struct RunResult {
    RunState state = RunState::failed;
    RunInfo info;
    ExperimentConfig config;
    std::int64_t epochs = 0, steps = 0;
    double test_accuracy = 0, test_loss = 0;
    std::optional<double> validation_accuracy, validation_loss;  ///< where a part was held out
    std::optional<double> syntony;                               ///< Model::syntony()
    std::optional<double> train_seconds_per_epoch;  ///< median, training steps only; of whole epochs
    bool time_over = false;                         ///< it stands because max_seconds are over
    double samples_per_second = 0;
    std::size_t peak_memory_bytes = 0;
    std::string error, hint;   ///< of a failed run
    bool bad_input = false;    ///< it failed before the first step, by what it was given
    std::exception_ptr cause;  ///< of a failed run: what was thrown, which may name an option
};

class TrainingRun {
public:
    TrainingRun(ExperimentConfig config, RunOptions options);
    TrainingRun(const TrainingRun&) = delete;
    TrainingRun& operator=(const TrainingRun&) = delete;
    /// Stops the run and waits for it.
    ~TrainingRun();

    /// Thread-safe, never waits for the worker.
    void send(Command command);
    /// Thread-safe: takes what happened since the last call.
    Updates take_updates();
    /// Waits until there is something to take or `timeout` has passed.
    bool wait_for_updates(std::chrono::milliseconds timeout);
    /// True from the moment that the end is in the mailbox.
    bool done() const { return done_.load(); }
    /// Waits for the end.
    RunResult result();

private:
    using Clock = std::chrono::steady_clock;

    void work();
    void train(Trainer& trainer);
    /// One step and what is due after it. False when time is up.
    bool advance(Trainer& trainer);
    void prepare(Trainer& trainer);
    /// False when the evaluation shows that the weights are spoilt.
    bool finish_epoch(Trainer& trainer);
    /// Stands still with an offer where somebody can answer, else throws Error.
    void meet_trouble(Trainer& trainer, std::int64_t step, const std::string& what);
    /// Stands still where somebody can make room or stop, else throws on what its caller handles.
    void meet_shortage(Trainer& trainer, const OutOfMemory& shortage);
    void conclude(Trainer& trainer);
    /// Carries out what came in; waits while paused. Returns false when the run should end.
    bool take_commands(Trainer& trainer);
    void carry_out(Trainer& trainer, const Command& command);
    /// A model in host memory.
    struct HeldModel {
        ModelFile file;
        Reservation room;
    };
    HeldModel hold(Trainer& trainer, bool with_state, std::string_view holder) const;
    void replace(Trainer& trainer, const ParameterPart& part);
    void keep_as_good(Trainer& trainer);
    /// The run's own checkpoint. What goes wrong is reported, and the next one tries again.
    void save_when_possible(Trainer& trainer);
    void write_checkpoint(Trainer& trainer, const ModelFile& file);
    void show_text(Trainer& trainer);
    void show_attention(Trainer& trainer);
    bool snapshot_due(const Trainer& trainer) const;
    void flush(Trainer& trainer, bool with_patterns);
    void report_throughput(const Trainer& trainer, Updates& updates);
    /// `with_it` changes the mailbox in the same breath: who took the reason of a pause out of it alone would
    /// see a run that goes on.
    void set_state(RunState state, std::string message = {}, std::string hint = {},
                   const std::function<void(Updates&)>& with_it = {});
    template <class Change>
    void post(const Change& change) {
        {
            const std::lock_guard lock(mailbox_mutex_);
            change(mailbox_);
            mailbox_filled_ = true;
        }
        mailbox_changed_.notify_all();
    }

    ExperimentConfig config_;
    RunOptions options_;

    std::mutex commands_mutex_;
    std::condition_variable commands_changed_;
    std::deque<Command> commands_;
    std::atomic<bool> commands_waiting_{false};
    std::atomic<bool> cancel_{false};

    std::mutex mailbox_mutex_;
    std::condition_variable mailbox_changed_;
    Updates mailbox_;
    bool mailbox_filled_ = false;

    // The worker's own.
    RunState state_ = RunState::preparing;
    std::int64_t steps_allowed_ = 0;
    bool stopping_ = false;
    HeldModel last_good_;
    bool epoch_open_ = false;                       ///< its last batch is done, its evaluation is not
    std::shared_ptr<const Evaluation> evaluation_;  ///< the newest
    std::vector<StepPoint> pending_steps_;
    std::vector<PlanInfo> plans_;                ///< as last posted
    std::optional<AttentionRequest> attention_;  ///< nothing: nobody looks
    Clock::time_point last_flush_{}, last_snapshot_{}, last_checkpoint_{};
    Clock::duration snapshot_cost_{};
    std::int64_t last_snapshot_step_ = 0, last_text_step_ = -1;
    double throughput_seconds_ = 0;
    std::int64_t throughput_samples_ = 0;

    RunResult result_;
    std::atomic<bool> done_{false};
    std::thread worker_;
};

}  // namespace spectral
