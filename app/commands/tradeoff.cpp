// spectral tradeoff: bytes against error and accuracy, of every method.
#include "engine/compress/tradeoff.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>

#include "app/commands/commands.hpp"
#include "app/commands/curves_picture.hpp"
#include "app/commands/input.hpp"
#include "app/commands/model_judge.hpp"
#include "engine/core/files.hpp"

namespace spectral::app {

namespace {

struct TradeoffArguments {
    std::string in, out, plot, backend = "auto";
    bool json = false, force = false;
    JudgeFlags judge;
};

Json to_json(const std::vector<Curve>& curves) {
    Json list = Json::array();
    for (const Curve& curve : curves) {
        Json points = Json::array();
        for (const CurvePoint& point : curve.points)
            points.push_back({{"bytes", point.bytes},
                              {"ratio", point.ratio},
                              {"relative_error", point.relative_error},
                              {"accuracy", point.accuracy ? Json(*point.accuracy) : Json()}});
        list.push_back({{"tensor", curve.tensor},
                        {"method", curve.method},
                        {"null", curve.is_null},
                        {"points", points}});
    }
    return {{"curves", list}};
}

/// The whole model, a line a method: error and accuracy near some ratios.
void print_table(const std::vector<Curve>& curves, bool judged) {
    fmt::print("{:<24} {}\n", "whole model",
               judged ? "ratio: relative error, test accuracy" : "ratio: relative error");
    for (const Curve& curve : curves) {
        if (!curve.tensor.empty()) continue;
        fmt::print("{:<24}", curve.title + (curve.is_null ? " (null)" : ""));
        for (auto point = curve.points.rbegin(); point != curve.points.rend(); ++point)
            fmt::print("  {:.1f}×: {:.3f}{}", point->ratio, point->relative_error,
                       point->accuracy ? fmt::format(", {:.2f} %", 100 * *point->accuracy) : "");
        fmt::print("\n");
    }
}

bool is_curves_table(const std::filesystem::path& path) { return begins_with(path, {"tensor,method,"}); }

bool is_svg(const std::filesystem::path& path) { return begins_with(path, {"<svg", "<?xml"}); }

void tradeoff(TradeoffArguments& a) {
    if (!a.out.empty() && a.out == a.plot)
        throw Error("--plot", "is the file of --out", "give it another name");
    require_free({a.out, "--out", "table of curves", is_curves_table, {".csv", ".txt"}}, a.force);
    require_free({a.plot, "--plot", "SVG picture", is_svg, {".svg"}}, a.force);
    for (const std::string& path : {a.out, a.plot})
        if (!path.empty()) require_replaceable(path);
    const Input input(a.in);
    const ModelFile& file = input.model();
    watch_signals();
    const ProgressBar bar;
    const std::optional<FileJudge> judge = a.judge.make(file, a.in, a.backend, bar.listener());
    const auto backend = open_backend(a.backend);
    MemoryBudget budget;
    const Device device{*backend, budget};
    std::vector<Curve> curves = model_curves(
        device, file, judge ? judge->calibrate(file, bar.listener()) : Importances(),
        judge ? Judgement([&](const ModelFile& m) { return judge->evaluate(m).accuracy; }) : Judgement(),
        bar.listener());
    const std::size_t whole = curves.size();
    for (const LayerRecord& layer : file.layers)
        for (const NamedTensor& each : layer.tensors)
            if (each.tensor.shape.size() >= kSmallTensor)
                std::ranges::move(
                    tensor_curves(device, layer.name + "/" + each.name, each.tensor, bar.listener()),
                    std::back_inserter(curves));
    if (!a.out.empty()) replace_file(a.out, curves_csv(curves));
    if (!a.plot.empty()) {
        const std::vector<Curve> shown(curves.begin(), curves.begin() + static_cast<std::ptrdiff_t>(whole));
        replace_file(a.plot, curves_svg(a.in, shown));
    }
    bar.clear();
    if (a.json)
        fmt::print("{}\n", to_json(curves).dump(-1, ' ', false, Json::error_handler_t::replace));
    else
        print_table(curves, judge.has_value());
}

}  // namespace

void add_tradeoff(CLI::App& app, int& exit_code) {
    CLI::App* command = app.add_subcommand("tradeoff", "what every method costs and loses");
    const auto a = std::make_shared<TradeoffArguments>();
    command->add_option("in", a->in, kInputHelp)->required()->type_name("FILE");
    command->add_option("--out", a->out, "CSV of all curves to write")->type_name("FILE");
    command->add_option("--plot", a->plot, "SVG of the whole model's curves to write")->type_name("FILE");
    command->add_flag("--force", a->force, "replace what stands at --out and --plot");
    a->judge.add(*command);
    command->add_option("--backend", a->backend, "backend [auto]")->type_name("NAME");
    command->add_flag("--json", a->json, "print one JSON object as the last line");
    command->footer(
        "A null is what a method keeps of a basis or of weights without meaning: a curve says something "
        "where it\n"
        "is better than that.\n\n"
        "Example:\n  spectral tradeoff run.h5 --data DIR --out curves.csv --plot curves.svg");
    command->callback([a, &exit_code] {
        try {
            tradeoff(*a);
            exit_code = kExitOk;
        } catch (const Cancelled&) {
            print_error("interrupted", "nothing was written");
            exit_code = kExitFailedRun;
        }
    });
}

}  // namespace spectral::app
