// spectral inspect: what is in a model file, or in another file of weights.
#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "app/commands/commands.hpp"
#include "app/commands/input.hpp"

namespace spectral::app {

namespace {

Json describe(const std::string& path, const TensorFile& input) {
    const ModelFile& file = input.model;
    Json tensors = Json::array();
    std::int64_t parameters = 0;
    for (const LayerRecord& layer : file.layers) {
        for (const NamedTensor& each : layer.tensors) {
            if (layer.kind != "standardise") parameters += each.tensor.shape.size();
            const std::int64_t dense = each.tensor.shape.size() * static_cast<std::int64_t>(sizeof(float));
            Json tensor{{"name", layer.name + "/" + each.name},
                        {"kind", layer.kind},
                        {"shape", each.tensor.shape.extents()},
                        {"method", "dense"},
                        {"dense_bytes", dense},
                        {"stored_bytes", dense},
                        {"relative_error", 0}};
            if (each.packed) {
                tensor["method"] = each.packed->method;
                tensor["stored_bytes"] = each.packed->stored_bytes();
                tensor["relative_error"] = each.packed->relative_error;
            }
            tensors.push_back(tensor);
        }
    }
    // A live change leaves the configuration as it was.
    const Json rate{{"start", file.config.value("learning_rate", Json())},
                    {"end", file.learning_rate ? Json(*file.learning_rate) : Json()}};
    Json json{{"file", path},
              {"format", tensor_format_name(input.format)},
              {"skipped", input.skipped},
              {"file_bytes", std::filesystem::file_size(path)},
              {"producer", file.producer},
              {"created_utc", file.created_utc},
              {"dataset", file.dataset},
              {"dataset_sha256", file.dataset_sha256},
              {"seed", file.seed},
              {"parameters", parameters},
              {"metrics", file.metrics},
              {"config", file.config},
              {"learning_rate", rate},
              {"tensors", tensors},
              {"provenance",
               {{"git", file.provenance.git},
                {"backend", file.provenance.backend},
                {"device", file.provenance.device},
                {"library_versions", file.provenance.library_versions}}},
              {"checkpoint", nullptr}};
    if (file.checkpoint)
        json["checkpoint"] = {{"step", file.checkpoint->step},
                              {"epoch", file.checkpoint->epoch},
                              {"learning_rate", file.checkpoint->learning_rate}};
    return json;
}

void print(const Json& json) {
    const auto line = [](std::string_view name, const Json& value) {
        fmt::print("{:<13} {}\n", name, value.is_string() ? value.get<std::string>() : value.dump());
    };
    for (const char* name : {"file", "file_bytes", "producer", "created_utc", "dataset", "seed", "parameters",
                             "metrics", "config", "learning_rate", "provenance", "checkpoint"})
        line(name, json.at(name));
    for (const Json& tensor : json.at("tensors"))
        fmt::print("  {:<28} {:<8} {:<14} {:<9} {} bytes, relative error {:.4g}\n",
                   tensor["name"].get<std::string>(), tensor["kind"].get<std::string>(),
                   tensor["shape"].dump(), tensor["method"].get<std::string>(), tensor["stored_bytes"].dump(),
                   tensor["relative_error"].get<double>());
}

}  // namespace

void add_inspect(CLI::App& app, int& exit_code) {
    CLI::App* command = app.add_subcommand("inspect", "what is in a file of weights");
    const auto path = std::make_shared<std::string>();
    const auto json = std::make_shared<bool>(false);
    command->add_option("file", *path, kInputHelp)->required()->type_name("FILE");
    command->add_flag("--json", *json, "print one JSON object as the last line");
    command->footer("Example:\n  spectral inspect run.h5 --json");
    command->callback([=, &exit_code] {
        const Json description = describe(*path, Input(*path, PackedTensors::keep).file());
        if (*json)
            fmt::print("{}\n", description.dump(-1, ' ', false, Json::error_handler_t::replace));
        else
            print(description);
        exit_code = kExitOk;
    });
}

}  // namespace spectral::app
