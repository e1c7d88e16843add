// spectral train: a training run in the terminal, with a progress bar, a log and a JSON line.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cerrno>
#include <chrono>
#include <cmath>
#include <exception>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "app/commands/commands.hpp"
#include "app/commands/patterns_picture.hpp"
#include "engine/core/error.hpp"
#include "engine/core/files.hpp"
#include "engine/data/dataset.hpp"
#include "engine/io/model_file.hpp"
#include "engine/io/png.hpp"
#include "engine/nn/registry.hpp"
#include "engine/profile/trace.hpp"
#include "engine/train/run.hpp"
#include "engine/train/start.hpp"

namespace spectral::app {

namespace {

struct TrainArguments {
    std::string dataset, data, model, config, out, resume, log, patterns_png, trace;
    bool json = false, force = false;
    SchemaFlags flags;
};

/// What the flags are given over: a file of options, or the model that the run starts from.
Json base_config(TrainArguments& a) {
    if (!a.config.empty()) return to_json(read_config(a.config));
    Json given = Json::object();
    a.flags.apply({*find_field(training_schema(), "start")}, "train", given);
    const std::string start = given.value("start", "");
    return start.empty() ? given : starting_options(read_model_file(start), start);
}

ExperimentConfig build_config(TrainArguments& a) {
    Json json = base_config(a);
    if (!a.dataset.empty() && json.value("dataset", "") != a.dataset) {
        json["dataset"] = a.dataset;
        json["data"] = "";
        json["dataset_options"] = Json::object();
    }
    if (!a.model.empty() && json.value("model", "") != a.model) {
        json["model"] = a.model;
        json["model_options"] = Json::object();
    }
    if (!a.data.empty()) json["data"] = a.data;
    const ExperimentConfig defaults;
    const DatasetInfo& dataset = find_dataset(json.value("dataset", defaults.dataset));
    const ModelInfo& model = find_model(json.value("model", defaults.model));
    a.flags.apply(training_schema(), "train", json);
    a.flags.apply(dataset.schema, "data set " + dataset.name, json["dataset_options"]);
    a.flags.apply(model.schema, "model " + model.name, json["model_options"]);
    a.flags.require_all_used("neither the chosen model nor the data set has it",
                             "see 'spectral models' and 'spectral datasets'");
    return resolved(config_from_json(json, a.config.empty() ? "train" : a.config));
}

/// A resumed run keeps its configuration; only the fields of resumable_schema() may be given again.
Json resume_changes(TrainArguments& a) {
    if (!a.model.empty() || !a.dataset.empty() || !a.config.empty())
        throw Error(
            "--resume", "the run's configuration is in the file",
            "leave out --model, --dataset and --config; --epochs sets the new total, --data the place");
    Json changes = Json::object();
    a.flags.apply(resumable_schema(), "train", changes);
    std::vector<std::string> allowed;
    for (const Field& field : resumable_schema()) allowed.push_back(flag_name(field.name));
    a.flags.require_all_used("a resumed run keeps its configuration",
                             fmt::format("only these may change: {}", fmt::join(allowed, ", ")));
    return changes;
}

/// An empty name is a forgotten shell variable far more often than a wish.
void require_names(CLI::App& command) {
    for (const char* flag :
         {"--out", "--resume", "--config", "--log", "--patterns-png", "--trace", "--data", "--start"})
        if (command.count(flag) > 0 && command.get_option(flag)->as<std::string>().empty())
            throw Error(flag, "the name is empty", "give a file or directory, or leave the option out");
}

/// What the run begins with, said before anything else; nothing where the seed draws it.
std::string beginning_of(const ExperimentConfig& config, const std::string& resume, const std::string& out) {
    if (resume.empty()) return config.start.empty() ? "" : fmt::format("starts from {}", config.start);
    std::error_code absent;
    if (std::filesystem::equivalent(resume, out, absent)) return fmt::format("continues {}", out);
    return fmt::format("continues {} in {}", resume, out);
}

class Terminal {
public:
    /// A log that is there stays as it is until the run starts; a resumed run adds to it. One that this made
    /// goes where no run starts. `beginning` is said when the run starts; empty: there is nothing to say.
    Terminal(std::string log_path, bool goes_on, std::string beginning)
        : log_path_(std::move(log_path)), goes_on_(goes_on), beginning_(std::move(beginning)) {
        if (log_path_.empty()) return;
        std::error_code unknown;
        made_ = !std::filesystem::exists(log_path_, unknown) && !unknown;
        open_log(std::ios::app);
    }

    ~Terminal() {
        std::error_code left_behind;  // empty
        if (made_ && !begun_) std::filesystem::remove(log_path_, left_behind);
    }
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;

