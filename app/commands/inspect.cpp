// spectral inspect: what is in a model file, or in another file of weights.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <vector>

#include "app/commands/commands.hpp"
#include "app/commands/input.hpp"
#include "engine/compress/spectrum_statistics.hpp"

namespace spectral::app {

namespace {

/// By "energy_in_lowest_tenth", "entropy" and "effective_rank"; null where there is none.
Json statistics_of(Device device, const NamedTensor& tensor) {
    try {
        const auto found = spectrum_statistics(device, tensor.packed && tensor.tensor.values.empty()
                                                           ? unpack(device, *tensor.packed)
                                                           : tensor.tensor);
        if (!found) return nullptr;
        return {{"energy_in_lowest_tenth", found->low_energy},
                {"entropy", found->entropy},
                {"effective_rank", found->effective_rank ? Json(*found->effective_rank) : Json()}};
    } catch (const OutOfMemory&) {
        return nullptr;  // a packed tensor may stand for more than any machine holds
    }
}

Json describe_tensors(const ModelFile& file, bool statistics) {
    const ProgressBar bar;
    const auto backend = open_backend("cpu");
    MemoryBudget budget(available_memory());
    double whole = 0, done = 0;
    for (const LayerRecord& layer : file.layers)
        for (const NamedTensor& each : layer.tensors) whole += static_cast<double>(each.tensor.shape.size());
    Json tensors = Json::array();
    for (const LayerRecord& layer : file.layers) {
        for (const NamedTensor& each : layer.tensors) {
            const std::int64_t dense = each.tensor.shape.size() * static_cast<std::int64_t>(sizeof(float));
            Json tensor{{"name", layer.name + "/" + each.name},
                        {"kind", layer.kind},
                        {"shape", each.tensor.shape.extents()},
                        {"method", "dense"},
                        {"dense_bytes", dense},
                        {"stored_bytes", dense},
                        {"relative_error", 0},
                        {"spectrum", nullptr}};
            if (each.packed) {
                tensor["method"] = each.packed->method;
                tensor["stored_bytes"] = each.packed->stored_bytes();
                tensor["relative_error"] = each.packed->relative_error;
            }
            bar.show(done / std::max(whole, 1.0), tensor["name"].get<std::string>());
            if (statistics) tensor["spectrum"] = statistics_of({*backend, budget}, each);
            done += static_cast<double>(each.tensor.shape.size());
            tensors.push_back(tensor);
        }
    }
    return tensors;
}

Json describe(const std::string& path, const TensorFile& input, bool statistics) {
    const ModelFile& file = input.model;
    std::int64_t parameters = 0;
    for (const LayerRecord& layer : file.layers)
        for (const NamedTensor& each : layer.tensors)
            if (layer.kind != "standardise") parameters += each.tensor.shape.size();
    // A live change leaves the configuration as it was. Both are what the schedule then makes smaller.
    const Json rate{{"start", file.config.value("learning_rate", Json())},
                    {"end", file.learning_rate ? Json(*file.learning_rate) : Json()},
                    {"schedule", file.config.value("schedule", Json())}};
    Json replaced = Json::array();
    for (const Replacement& each : file.provenance.replaced) replaced.push_back(to_json(each));
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
              {"tensors", describe_tensors(file, statistics)},
              {"provenance",
               {{"git", file.provenance.git},
                {"backend", file.provenance.backend},
                {"device", file.provenance.device},
                {"library_versions", file.provenance.library_versions},
                {"start_sha256", file.provenance.start_sha256},
                {"replacements", file.provenance.replacements},
                {"replaced", replaced}}},
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
    std::vector<const char*> lines{"file", "format", "file_bytes", "parameters"};
    if (json.at("format") == tensor_format_name(TensorFormat::model))
        lines.insert(lines.end(), {"producer", "created_utc", "dataset", "seed", "metrics", "config",
                                   "learning_rate", "provenance", "checkpoint"});
    for (const char* name : lines) line(name, json.at(name));
    const auto share = [](const Json& spectrum, const char* name, int digits) {
        const Json value = spectrum.is_object() ? spectrum.at(name) : Json();
        return value.is_null() ? std::string("–") : fmt::format("{:.{}f}", value.get<double>(), digits);
    };
    fmt::print("\n{:<28} {:<10} {:<14} {:<10} {:>12} {:>8} {:>9} {:>8} {:>9}\n", "tensor", "kind", "shape",
               "method", "stored bytes", "error", "low 10 %", "entropy", "eff. rank");
    for (const Json& tensor : json.at("tensors")) {
        const Json& spectrum = tensor["spectrum"];
        fmt::print("{:<28} {:<10} {:<14} {:<10} {:>12} {:>8.4f} {:>9} {:>8} {:>9}\n",
                   tensor["name"].get<std::string>(), tensor["kind"].get<std::string>(),
                   tensor["shape"].dump(), tensor["method"].get<std::string>(), tensor["stored_bytes"].dump(),
                   tensor["relative_error"].get<double>(), share(spectrum, "energy_in_lowest_tenth", 3),
                   share(spectrum, "entropy", 3), share(spectrum, "effective_rank", 1));
    }
}

}  // namespace

void add_inspect(CLI::App& app, int& exit_code) {
    CLI::App* command = app.add_subcommand("inspect", "what is in a file of weights");
    const auto path = std::make_shared<std::string>();
    const auto json = std::make_shared<bool>(false);
    command->add_option("file", *path, kInputHelp)->required()->type_name("FILE");
    command->add_flag("--json", *json, "print one JSON object as the last line");
    const auto quick = std::make_shared<bool>(false);
    command->add_flag("--quick", *quick, "leave out the statistics of spectra");
    command->footer(
        "low 10 %   share of a tensor's energy in the tenth of its frequencies nearest to zero; white noise: "
        "0.1\n"
        "entropy    of the energy over all frequencies: 0 one has all, 1 all have the same\n"
        "eff. rank  exp of the entropy of the squared singular values, as shares of their sum; only where "
        "the\n"
        "           matrix (first axis by all others) has a shorter side of at most 1,024\n\n"
        "Examples:\n  spectral inspect run.h5 --json\n  spectral inspect weights.safetensors");
    command->callback([=, &exit_code] {
        const Json description = describe(*path, Input(*path, PackedTensors::keep).file(), !*quick);
        if (*json)
            fmt::print("{}\n", description.dump(-1, ' ', false, Json::error_handler_t::replace));
        else
            print(description);
        exit_code = kExitOk;
    });
}

}  // namespace spectral::app
