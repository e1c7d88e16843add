#include "engine/train/run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/core/error.hpp"
#include "engine/core/files.hpp"
#include "engine/io/model_file.hpp"
#include "engine/train/start.hpp"

namespace spectral {

namespace {

constexpr std::chrono::milliseconds kFlushInterval(15);
constexpr std::int64_t kExamples = 48;

std::optional<double> median(std::vector<double> values) {
    if (values.empty()) return std::nullopt;
    std::ranges::sort(values);
    const std::size_t half = values.size() / 2;
    return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

/// The same with the options that help, for a terminal. A workspace's own limit has none.
OverLimit with_options(const OverLimit& shortage, const ExperimentConfig& config) {
    if (config.memory_mib == 0) return shortage;
    return {shortage.subject(), fmt::format("{} (--memory-mib {})", shortage.why(), config.memory_mib),
            fmt::format("raise --memory-mib{}, or take fewer samples or a smaller model",
                        config.batch > 1 ? fmt::format(", lower --batch, which is {}", config.batch) : "")};
}

}  // namespace

const Schema& resumable_schema() {
    static const Schema schema = [] {
        Schema fields;
        for (const char* name :
             {"epochs", "learning_rate", "batch", "max_seconds", "backend", "threads", "memory_mib"})
            fields.push_back(*find_field(training_schema(), name));
        return fields;
    }();
    return schema;
}

TrainingRun::TrainingRun(ExperimentConfig config, RunOptions options)
    : config_(std::move(config)), options_(std::move(options)), worker_([this] { work(); }) {}

TrainingRun::~TrainingRun() {
    send(command::Stop{});
    worker_.join();
}

RunResult TrainingRun::result() {
    std::unique_lock lock(mailbox_mutex_);
    mailbox_changed_.wait(lock, [this] { return done_.load(); });
    return result_;
}

void TrainingRun::work() {
    RunState end = RunState::failed;
    std::string message, hint;
    result_.bad_input = true;
    try {
        if (!options_.workspace) options_.workspace = std::make_shared<Workspace>();
        std::optional<ModelFile> resumed;
        Reservation resumed_room =
            options_.workspace->budget().reserve(MemoryTag::workspace, 0, "model file to resume");
        if (!options_.resume.empty()) {
            resumed = read_model_file(options_.resume, &resumed_room);
            const std::string data = config_.data;
            config_ = config_from_json(resumed->config, options_.resume);
            if (!data.empty()) config_.data = data;
            Json changed = to_json(config_);
            changed.update(options_.resume_changes);
            config_ = config_from_json(changed, options_.resume);
            if (!resumed->checkpoint)
                throw Error(options_.resume, "holds an exported model without a checkpoint",
                            "resume from a checkpoint: a file that a run wrote or that was saved as one");
            if (const std::int64_t done = resumed->checkpoint->epoch; done >= config_.epochs)
                throw Error(
                    "--epochs",
                    fmt::format("{} is already at {} of {} epochs", options_.resume, done, config_.epochs),
                    fmt::format(
                        "give --epochs N, the new total, with {} or more; 'spectral eval' judges it as it is",
                        done + 1));
        }
        config_ = resolved(config_);
        if (!resumed) require_consistent(config_);
        std::optional<ModelFile> start;
        std::string start_sha256;
        Reservation start_room =
            options_.workspace->budget().reserve(MemoryTag::workspace, 0, "model file to start from");
        if (!resumed && !config_.start.empty()) {  // who goes on has left its start behind
            start_sha256 = sha256_of_file(config_.start);
            start = read_model_file(config_.start, &start_room);
            if (sha256_of_file(config_.start) != start_sha256)
                throw Error(config_.start, "changed while it was read", "start when nothing writes it");
            require_same_model(config_, *start);
        }
        if (!options_.out.empty()) require_replaceable(options_.out);
        options_.workspace->budget().set_limit(config_.memory_mib > 0
                                                   ? static_cast<std::size_t>(config_.memory_mib) << 20
                                                   : MemoryBudget::kUnlimited);
        Trainer trainer(
            config_, options_.workspace,
            [this](std::string_view what, double fraction) {
                post([&](Updates& updates) {
                    updates.activity = what;
                    updates.activity_fraction = fraction;
                });
                return !cancel_.load();
            },
            options_.profiler);
        if (resumed) {
            trainer.restore(*resumed);
            if (options_.resume_changes.contains("learning_rate"))
                trainer.set_learning_rate(config_.learning_rate);
            resumed.reset();
            resumed_room = {};
        } else if (start) {
            trainer.start_from(*start, start_sha256);
            start.reset();
            start_room = {};
        }
        prepare(trainer);
        result_.bad_input = false;
        train(trainer);
        end = trainer.finished() ? RunState::finished : RunState::stopped;
        result_.time_over = end == RunState::stopped && !stopping_;
        if (result_.time_over)
            message = fmt::format("stopped after {:.1f} s of training, as asked", trainer.train_seconds());
    } catch (const Cancelled&) {
        end = RunState::stopped;
        message = "cancelled before the first step";
    } catch (const OverLimit& shortage) {
        const OverLimit told = options_.send_snapshots ? shortage : with_options(shortage, config_);
        result_.cause = std::make_exception_ptr(told);
        message = told.what();
        hint = told.hint();
    } catch (const Error& error) {
        result_.cause = std::current_exception();
        message = error.what();
        hint = error.hint();
        if (dynamic_cast<const FailedRun*>(&error) != nullptr) result_.bad_input = false;
    } catch (const std::exception& error) {
        message = fmt::format("training failed: {}", error.what());
    }
    last_good_ = {};  // whoever hears of the end finds its memory given back
    result_.state = end;
    if (end == RunState::failed) {
        result_.error = message;
        result_.hint = hint;
    }
    set_state(end, std::move(message), std::move(hint), [this](Updates&) { done_.store(true); });
}

void TrainingRun::prepare(Trainer& trainer) {
    result_.config = trainer.config();
    result_.info = trainer.info();
    post([&](Updates& updates) {
        updates.info = result_.info;
        updates.learning_rate = trainer.learning_rate();
        updates.activity.clear();
    });
    keep_as_good(trainer);
    if (!options_.out.empty()) write_checkpoint(trainer, last_good_.file);
    last_snapshot_ = last_flush_ = Clock::now();
    set_state(options_.start_paused ? RunState::paused : RunState::running);
    flush(trainer, options_.send_snapshots);
}

void TrainingRun::train(Trainer& trainer) {
    while ((!trainer.finished() || epoch_open_) && take_commands(trainer)) {
        try {
            if (!advance(trainer)) break;
        } catch (const OutOfMemory& shortage) {
            meet_shortage(trainer, shortage);
        }
    }
    flush(trainer, options_.send_snapshots);
    for (bool concluded = false; !concluded;) {
        try {
            conclude(trainer);
            concluded = true;
        } catch (const OutOfMemory& shortage) {
            if (stopping_) throw;  // whoever wants the end is not kept waiting; the last checkpoint stands
            meet_shortage(trainer, shortage);
            take_commands(trainer);
        }
    }
}

bool TrainingRun::advance(Trainer& trainer) {
    if (!epoch_open_) {
        const double seconds_before = trainer.train_seconds();
        const std::int64_t samples_before = trainer.samples_trained();
        const Trainer::StepResult step = trainer.step();
        if (!step.finite) {
            meet_trouble(trainer, trainer.step_count() + 1, step.trouble + "; the weights were not updated");
            return true;
        }
        pending_steps_.push_back(step.point);
        throughput_seconds_ += trainer.train_seconds() - seconds_before;
        throughput_samples_ += trainer.samples_trained() - samples_before;
        epoch_open_ = step.epoch_finished;
    }
    if (options_.text_every > 0 && trainer.step_count() % options_.text_every == 0) show_text(trainer);
    if (epoch_open_ && !finish_epoch(trainer)) return true;
    if (state_ == RunState::paused || Clock::now() - last_flush_ >= kFlushInterval) flush(trainer, false);
    if (options_.send_snapshots && snapshot_due(trainer)) flush(trainer, true);
    if (!options_.out.empty() &&
        Clock::now() - last_checkpoint_ >= std::chrono::duration<double>(options_.checkpoint_seconds))
        save_when_possible(trainer);
    return config_.max_seconds <= 0 || trainer.train_seconds() < config_.max_seconds;
}

void TrainingRun::meet_shortage(Trainer& trainer, const OutOfMemory& shortage) {
    if (!options_.send_snapshots) throw;  // as what it was caught as
    flush(trainer, false);
    steps_allowed_ = 0;
    set_state(RunState::paused, shortage.what(), shortage.hint(), [&](Updates& updates) {
        updates.shortage =
            MemoryShortage{trainer.step_count(), shortage.what(), shortage.hint(), trainer.info().batch};
    });
}

void TrainingRun::meet_trouble(Trainer& trainer, std::int64_t step, const std::string& what) {
    flush(trainer, false);
    steps_allowed_ = 0;
    const double lower = trainer.learning_rate() / 10;
    if (!options_.send_snapshots)
        throw Error(fmt::format("step {}", step), what,
                    options_.out.empty()
                        ? fmt::format("start again with --learning-rate {:g}", lower)
                        : fmt::format("resume the last checkpoint with --learning-rate {:g}", lower));
    set_state(RunState::paused, fmt::format("step {}: {}", step, what),
              "go back to the last good state with a lower learning rate, or stop", [&](Updates& updates) {
                  updates.trouble = NumericTrouble{step, what, trainer.learning_rate(), lower};
              });
}

void TrainingRun::conclude(Trainer& trainer) {
    if (!evaluation_ || evaluation_->step != trainer.step_count())
        evaluation_ = std::make_shared<const Evaluation>(trainer.measure());
    result_.test_accuracy = evaluation_->accuracy;
    result_.test_loss = evaluation_->loss;
    result_.syntony = evaluation_->syntony;
    if (config_.validation > 0) {
        result_.validation_accuracy = evaluation_->accuracy;
        result_.validation_loss = evaluation_->loss;
        const Evaluation test = trainer.evaluate_test();
        result_.test_accuracy = test.accuracy;
        result_.test_loss = test.loss;
    }
    if (options_.text_every > 0 && !stopping_ && std::isfinite(evaluation_->loss)) show_text(trainer);
    // Spoilt weights are no checkpoint: the file stays, or becomes, the last good one.
    if (!options_.out.empty()) {
        if (std::isfinite(evaluation_->loss))
            write_checkpoint(trainer, hold(trainer, true, "final state").file);
        else
            write_checkpoint(trainer, last_good_.file);
    }
    result_.epochs = trainer.epochs_done();
    result_.steps = trainer.step_count();
    result_.train_seconds_per_epoch = median(trainer.epoch_seconds());
    if (trainer.train_seconds() > 0)
        result_.samples_per_second = static_cast<double>(trainer.samples_trained()) / trainer.train_seconds();
    result_.peak_memory_bytes = trainer.budget().total().peak;
}

bool TrainingRun::finish_epoch(Trainer& trainer) {
    // Memory may be short anywhere in here: what is done already is not done again.
    if (!evaluation_ || evaluation_->step != trainer.step_count())
        evaluation_ =
            std::make_shared<const Evaluation>(trainer.evaluate(options_.send_snapshots ? kExamples : 0));
    if (!std::isfinite(evaluation_->loss)) {
        epoch_open_ = false;
        meet_trouble(trainer, trainer.step_count(),
                     fmt::format("the {} loss is not finite; the last updates spoilt the weights",
                                 result_.info.evaluated_on));
        return false;
    }
    keep_as_good(trainer);
    epoch_open_ = false;
    const EpochMeans means = trainer.epoch_means();
    post([&](Updates& updates) {
        updates.evaluations.push_back({evaluation_->step, static_cast<double>(means.epoch), evaluation_->loss,
                                       evaluation_->accuracy, means.loss, means.accuracy,
                                       evaluation_->syntony});
        updates.evaluation = evaluation_;
        report_throughput(trainer, updates);
    });
    if (!options_.out.empty()) save_when_possible(trainer);
    return true;
}

void TrainingRun::keep_as_good(Trainer& trainer) { last_good_ = hold(trainer, true, "last good state"); }

TrainingRun::HeldModel TrainingRun::hold(Trainer& trainer, bool with_state, std::string_view holder) const {
    Reservation room =
        trainer.budget().reserve(MemoryTag::workspace, trainer.model_file_bytes(with_state), holder);
    return {trainer.model_file(with_state), std::move(room)};
}

void TrainingRun::save_when_possible(Trainer& trainer) {
    last_checkpoint_ = Clock::now();  // also after a failure: not at every step again
    const bool proven = last_good_.file.checkpoint->step == trainer.step_count() &&
                        last_good_.file.provenance.replacements == trainer.replacements();
    if (!proven && !std::isfinite(trainer.measure().loss)) return;  // the next step says so
    try {
        if (proven)
            write_checkpoint(trainer, last_good_.file);
        else
            write_checkpoint(trainer, hold(trainer, true, "state to save").file);
    } catch (const OutOfMemory&) {
        throw;
    } catch (const Error& error) {
        post([&](Updates& updates) {
            updates.files.push_back({options_.out, false, error.what(), error.hint()});
        });
    }
}

void TrainingRun::write_checkpoint(Trainer& trainer, const ModelFile& file) {
    write_model_file(options_.out, file, &trainer.budget());
    last_checkpoint_ = Clock::now();
    post([&](Updates& updates) { updates.files.push_back({options_.out, false, {}, {}}); });
}

}  // namespace spectral