    void show(const Updates& updates) {
        if (updates.info) {
            info_ = *updates.info;
            begun_ = true;
            if (!beginning_.empty()) bar_.line(beginning_);
            if (log_.is_open() && !goes_on_) {
                log_.close();
                open_log(std::ios::trunc);
            }
            bar_.line(fmt::format("{} on {}: {} parameters, {} features {}, {} training samples, {}",
                                  info_.model_title, info_.dataset, grouped(info_.parameters),
                                  grouped(info_.feature_count), info_.features, grouped(info_.train_samples),
                                  info_.device));
        }
        if (!updates.activity.empty()) bar_.show(updates.activity_fraction, updates.activity);
        if (!updates.steps.empty()) {
            const StepPoint& last = updates.steps.back();
            bar_.show(last.epoch / static_cast<double>(std::max<std::int64_t>(info_.epochs, 1)),
                      fmt::format("epoch {:.1f} of {}  loss {:.4f}", last.epoch, info_.epochs, last.loss));
        }
        for (const FileReport& file : updates.files)
            if (!file.problem.empty()) bar_.line(fmt::format("warning: {}; training goes on", file.problem));
        if (updates.text) text_ = updates.text;
        for (const EvaluationPoint& point : updates.evaluations) {
            bar_.line(
                fmt::format("epoch {:>3.0f}  train loss {:.4f} accuracy {:5.2f} %   {} loss {:.4f}{} "
                            "accuracy {:5.2f} %{}",
                            point.epoch, point.train_loss, 100 * point.train_accuracy, info_.evaluated_on,
                            point.loss, bits_text(info_.token_unit, point.loss), 100 * point.accuracy,
                            point.syntony ? fmt::format("   syntony {:.4f}", *point.syntony) : ""));
            if (!log_.is_open() || log_failed_) continue;
            Json line{{"epoch", point.epoch},
                      {"step", point.step},
                      {"train_loss", point.train_loss},
                      {"train_accuracy", point.train_accuracy},
                      {info_.evaluated_on + "_loss", point.loss},
                      {info_.evaluated_on + "_accuracy", point.accuracy}};
            add_bits(line, info_.evaluated_on, info_.token_unit, point.loss);
            if (point.syntony) line["syntony"] = *point.syntony;
            if (text_) {
                line["text_step"] = text_->step;
                line["text"] = text_->text;
                text_.reset();
            }
            log_ << line.dump() << std::endl;
            if (!log_ && !std::exchange(log_failed_, true))
                bar_.line(fmt::format("warning: {} can no longer be written: {}; training goes on", log_path_,
                                      std::generic_category().message(errno)));
        }
    }

    void end() { bar_.clear(); }
    bool log_failed() const { return log_failed_; }

private:
    void open_log(std::ios::openmode mode) {
        log_.open(log_path_, std::ios::out | mode);
        if (!log_)
            throw Error(log_path_, "cannot be written: " + std::generic_category().message(errno),
                        "choose another file for --log");
    }

