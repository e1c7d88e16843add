// spectral compress: a model in fewer bytes.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <memory>
#include <optional>

#include "app/commands/commands.hpp"
#include "app/commands/input.hpp"
#include "app/commands/model_judge.hpp"
#include "engine/compress/compress_model.hpp"
#include "engine/core/files.hpp"
#include "engine/io/model_file.hpp"
#include "engine/train/fine_tune.hpp"

namespace spectral::app {

namespace {

struct CompressArguments {
    std::string in, out, method{kAutoMethod}, index, axes, order, backend = "auto";
    std::optional<double> ratio, max_error, keep;
    std::string bytes;
    std::vector<std::string> per_layer;
    std::optional<std::int64_t> fine_tune;
    std::optional<double> learning_rate;
    bool json = false, force = false;
    JudgeFlags judge;
};

CompressTarget target_of(const CompressArguments& a) {
    using enum CompressTarget::By;
    std::vector<CompressTarget> given;
    if (a.ratio) given.push_back({ratio, *a.ratio});
    if (!a.bytes.empty()) given.push_back({bytes, parse_bytes("--bytes", a.bytes)});
    if (a.max_error) given.push_back({max_error, *a.max_error});
    if (a.keep) given.push_back({density, *a.keep});
    if (given.size() != 1)
        throw Error(
            given.empty() ? "nothing says how much is kept" : "more than one option says how much is kept",
            "there must be one", "give one of --ratio, --bytes, --max-error and --keep");
    return given.front();
}

std::vector<int> parse_axes(const std::string& text) {
    std::vector<int> axes;
    const char* at = text.data();
    const char* end = at + text.size();
    while (at < end) {
        int axis = 0;
        const auto [next, failure] = std::from_chars(at, end, axis);
        if (failure != std::errc() || (next < end && *next != ','))
            throw BadValue("axes", "'" + text + "' is no list of axes", "count them from 0: --axes 0,1");
        axes.push_back(axis);
        at = next < end ? next + 1 : next;
    }
    return axes;
}

OrderSides parse_order(const std::string& text) {
    if (text.empty() || text == "none") return {};
    if (text != "rows" && text != "columns" && text != "both")
        throw BadValue("order", "'" + text + "' is unknown", "use none, rows, columns or both");
    return {text != "columns", text != "rows"};
}

std::string order_name(OrderSides order) {
    if (order.rows) return order.columns ? "both" : "rows";
    return order.columns ? "columns" : "none";
}

CompressRequest request_of(const CompressArguments& a) {
    CompressRequest request;
    request.method = a.method;
    for (const std::string& rule : a.per_layer) {
        const std::size_t equals = rule.rfind('=');
        if (equals == std::string::npos || equals == 0)
            throw BadValue("methods", "'" + rule + "' names no method",
                           "write --per-layer hidden1/weight=svd");
        request.methods[rule.substr(0, equals)] = rule.substr(equals + 1);
    }
    if (!a.axes.empty()) {
        request.options.basis.emplace();
        request.options.basis->axes = parse_axes(a.axes);
    }
    request.order = parse_order(a.order);
    if (!a.index.empty()) {
        for (const IndexCoding coding : kIndexCodings)
            if (index_coding_name(coding) == a.index) request.options.index_coding = coding;
        if (!request.options.index_coding)
            throw BadValue("index", "'" + a.index + "' is unknown", "use flat-u32, bitmap or delta-varint");
    }
    return request;
}

Json to_json(const CompressResult& result) {
    Json tensors = Json::array();
    for (const TensorReport& each : result.tensors)
        tensors.push_back({{"name", each.name},
                           {"shape", each.shape.extents()},
                           {"method", each.method},
                           {"order", order_name(each.ordered)},
                           {"dense_bytes", each.dense_bytes},
                           {"stored_bytes", each.stored_bytes},
                           {"relative_error", each.relative_error},
                           {"energy_retained", each.energy_retained}});
    return {{"tensors", tensors},
            {"dense_bytes", result.dense_bytes},
            {"file_bytes", result.file_bytes},
            {"ratio", result.ratio()}};
}

void print_table(const CompressResult& result) {
    fmt::print("{:<28} {:<14} {:<12} {:>12} {:>12} {:>7} {:>8} {:>8}\n", "tensor", "shape", "method",
               "dense bytes", "stored", "ratio", "error", "energy");
    for (const TensorReport& each : result.tensors)
        fmt::print("{:<28} {:<14} {:<12} {:>12} {:>12} {:>6.1f}× {:>8.4f} {:>7.2f}%\n", each.name,
                   each.shape.text(), each.method, each.dense_bytes, each.stored_bytes,
                   static_cast<double>(each.dense_bytes) / static_cast<double>(each.stored_bytes),
                   each.relative_error, 100 * each.energy_retained);
    for (const TensorReport& each : result.tensors)
        if (!(each.ordered == OrderSides{}))
            fmt::print(
                "{}: stored in another order of {}\n", each.name,
                each.ordered.rows && each.ordered.columns ? "rows and columns" : order_name(each.ordered));
    // The parts are counted before the file's own compression, which may make the whole smaller than they
    // are.
    fmt::print("{:<56} {:>12} {:>12} {:>6.1f}×  bytes of the whole file, after its own compression\n", "all",
               result.dense_bytes, result.file_bytes, result.ratio());
}

std::string listed(const std::vector<std::string>& names) {
    constexpr std::size_t kMostNamed = 20;
    const std::size_t named = std::min(names.size(), kMostNamed);
    return fmt::format("{}{}",
                       fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(named), ", "),
                       names.size() > named ? fmt::format(" and {} more", names.size() - named) : "");
}

/// What an option did not do, for all that it was given.
void print_exceptions(const CompressArguments& a, const CompressRequest& request,
                      const CompressResult& result) {
    std::vector<std::string> small, whole;
    for (const TensorReport& each : result.tensors) {
        if (each.method == "dense") continue;  // within --max-error nothing else was possible
        const bool named = request.methods.contains(each.name);
        if (a.method != kAutoMethod && !named && each.method != a.method) small.push_back(each.name);
        if (a.keep && named && !find_method(each.method).has_rates) whole.push_back(each.name);
    }
    if (!small.empty())
        fmt::print(stderr,
                   "note: tensors below {} values are stored whole at 8 or 16 bits, not by {}: {}; "
                   "--per-layer NAME={} would change that\n",
                   kSmallTensor, a.method, listed(small), a.method);
    if (!whole.empty())
        fmt::print(stderr,
                   "note: stored whole by the methods that --per-layer names, whatever --keep says: {}\n",
                   listed(whole));
}

void compress(CompressArguments& a) {
    const CompressTarget target = target_of(a);
    CompressRequest request = request_of(a);
    require_free_model(a.out, "", a.force);
    require_replaceable(a.out);
    const Input input(a.in);
    const ModelFile& file = input.model();
    watch_signals();
    const ProgressBar bar;
    const std::optional<FileJudge> judge = a.judge.make(file, a.in, a.backend, bar.listener());
    if (a.fine_tune && !judge)
        throw Error("--fine-tune", "no data are given to train on", "give --dataset and --data");
    if (a.fine_tune && target.by == CompressTarget::By::max_error)
        throw Error("--fine-tune", "moves the weights, so that --max-error would not hold",
                    "ask for a --ratio, --bytes or --keep");
    if (a.learning_rate && !a.fine_tune)
        throw Error("--learning-rate", "nothing is trained", "give --fine-tune too");
    const bool allocates = target.by == CompressTarget::By::ratio || target.by == CompressTarget::By::bytes;
    if (judge && allocates) request.importances = judge->calibrate(file, bar.listener());
    const auto backend = open_backend(a.backend);
    MemoryBudget budget;
    ModelCompressor compressor({*backend, budget}, file, request, bar.listener());
    const auto tune = [&](const ModelFile& packed) {
        return judge->fine_tune(file, packed, {*a.fine_tune, a.learning_rate}, bar.listener());
    };
    CompressResult result = a.fine_tune ? pack_and_tune(compressor, target, {}, tune, bar.listener())
                                        : compressor.pack(target, bar.listener());
    Json json = to_json(result);
    if (a.fine_tune) json["fine_tune_epochs"] = *a.fine_tune;
    if (judge) {
        json["accuracy_before"] = judge->evaluate(file).accuracy;
        const double after = judge->evaluate(result.model).accuracy;
        json["accuracy_after"] = after;
        result.model.metrics = {{"test_accuracy", after}};
    }
    write_model_file(a.out, result.model);
    // The file as it is, not as it was expected.
    result.file_bytes = static_cast<std::int64_t>(std::filesystem::file_size(a.out));
    json["file_bytes"] = result.file_bytes;
    json["ratio"] = result.ratio();
    json["out"] = a.out;
    bar.clear();
    print_exceptions(a, request, result);
    if (a.json) {
        fmt::print("{}\n", json.dump(-1, ' ', false, Json::error_handler_t::replace));
        return;
    }
    print_table(result);
    if (judge)
        fmt::print("test accuracy {:.2f} % before, {:.2f} % after\n",
                   100 * json["accuracy_before"].get<double>(), 100 * json["accuracy_after"].get<double>());
}

}  // namespace

