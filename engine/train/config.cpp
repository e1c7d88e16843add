#include "engine/train/config.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <utility>

#include "engine/core/error.hpp"
#include "engine/core/json.hpp"
#include "engine/data/dataset.hpp"
#include "engine/data/features.hpp"
#include "engine/nn/registry.hpp"
#include "engine/optim/optimiser.hpp"
#include "engine/optim/schedule.hpp"

namespace spectral {

namespace {

constexpr double kAnyLow = -std::numeric_limits<double>::infinity();
constexpr double kAnyHigh = std::numeric_limits<double>::infinity();

template <class Registry>
std::vector<std::string> names(const Registry& registry, std::vector<std::string> first = {}) {
    for (const auto& info : registry) first.push_back(info.name);
    return first;
}

}  // namespace

const Schema& training_schema() {
    static const Schema schema{
        {"features", FieldType::choice, "auto", "features",
         "what the model sees of a signal; auto: what it prefers", kAnyLow, kAnyHigh,
         names(feature_registry(), {"auto"})},
        {"standardise", FieldType::flag, false, "standardise",
         "subtract each feature's mean over the training set and divide by its deviation"},
        {"optimiser", FieldType::choice, "adam", "optimiser", "rule that turns gradients into updates",
         kAnyLow, kAnyHigh, names(optimiser_registry())},
        {"learning_rate", FieldType::real, 0.0, "learning rate", "0: the optimiser's default", 0, 1e30},
        {"schedule", FieldType::choice, "constant", "schedule",
         "cosine: the learning rate falls along half a cosine, to 0 after the last epoch; a run that goes on "
         "for "
         "more epochs is back on the way to the new last one",
         kAnyLow, kAnyHigh, schedule_names()},
        {"momentum",
         FieldType::real,
         0.9,
         "momentum",
         "of the sgd optimiser",
         0,
         1,
         {},
         Condition{"optimiser", {"sgd"}}},
        {"syntony_weight", FieldType::real, 0.0, "syntony weight",
         "of 1 − syntony beside the loss, which is told without it; for winding embeddings", 0, 1e6},
        {"batch", FieldType::integer, 256, "batch", "samples per step", 1, 1 << 20},
        {"epochs", FieldType::integer, 12, "epochs", "passes over the training set", 1, 1e6},
        {"seed", FieldType::integer, 0, "seed", "of the start and the order of the data", 0,
         9007199254740992.0},
        {"start", FieldType::text, "", "start from",
         "model file whose weights are the first ones; empty: the model draws them by the seed"},
        {"validation", FieldType::real, 0.0, "validation",
         "fraction of the training set held out and evaluated instead of the test set", 0, 0.9},
        {"max_seconds", FieldType::real, 0.0, "max seconds", "stop after this much training; 0: no limit", 0,
         1e9},
        {"backend", FieldType::text, "auto", "backend", "cpu, or auto for the best that works"},
        {"threads", FieldType::integer, 0, "threads", "of the CPU backend; 0: one per core", 0, 1024},
        {"memory_mib", FieldType::integer, 0, "memory limit", "in MiB; 0: none", 0, 1 << 30}};
    return schema;
}

Json to_json(const ExperimentConfig& c) {
    return {{"dataset", c.dataset},
            {"data", c.data},
            {"dataset_options", c.dataset_options},
            {"model", c.model},
            {"model_options", c.model_options},
            {"features", c.features},
            {"standardise", c.standardise},
            {"optimiser", c.optimiser},
            {"learning_rate", c.learning_rate},
            {"schedule", c.schedule},
            {"momentum", c.momentum},
            {"syntony_weight", c.syntony_weight},
            {"batch", c.batch},
            {"epochs", c.epochs},
            {"seed", c.seed},
            {"start", c.start},
            {"validation", c.validation},
            {"max_seconds", c.max_seconds},
            {"backend", c.backend},
            {"threads", c.threads},
            {"memory_mib", c.memory_mib}};
}

ExperimentConfig config_from_json(const Json& json, const std::string& where) {
    if (!json.is_object())
        throw Error(where, "is not a JSON object of options", "see 'spectral train --help'");
    ExperimentConfig config;
    Json plain = Json::object();
    for (const auto& [name, value] : json.items()) {
        const auto text = [&, &key = name, &item = value](std::string& target) {
            if (!item.is_string())
                throw Error(fmt::format("option '{}' of {}", key, where),
                            fmt::format("{} is not a text", item.dump()), "put it in quotes");
            target = item.get<std::string>();
        };
        if (name == "dataset")
            text(config.dataset);
        else if (name == "data")
            text(config.data);
        else if (name == "model")
            text(config.model);
        else if (name == "dataset_options")
            config.dataset_options = value;
        else if (name == "model_options")
            config.model_options = value;
        else
            plain[name] = value;
    }
    plain = complete(training_schema(), plain, where);
    config.features = plain["features"];
    config.standardise = plain["standardise"];
    config.optimiser = plain["optimiser"];
    config.learning_rate = plain["learning_rate"];
    config.schedule = plain["schedule"];
    config.momentum = plain["momentum"];
    config.syntony_weight = plain["syntony_weight"];
    config.batch = plain["batch"];
    config.epochs = plain["epochs"];
    config.seed = plain["seed"];
    config.start = plain["start"];
    config.validation = plain["validation"];
    config.max_seconds = plain["max_seconds"];
    config.backend = plain["backend"];
    config.threads = plain["threads"];
    config.memory_mib = plain["memory_mib"];
    config.dataset_options = complete(find_dataset(config.dataset).schema, config.dataset_options,
                                      fmt::format("data set {}", config.dataset));
    config.model_options = complete(find_model(config.model).schema, config.model_options,
                                    fmt::format("model {}", config.model));
    return config;
}

void require_consistent(const ExperimentConfig& config) {
    require_used(training_schema(), to_json(config), "train");
    if (!config.start.empty()) return;  // options of the file that a run starts from are as they are
    require_used(find_dataset(config.dataset).schema, config.dataset_options, "data set " + config.dataset);
    require_used(find_model(config.model).schema, config.model_options, "model " + config.model);
}

ExperimentConfig resolved(ExperimentConfig config) {
    config = config_from_json(to_json(config), "the configuration");
    require_data_path(find_dataset(config.dataset), config.data);
    config = resolved_model(std::move(config));
    if (config.learning_rate == 0)
        config.learning_rate = find_optimiser(config.optimiser).default_learning_rate;
    return config;
}

ExperimentConfig resolved_model(ExperimentConfig config) {
    const ModelInfo& model = find_model(config.model);
    if (config.features == "auto") config.features = model.features;
    require_readable(model, config.features);
    if (config.standardise && config.features == "tokens")
        throw BadValue("standardise", "tokens are numbers in name alone", "leave the option out");
    return config;
}

ExperimentConfig read_config(const std::string& path) {
    constexpr std::uintmax_t kMaxBytes = 1 << 20;
    std::error_code error;
    const auto bytes = std::filesystem::file_size(path, error);
    if (error) throw Error(path, error.message(), "name an existing JSON file");
    if (bytes > kMaxBytes)
        throw Error(path, "is too large for a configuration", "name a JSON file below 1 MiB");
    std::ifstream file(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    if (file.bad()) throw Error(path, "cannot be read", "name an existing JSON file");
    const Json json = parse_json(
        text, [&](const std::string& why) { return Error(path, why, "compare it with resources/configs"); });
    return config_from_json(json, path);
}

}  // namespace spectral
