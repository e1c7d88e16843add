// What an experiment is: data, model, optimiser, all that a run depends on, as one JSON document.
#pragma once

#include <cstdint>
#include <string>

#include "engine/core/schema.hpp"

namespace spectral {

struct ExperimentConfig {
    std::string dataset = "strokes";
    std::string data;  ///< path, empty for generators
    Json dataset_options = Json::object();
    std::string model = "purefft";
    Json model_options = Json::object();
    std::string features = "auto";  ///< auto: what the model prefers
    bool standardise = false;       ///< features to mean 0 and deviation 1 over the training set
    std::string optimiser = "adam";
    double learning_rate = 0;           ///< 0: the optimiser's default
    std::string schedule = "constant";  ///< of the learning rate, as schedule.hpp has it
    double momentum = 0.9;              ///< for sgd
    double syntony_weight = 0;          ///< of 1 − syntony beside the loss; 0: none
    std::int64_t batch = 256;
    std::int64_t epochs = 12;
    std::int64_t seed = 0;
    std::string start;       ///< model file whose weights are the first ones; empty: the model draws them
    double validation = 0;   ///< fraction of the training set held out and evaluated instead of the test set
    double max_seconds = 0;  ///< of training; 0: no limit
    std::string backend = "auto";
    std::int64_t threads = 0;     ///< 0: one per core
    std::int64_t memory_mib = 0;  ///< limit; 0: none

    bool operator==(const ExperimentConfig&) const = default;
};

/// The plain fields above (not data set, model and their options), for flags and forms.
const Schema& training_schema();

Json to_json(const ExperimentConfig& config);

/// Missing fields keep their defaults. Model and data set options are checked against their schemas and
/// completed. Throws Error naming the field on anything unknown, of a wrong type, or out of range. `where`
/// names the source.
ExperimentConfig config_from_json(const Json& json, const std::string& where);

/// Names exist, options fit their schemas, "auto" and 0 are replaced by what they stand for (backend
/// excepted).
ExperimentConfig resolved(ExperimentConfig config);

/// Throws BadValue where an option that does nothing beside the others is not its default; for runs that
/// begin. The
/// configuration is resolved.
void require_consistent(const ExperimentConfig& config);

/// Of that only what concerns the model and its features; the data need not be there.
ExperimentConfig resolved_model(ExperimentConfig config);

/// Reads a JSON file.
ExperimentConfig read_config(const std::string& path);

}  // namespace spectral
