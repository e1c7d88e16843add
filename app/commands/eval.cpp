// spectral eval: a trained model against a data set's test set.
#include <fmt/format.h>

#include <chrono>
#include <memory>

#include "app/commands/commands.hpp"
#include "engine/data/dataset.hpp"
#include "engine/io/model_file.hpp"
#include "engine/train/config.hpp"
#include "engine/train/evaluate.hpp"
#include "engine/train/file_model.hpp"

namespace spectral::app {

namespace {

struct EvalArguments {
    std::string file, dataset, data, backend = "auto";
    bool json = false;
    SchemaFlags flags;
};

void evaluate(EvalArguments& a) {
    const ModelFile file = read_model_file(a.file);
    require_network(file, a.file);
    const ExperimentConfig config = config_from_json(file.config, a.file);
    const std::string dataset = a.dataset.empty() ? config.dataset : a.dataset;
    Json options = dataset == config.dataset ? config.dataset_options : Json::object();
    a.flags.apply(find_dataset(dataset).schema, "data set " + dataset, options);
    a.flags.require_all_used("the data set has no such option", "see 'spectral datasets'");
    const std::string data = a.data.empty() && dataset == config.dataset ? config.data : a.data;
    const auto start = std::chrono::steady_clock::now();
    const Evaluation result = evaluate_file(file, dataset, data, options, a.backend, {});
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (a.json) {
        Json json{{"test_accuracy", result.accuracy},
                  {"test_loss", result.loss},
                  {"samples", result.samples},
                  {"seconds", seconds}};
        add_bits(json, "test", result.token_unit, result.loss);
        fmt::print("{}\n", json.dump());
    } else {
        fmt::print("test accuracy {:.2f} %, loss {:.4f}{}, {} samples, {:.2f} s\n", 100 * result.accuracy,
                   result.loss, bits_text(result.token_unit, result.loss), result.samples, seconds);
    }
}

}  // namespace

void add_eval(CLI::App& app, int& exit_code) {
    CLI::App* command = app.add_subcommand("eval", "evaluate a trained model");
    const auto a = std::make_shared<EvalArguments>();
    command->add_option("file", a->file, "model file")->required()->type_name("FILE");
    command->add_option("--dataset", a->dataset, "data set [the one it was trained on]")->type_name("NAME");
    command->add_option("--data", a->data, "directory or file of the data set")->type_name("PATH");
    command->add_option("--backend", a->backend, "backend [auto]")->type_name("NAME");
    command->add_flag("--json", a->json, "print one JSON object as the last line");
    for (const DatasetInfo& set : dataset_registry())
        a->flags.add_section(*command, set.schema, "Data set " + set.name, set.help);
    command->footer("Example:\n  spectral eval run.h5 --dataset mnist --data DIR");
    command->callback([a, &exit_code] {
        evaluate(*a);
        exit_code = kExitOk;
    });
}

}  // namespace spectral::app
