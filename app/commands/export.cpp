// spectral export: the weights of any file of weights as dense safetensors.
#include <fmt/format.h>

#include <filesystem>
#include <map>
#include <memory>
#include <spectral_version.hpp>

#include "app/commands/commands.hpp"
#include "app/commands/input.hpp"
#include "engine/core/files.hpp"
#include "engine/io/model_schema.hpp"
#include "engine/io/safetensors.hpp"

namespace spectral::app {

namespace {

struct ExportArguments {
    std::string in, out;
    bool json = false, force = false;
};

void export_weights(const ExportArguments& a) {
    require_free({a.out, "--out", "safetensors file", is_safetensors, {".safetensors"}}, a.force);
    require_replaceable(a.out);
    const Input input(a.in);
    const ModelFile& model = input.model();
    if (model.layers.empty()) throw Error(a.in, "holds no weights to export");
    std::map<std::string, std::string> metadata{
        {"format", "pt"},  // as PyTorch lays them out: row-major, which readers ask for by this name
        {"producer", fmt::format("{} {}", kProducer, SPECTRAL_VERSION)}};
    if (!model.config.empty()) metadata["config_json"] = model.config.dump();
    write_safetensors(a.out, model, metadata);

    std::int64_t tensors = 0, parameters = 0;
    for (const LayerRecord& layer : model.layers)
        for (const NamedTensor& each : layer.tensors) {
            ++tensors;
            parameters += each.tensor.shape.size();
        }
    const auto bytes = std::filesystem::file_size(a.out);
    if (a.json)
        fmt::print("{}\n", Json{{"out", a.out},
                                {"format", tensor_format_name(TensorFormat::safetensors)},
                                {"tensors", tensors},
                                {"parameters", parameters},
                                {"file_bytes", bytes}}
                               .dump(-1, ' ', false, Json::error_handler_t::replace));
    else
        fmt::print("{}: {} tensors, {} parameters, {} bytes\n", a.out, tensors, parameters, bytes);
}

}  // namespace

void add_export(CLI::App& app, int& exit_code) {
    CLI::App* command = app.add_subcommand("export", "write weights for other programs");
    const auto a = std::make_shared<ExportArguments>();
    command->add_option("in", a->in, kInputHelp)->required()->type_name("FILE");
    command->add_option("--out", a->out, "safetensors file to write")->required()->type_name("FILE");
    command->add_flag("--force", a->force, "replace the file at --out");
    command->add_flag("--json", a->json, "print one JSON object as the last line");
    command->footer(
        "All weights as dense 32-bit floats named layer.tensor; those of a compressed model are made from\n"
        "what it keeps.\n\n"
        "Example:\n  spectral export small.h5 --out weights.safetensors");
    command->callback([a, &exit_code] {
        export_weights(*a);
        exit_code = kExitOk;
    });
}

}  // namespace spectral::app
