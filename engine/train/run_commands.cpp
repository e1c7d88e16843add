// What a run is told while it goes on.
#include <cmath>
#include <utility>

#include "engine/core/error.hpp"
#include "engine/io/model_file.hpp"
#include "engine/train/run.hpp"

namespace spectral {

void TrainingRun::send(Command command) {
    if (std::holds_alternative<command::Stop>(command)) cancel_.store(true);
    {
        const std::lock_guard lock(commands_mutex_);
        commands_.push_back(std::move(command));
        commands_waiting_.store(true);
    }
    commands_changed_.notify_one();
}

bool TrainingRun::take_commands(Trainer& trainer) {
    for (;;) {
        std::deque<Command> taken;
        if (commands_waiting_.load(std::memory_order_relaxed) || state_ == RunState::paused) {
            if (state_ == RunState::paused && steps_allowed_ == 0) flush(trainer, options_.send_snapshots);
            std::unique_lock lock(commands_mutex_);
            if (state_ == RunState::paused && steps_allowed_ == 0)
                commands_changed_.wait(lock, [this] { return !commands_.empty(); });
            taken.swap(commands_);
            commands_waiting_.store(false);
        }
        for (const Command& command : taken) carry_out(trainer, command);
        if (stopping_) return false;
        if (state_ != RunState::paused) return true;
        if (steps_allowed_ > 0) {
            --steps_allowed_;
            return true;
        }
    }
}

void TrainingRun::replace(Trainer& trainer, const ParameterPart& part) {
    ReplacementReport report{part.parameter, trainer.step_count(), {}, {}};
    try {
        trainer.replace(part);
        evaluation_.reset();        // it was of other weights, though of the same step
    } catch (const Error& error) {  // the run goes on as it was
        report.problem = error.what();
        report.hint = error.hint();
    }
    post([&](Updates& updates) { updates.replacements.push_back(report); });
}

void TrainingRun::carry_out(Trainer& trainer, const Command& command) {
    const auto set_rate = [&](double value) {
        trainer.set_learning_rate(value);
        post([&](Updates& updates) { updates.learning_rate = value; });
    };
    if (std::holds_alternative<command::Pause>(command)) {
        flush(trainer, false);  // nothing may arrive after the news that the run stands
        set_state(RunState::paused);
    } else if (std::holds_alternative<command::Resume>(command)) {
        steps_allowed_ = 0;
        set_state(RunState::running);
    } else if (std::holds_alternative<command::Step>(command)) {
        if (state_ != RunState::paused) carry_out(trainer, command::Pause{});
        ++steps_allowed_;
    } else if (std::holds_alternative<command::Stop>(command)) {
        stopping_ = true;
    } else if (const auto* rate = std::get_if<command::SetLearningRate>(&command)) {
        if (std::isfinite(rate->value) && rate->value >= 0) set_rate(rate->value);
    } else if (const auto* checkpoint = std::get_if<command::CheckpointNow>(&command)) {
        const std::string path = checkpoint->path.empty() ? options_.out : checkpoint->path;
        FileReport report{path, true, {}, {}};
        try {
            if (path.empty())
                throw Error("checkpoint", "the run has no output file", "choose a file to save to");
            if (!std::isfinite(trainer.measure().loss))
                throw Error("checkpoint", "the weights give no finite loss, so they are not written",
                            "go back to the last good state first");
            write_model_file(path, hold(trainer, checkpoint->with_state, "model to save").file,
                             &trainer.budget());
        } catch (const Error& error) {  // the run goes on; the user chooses another place
            report.problem = error.what();
            report.hint = error.hint();
        }
        post([&](Updates& updates) { updates.files.push_back(report); });
    } else if (const auto* look = std::get_if<command::LookAtAttention>(&command)) {
        attention_ = look->request;
        show_attention(trainer);
    } else if (const auto* replacement = std::get_if<command::ReplaceParameter>(&command)) {
        replace(trainer, replacement->part);
    } else if (std::holds_alternative<command::ClearPlans>(command)) {
        trainer.clear_plans();
        flush(trainer, false);
    } else if (const auto* recover = std::get_if<command::Recover>(&command)) {
        trainer.restore(last_good_.file);
        evaluation_.reset();
        epoch_open_ = false;
        steps_allowed_ = 0;
        set_rate(recover->learning_rate);
        pending_steps_.clear();
        set_state(RunState::running);
    }
}

}  // namespace spectral
