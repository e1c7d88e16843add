// Training, one step at a time, in the caller's thread: data, model and optimiser of one experiment.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/core/progress.hpp"
#include "engine/data/features.hpp"
#include "engine/io/model_file.hpp"
#include "engine/nn/learned_pattern.hpp"
#include "engine/nn/registry.hpp"
#include "engine/optim/optimiser.hpp"
#include "engine/profile/profiler.hpp"
#include "engine/train/config.hpp"
#include "engine/train/events.hpp"
#include "engine/train/workspace.hpp"

namespace spectral {

/// Over the batches of one finished epoch.
struct EpochMeans {
    std::int64_t epoch = 0;  ///< counted from 1
    double loss = 0, accuracy = 0;
};

class Trainer {
public:
    /// Opens the backend, takes the data from the workspace, computes features, builds the model. `config`
    /// must be resolved(); its memory limit is the affair of whoever owns the workspace. Throws Error on bad
    /// input, Cancelled when `progress` says so.
    /// `profiler`, where there is one, watches the backend as long as the trainer lives.
    Trainer(const ExperimentConfig& config, std::shared_ptr<Workspace> workspace, const Progress& progress,
            std::shared_ptr<Profiler> profiler = nullptr);
    Trainer(const Trainer&) = delete;
    Trainer& operator=(const Trainer&) = delete;
    ~Trainer();

    /// Trained on the next batch. `finite` is false when loss or gradient are not: nothing was updated then
    /// and the batch is not counted.
    struct StepResult {
        StepPoint point;
        bool finite = true;
        bool epoch_finished = false;
        std::string trouble;
    };
    StepResult step();

    /// Of the test set, or of the held-out part of the training set when the configuration asks for one; goes
    /// into the history.
    Evaluation evaluate(std::int64_t examples = 0);
    /// Of the test set; goes into the metrics of the model file alone.
    Evaluation evaluate_test();
    /// As evaluate(), for the metrics of the model file alone: between the epochs, at a checkpoint or a stop,
    /// which leave no trace in the history. Its loss is not finite when the last update spoilt the weights,
    /// though no batch may have shown that yet.
    Evaluation measure();
    std::vector<PatternSnapshot::Matrix> patterns();
    std::optional<double> syntony();
    /// What a model of text writes by itself, the same draws every time; nothing where it is no such model.
    std::optional<TextSample> write_text(std::int64_t length, const Progress& progress);

    /// Of the data set's test part, or of a text.
    AttentionView attention(const AttentionRequest& request);

    /// Between two steps: the part's values in the place of the parameter's, whose moments begin at 0 again
    /// there, for they speak of gradients at other values. The provenance of the model file says so from here
    /// on. Throws BadValue that names what is wrong, "parameter" or "values", and changes nothing then.
    void replace(const ParameterPart& part);
    /// How often that was done, by this run and by those that it goes on from.
    std::int64_t replacements() const;

    ModelFile model_file(bool with_state);
    /// bytes_of() such a file, before there is one.
    std::size_t model_file_bytes(bool with_state);
    /// Parameters, and with a checkpoint in it everything else; throws Error when it does not fit this
    /// experiment.
    void restore(const ModelFile& file);

    /// Before the first step: the file's weights, as load_layers(), and its standardisation, whose features
    /// the weights know. `sha256` is the file's, for the provenance. Throws BadValue "start" where the data
    /// are not what they were made for.
    void start_from(const ModelFile& file, std::string sha256 = {});
    /// Such weights and standardisation too, but of a tensor that the file stores packed it is the kept
    /// numbers that are trained from here on, in their places, and model_file() stores it in the same way.
    /// Such a run has no checkpoint.
    void start_from_stored(const ModelFile& file);

    const ExperimentConfig& config() const;
    RunInfo info() const;
    History& history();
    std::int64_t step_count() const;
    std::int64_t epochs_done() const;
    double epoch() const;   ///< fractional
    bool finished() const;  ///< all epochs of the configuration are done
    double learning_rate() const;
    void set_learning_rate(double value);
    void set_epochs(std::int64_t total);
    EpochMeans epoch_means() const;
    const std::vector<double>& epoch_seconds() const;
    double train_seconds() const;          ///< in step(), this process
    std::int64_t samples_trained() const;  ///< this process
    MemoryBudget& budget();
    /// Of the run's backend, counted in the budget from here on.
    std::vector<PlanInfo> plans();
    void clear_plans();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace spectral
