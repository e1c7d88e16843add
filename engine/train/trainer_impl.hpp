// What a trainer holds, for its two files alone.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/core/counted_plans.hpp"
#include "engine/data/features.hpp"
#include "engine/optim/optimiser.hpp"
#include "engine/train/provenance.hpp"
#include "engine/train/standardisation.hpp"
#include "engine/train/stored_weight.hpp"
#include "engine/train/trainer.hpp"

namespace spectral {

struct Trainer::Impl {
    ExperimentConfig config;
    std::shared_ptr<Workspace> workspace;
    std::unique_ptr<Backend> backend;
    Device device;
    ProfiledBackend watch;
    CountedPlans plans;
    std::shared_ptr<const Dataset> dataset;
    std::shared_ptr<const DatasetFeatures> features;
    FeatureMatrix own_train, own_test;  ///< standardised copies
    const FeatureMatrix* train = nullptr;
    const FeatureMatrix* test = nullptr;
    std::optional<Standardisation> standardisation;
    std::vector<std::uint32_t> train_rows, held_out_rows;
    Reservation rows_room;
    std::unique_ptr<Model> model;
    std::vector<Parameter*> parameters;  ///< of the model
    /// In the order of the parameters, null where a parameter is trained itself; empty where all are.
    std::vector<std::unique_ptr<StoredWeight>> stored;
    std::unique_ptr<Optimiser> optimiser;

    Buffer order, order_labels;  ///< of the current epoch
    Buffer sums, verdict;        ///< LossSums, StepVerdict
    bool order_ready = false;

    Provenance provenance;
    Checkpoint at;  ///< counters, learning rate and times; its tensors stay empty here
    History history;
    EpochMeans means;
    Json metrics = Json::object();
    double train_seconds = 0, epoch_seconds = 0;
    bool resumed_within_epoch = false;  ///< the time of its first part is not known
    std::int64_t samples_trained = 0;

    Impl(ExperimentConfig c, std::shared_ptr<Workspace> w, const Progress& progress,
         std::shared_ptr<Profiler> p);
    void split();
    /// A model that the machine cannot hold is refused here: the system would end the program without a word.
    void require_memory() const;
    void standardise(Standardisation by);
    void take_weights(const ModelFile& file);

    std::int64_t train_count() const { return static_cast<std::int64_t>(train_rows.size()); }
    std::int64_t batch_size() const { return std::min(config.batch, train_count()); }
    std::int64_t steps_per_epoch() const { return (train_count() + batch_size() - 1) / batch_size(); }

    void prepare_epoch();
    /// Of the next step.
    double scheduled_rate() const;
    /// Forward, backward and, if loss and gradients are finite, the update, without waiting in between.
    StepVerdict train_on(const Batch& batch);
    StepResult step();
    void finish_epoch();
    /// Every step at first, every second, fourth, … of a long run: which ones depends on the step count
    /// alone, so a resumed run records the same.
    void record(const StepPoint& point);
    Evaluation measure(bool held_out, std::int64_t examples);
    void add_metrics(const std::string& set, const Evaluation& result);
    double epoch() const {
        return static_cast<double>(at.epoch) +
               static_cast<double>(at.batch_in_epoch) / static_cast<double>(steps_per_epoch());
    }
};

}  // namespace spectral
