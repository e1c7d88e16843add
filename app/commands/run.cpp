// spectral run: a compressed model against a data set's test set, from what is stored of it.
#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <memory>
#include <optional>

#include "app/commands/commands.hpp"
#include "app/commands/model_judge.hpp"
#include "engine/io/model_file.hpp"

namespace spectral::app {

namespace {

struct RunArguments {
    std::string file, limit = "256MiB", backend = "auto";
    bool json = false;
    JudgeFlags judge;
};

std::string_view name_of(LayerWay::Way way) {
    switch (way) {
        case LayerWay::Way::dense:
            return "dense";
        case LayerWay::Way::spectral:
            return "spectral";
        case LayerWay::Way::blocks:
            return "blocks";
        case LayerWay::Way::expanded:
            return "expanded";
    }
    return "";
}

std::string text_of(const LayerWay& way) {
    switch (way.way) {
        case LayerWay::Way::dense:
            return "its weight in memory";
        case LayerWay::Way::spectral:
            return "a product of spectra";
        case LayerWay::Way::blocks:
            return fmt::format("made and forgotten, {} {} at a time", way.block_rows,
                               way.block_rows == 1 ? "row" : "rows");
        case LayerWay::Way::expanded:
            return "unpacked into memory";
    }
    return "";
}

void run(RunArguments& a) {
    const double limit = parse_bytes("--memory-limit", a.limit);
    const ModelFile file = read_model_file(a.file, nullptr, PackedTensors::keep);
    const ProgressBar bar;
    const FileJudge judge = a.judge.make_required(file, a.file, a.backend, bar.listener());
    const auto start = std::chrono::steady_clock::now();
    const FileJudge::PackedRun result = judge.evaluate_packed(file, static_cast<std::size_t>(limit));
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    bar.clear();
    const Evaluation& evaluation = result.evaluation;
    if (a.json) {
        Json layers = Json::array();
        for (const LayerWay& way : result.ways) {
            layers.push_back(
                {{"name", way.layer}, {"way", name_of(way.way)}, {"dense_bytes", way.dense_bytes}});
            if (way.way == LayerWay::Way::blocks) layers.back()["block_rows"] = way.block_rows;
        }
        Json json{{"test_accuracy", evaluation.accuracy},
                  {"test_loss", evaluation.loss},
                  {"samples", evaluation.samples},
                  {"seconds", seconds},
                  {"batch", result.batch},
                  {"memory_limit_bytes", static_cast<std::int64_t>(limit)},
                  {"peak_memory_bytes", result.peak_bytes},
                  {"layers", layers}};
        add_bits(json, "test", evaluation.token_unit, evaluation.loss);
        fmt::print("{}\n", json.dump(-1, ' ', false, Json::error_handler_t::replace));
        return;
    }
    for (const LayerWay& way : result.ways)
        fmt::print("{:<24} {:>12} bytes dense; {}\n", way.layer, way.dense_bytes, text_of(way));
    fmt::print("test accuracy {:.2f} %, loss {:.4f}{}, {} samples in batches of {}, {:.2f} s\n",
               100 * evaluation.accuracy, evaluation.loss, bits_text(evaluation.token_unit, evaluation.loss),
               evaluation.samples, result.batch, seconds);
    fmt::print(
        "at most {:.1f} MiB for weights, activations and work, beside the data; the limit was {:.1f} MiB\n",
        static_cast<double>(result.peak_bytes) / (1 << 20), limit / (1 << 20));
}

}  // namespace

void add_run(CLI::App& app, int& exit_code) {
    CLI::App* command = app.add_subcommand("run", "evaluate a compressed model from what is stored of it");
    const auto a = std::make_shared<RunArguments>();
    command->add_option("file", a->file, "model file")->required()->type_name("FILE");
    command
        ->add_option("--memory-limit", a->limit,
                     "for weights, activations and work together, such as 64MiB [256MiB]")
        ->type_name("N");
    a->judge.add(*command);
    command->add_option("--backend", a->backend, "backend [auto]")->type_name("NAME");
    command->add_flag("--json", a->json, "print one JSON object as the last line");
    command->footer("Example:\n  spectral run small.h5 --memory-limit 64MiB --data DIR");
    command->callback([a, &exit_code] {
        run(*a);
        exit_code = kExitOk;
    });
}

}  // namespace spectral::app