    ProgressBar bar_;
    std::string log_path_;
    bool goes_on_;
    std::string beginning_;
    std::ofstream log_;
    bool made_ = false;   ///< the log was not there before
    bool begun_ = false;  ///< the run has
    bool log_failed_ = false;
    RunInfo info_;
    std::optional<TextSample> text_;  ///< that no line of the log has yet
};

void print_result(const RunResult& result, const std::string& out) {
    Json json{{"model", result.info.model},
              {"dataset", result.info.dataset},
              {"backend", result.info.backend},
              {"device", result.info.device},
              {"seed", result.config.seed},
              {"epochs", result.epochs},
              {"parameters", result.info.parameters},
              {"test_accuracy", result.test_accuracy},
              {"test_loss", result.test_loss},
              {"train_seconds_per_epoch",
               result.train_seconds_per_epoch ? Json(*result.train_seconds_per_epoch) : Json()},
              {"samples_per_second", result.samples_per_second},
              {"peak_memory_bytes", result.peak_memory_bytes},
              {"state", run_state_name(result.state)},
              {"out", out}};
    add_bits(json, "test", result.info.token_unit, result.test_loss);
    if (result.validation_accuracy) {
        json["validation_accuracy"] = *result.validation_accuracy;
        json["validation_loss"] = *result.validation_loss;
        add_bits(json, "validation", result.info.token_unit, *result.validation_loss);
    }
    if (result.syntony) json["syntony"] = *result.syntony;
    fmt::print("{}\n", json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

/// The last lines on the terminal: what came of it, and how it goes on.
void print_end(const RunResult& result, const std::string& out) {
    fmt::print(
        stderr, "{}: {}test accuracy {:.2f} %{}, median epoch {}, mean {} samples/s{}\n",
        run_state_name(result.state),
        result.time_over ? fmt::format("the {:g} s of --max-seconds are over; ", result.config.max_seconds)
                         : "",
        100 * result.test_accuracy, bits_text(result.info.token_unit, result.test_loss),
        result.train_seconds_per_epoch ? fmt::format("{:.4g} s", *result.train_seconds_per_epoch) : "–",
        grouped(std::llround(result.samples_per_second)),
        out.empty() ? "; the model was not kept (no --out)" : fmt::format(", model in {}", out));
    // The limit is in the file, and would stop the run after as long again.
    if (result.state == RunState::stopped && !out.empty())
        fmt::print(stderr, "go on with: spectral train --resume {}{}\n", shell_word(out),
                   result.time_over ? " --max-seconds 0" : "");
}

bool is_log(const std::filesystem::path& path) { return begins_with(path, {"{\"epoch\":"}); }

int train(TrainArguments& a) {
    RunOptions options;
    options.out = a.out.empty() ? a.resume : a.out;
    options.resume = a.resume;
    if (!a.log.empty()) options.text_every = kTextEvery;
    if (!a.patterns_png.empty() && options.out.empty())
        throw Error("--patterns-png", "the picture is made from the model file", "give --out FILE as well");
    require_free({a.patterns_png, "--patterns-png", "PNG picture", is_png, {".png"}}, a.force);
    require_free({a.trace, "--trace", "Chrome trace", is_chrome_trace, {".json"}}, a.force);
    // A run that goes on goes on in its log too.
    require_free(
        {a.log, "--log", "log of this program", is_log, {".jsonl", ".ndjson", ".json", ".log", ".txt"}},
        a.force || !a.resume.empty());
    if (!a.patterns_png.empty()) require_replaceable(a.patterns_png);
    if (!a.trace.empty()) {
        require_replaceable(a.trace);
        options.profiler = std::make_shared<Profiler>();
        options.profiler->start();
    }
    ExperimentConfig config;
    if (a.resume.empty()) {
        config = build_config(a);
    } else {
        options.resume_changes = resume_changes(a);
        config.data = a.data;
    }
    require_free_model(a.out, a.resume, a.force,
                       "--force to replace the model, or --resume to go on with it");
    Terminal terminal(a.log, !a.resume.empty(), beginning_of(config, a.resume, options.out));
    watch_signals();
    TrainingRun run(std::move(config), options);
    bool told = false;
    for (bool done = false; !done;) {
        run.wait_for_updates(std::chrono::milliseconds(50));
        const Updates updates = run.take_updates();
        terminal.show(updates);
        done = updates.state && is_end(*updates.state);
        if (interrupt_requested().load() && !std::exchange(told, true)) run.send(command::Stop{});
    }
    terminal.end();
    const RunResult result = run.result();
    if (result.state == RunState::failed) {
        if (result.bad_input && result.cause) std::rethrow_exception(result.cause);
        print_error(result.error, result.hint);
        return result.bad_input ? kExitBadInput : kExitFailedRun;
    }
    if (result.info.model.empty()) {
        print_error("stopped before the first step; nothing was written", "");
        return kExitFailedRun;
    }
    if (options.profiler) replace_file(a.trace, to_chrome_trace(*options.profiler->profile()).dump());
    if (!a.patterns_png.empty()) write_patterns_picture(read_model_file(options.out), a.patterns_png);
    if (a.json)
        print_result(result, options.out);
    else
        print_end(result, options.out);
    return terminal.log_failed() ? kExitFailedRun : kExitOk;
}

}  // namespace

void add_train(CLI::App& app, int& exit_code) {
    CLI::App* command = app.add_subcommand("train", "train a model");
    const auto a = std::make_shared<TrainArguments>();
    command->add_option("--model", a->model, "model to train; see 'spectral models' [purefft]")
        ->type_name("NAME");
    command->add_option("--dataset", a->dataset, "data set; see 'spectral datasets' [strokes]")
        ->type_name("NAME");
    command->add_option("--data", a->data, "directory or file of the data set")->type_name("PATH");
    command->add_option("--config", a->config, "JSON file of options; flags override it")->type_name("FILE");
    command->add_option("--out", a->out, "model file, written at every checkpoint")->type_name("FILE");
    command->add_flag("--force", a->force, "replace what stands at --out, --log, --patterns-png and --trace");
    command->add_option("--resume", a->resume, "go on from this file; --epochs is the new total")
        ->type_name("FILE");
    command->add_option("--log", a->log, "one JSON object per line per epoch")->type_name("FILE");
    command->add_option("--patterns-png", a->patterns_png, "picture of the learned weights; needs --out")
        ->type_name("FILE");
    command->add_option("--trace", a->trace, "operations of the last steps as a Chrome trace, for Perfetto")
        ->type_name("FILE");
    command->add_flag("--json", a->json, "print one JSON object as the last line");
    a->flags.add(*command, training_schema(), "Training");
    for (const ModelInfo& model : model_registry())
        a->flags.add_section(*command, model.schema, "Model " + model.name, model.help);
    for (const DatasetInfo& set : dataset_registry())
        a->flags.add_section(*command, set.schema, "Data set " + set.name, set.help);
    command->footer(
        "Examples:\n"
        "  spectral train --epochs 5 --out run.h5\n"
        "  spectral train --model mlp --dataset mnist --data DIR --epochs 3 --json\n"
        "  spectral train --model mlp --dataset text --data FILE --context 8\n"
        "  spectral train --resume run.h5 --epochs 20\n"
        "  spectral train --start run.h5 --dataset mnist --data DIR --out tuned.h5\n"
        "Ctrl-C stops after the current step and leaves a checkpoint that resumes.");
    command->callback([a, command, &exit_code] {
        require_names(*command);
        exit_code = train(*a);
    });
}

}  // namespace spectral::app