void add_compress(CLI::App& app, int& exit_code) {
    CLI::App* command = app.add_subcommand("compress", "store a model in fewer bytes");
    const auto a = std::make_shared<CompressArguments>();
    command->add_option("in", a->in, kInputHelp)->required()->type_name("FILE");
    command->add_option("--out", a->out, "model file to write")->required()->type_name("FILE");
    command->add_option("--ratio", a->ratio, "dense bytes over bytes of the file")->type_name("R");
    command->add_option("--bytes", a->bytes, "of the file, such as 40KiB")->type_name("N");
    command->add_option("--max-error", a->max_error, "of every tensor: ‖W − Ŵ‖/‖W‖")->type_name("E");
    command->add_option("--keep", a->keep, "share of every tensor's coefficients")->type_name("P");
    command
        ->add_option("--method", a->method,
                     fmt::format("one of {}, {} [auto]", kAutoMethod, storable_methods()))
        ->type_name("NAME");
    command
        ->add_option("--per-layer", a->per_layer,
                     "another method for a tensor, such as hidden1/weight=svd; may be repeated")
        ->type_name("LAYER/TENSOR=NAME");
    command->add_option("--axes", a->axes, "axes that fft and dct transform [the best]")->type_name("A,B");
    command
        ->add_option(
            "--order", a->order,
            "sides of matrices that fft and dct may put in a smoother order where that pays for its\n"
            "bytes: none, rows, columns or both; sides of at most 1,024 [none]")
        ->type_name("SIDES");
    command
        ->add_option("--index", a->index,
                     "coding of indices: flat-u32, bitmap or delta-varint [the smallest]")
        ->type_name("NAME");
    command
        ->add_option("--fine-tune", a->fine_tune,
                     "train what is stored for so many epochs, where it is, on the data given")
        ->check(CLI::Range(1, 10000))
        ->type_name("EPOCHS");
    command->add_option("--learning-rate", a->learning_rate, "of --fine-tune [the model's own]")
        ->check(CLI::Range(1e-12, 1e3))
        ->type_name("LR");
    a->judge.add(*command);
    command->add_option("--backend", a->backend, "backend [auto]")->type_name("NAME");
    command->add_flag("--force", a->force, "replace the model at --out");
    command->add_flag("--json", a->json, "print one JSON object as the last line");
    command->footer(
        "With data, errors count by how far they move the class scores on samples of the training set, and "
        "the\n"
        "test set judges the result. Tensors below 1,024 values stay at 8 or 16 bits unless they are "
        "named.\n\n"
        "Examples:\n  spectral compress run.h5 --ratio 10 --out small.h5 --data DIR\n"
        "  spectral compress run.h5 --ratio 20 --fine-tune 3 --out small.h5 --data DIR\n"
        "  spectral compress run.h5 --method fft --max-error 0.3 --out small.h5\n"
        "  spectral compress weights.safetensors --ratio 10 --out small.h5");
    command->callback([a, &exit_code] {
        try {
            compress(*a);
            exit_code = kExitOk;
        } catch (const Cancelled&) {
            print_error("interrupted", "nothing was written");
            exit_code = kExitFailedRun;
        }
    });
}

}  // namespace spectral::app
