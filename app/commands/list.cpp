// spectral backends | datasets | models: what there is, with options.
#include <fmt/format.h>

#include "app/commands/commands.hpp"
#include "engine/data/dataset.hpp"
#include "engine/nn/registry.hpp"
#include "engine/train/backends.hpp"

namespace spectral::app {

namespace {

Json schema_json(const Schema& schema) {
    Json fields = Json::array();
    for (const Field& field : schema) {
        fields.push_back({{"name", field.name},
                          {"default", field.default_value},
                          {"range", range_text(field)},
                          {"help", field.help}});
        if (field.only_with) fields.back()["with"] = condition_text(*field.only_with);
    }
    return fields;
}

void print_schema(const Schema& schema) {
    for (const Field& field : schema) fmt::print("    {:<22} {}\n", flag_name(field.name), help_text(field));
}

template <class Print>
void add_list(CLI::App& app, const std::string& name, const std::string& help, int& exit_code,
              const Print& print) {
    CLI::App* command = app.add_subcommand(name, help);
    const auto json = std::make_shared<bool>(false);
    command->add_flag("--json", *json, "print one JSON object as the last line");
    command->footer(fmt::format("Example:\n  spectral {} --json", name));
    command->callback([=, &exit_code] {
        print(*json);
        exit_code = kExitOk;
    });
}

}  // namespace

void add_backends(CLI::App& app, int& exit_code) {
    add_list(app, "backends", "backends, and why one is not usable", exit_code, [](bool json) {
        Json list = Json::array();
        for (const BackendDescription& each : describe_backends()) {
            list.push_back({{"name", each.name},
                            {"usable", each.usable},
                            {"device", each.device},
                            {"reason", each.reason}});
            if (!json)
                fmt::print("{:<8} {}\n", each.name, each.usable ? each.device : "not usable: " + each.reason);
        }
        if (json) fmt::print("{}\n", Json{{"backends", list}}.dump());
    });
}

void add_datasets(CLI::App& app, int& exit_code) {
    add_list(app, "datasets", "data sets and their options", exit_code, [](bool json) {
        Json list = Json::array();
        for (const DatasetInfo& each : dataset_registry()) {
            list.push_back({{"name", each.name},
                            {"title", each.title},
                            {"help", each.help},
                            {"needs_path", each.needs_path()},
                            {"options", schema_json(each.schema)}});
            if (json) continue;
            fmt::print("{:<10} {}{}\n", each.name, each.help,
                       each.needs_path() ? fmt::format(" (needs --data: {})", each.path_help) : "");
            print_schema(each.schema);
        }
        if (json) fmt::print("{}\n", Json{{"datasets", list}}.dump());
    });
}

void add_models(CLI::App& app, int& exit_code) {
    add_list(app, "models", "models and their options", exit_code, [](bool json) {
        Json list = Json::array();
        for (const ModelInfo& each : model_registry()) {
            list.push_back({{"name", each.name},
                            {"title", each.title},
                            {"help", each.help},
                            {"note", each.note},
                            {"features", each.features},
                            {"reads", each.reads},
                            {"options", schema_json(each.schema)}});
            if (json) continue;
            fmt::print("{:<18} {} (features: {})\n                   {}\n", each.name, each.help, each.features,
                       each.note);
            print_schema(each.schema);
        }
        if (json) fmt::print("{}\n", Json{{"models", list}}.dump());
    });
}

}  // namespace spectral::app
