// spectral bench: the levels of operations side by side.
#include "engine/profile/bench.hpp"

#include <fmt/format.h>

#include <memory>

#include "app/commands/commands.hpp"
#include "engine/core/error.hpp"
#include "engine/profile/op_case.hpp"
#include "engine/profile/tile_sweep.hpp"

namespace spectral::app {

namespace {

struct BenchArguments {
    std::vector<std::string> ops, sizes, backends{"all"};
    std::string level = "all";
    double seconds = 0.2;
    int threads = 0;
    bool json = false, list = false, fresh_ceiling = false, tiles = false;
};

std::optional<int> parse_level(const std::string& text) {
    if (text == "all") return std::nullopt;
    const Field any{"level", FieldType::integer, 0, "level", {}, 1, 7};
    return parse_field(any, text, "bench").get<int>();
}

void print_list() {
    for (const OpCaseInfo& info : op_cases()) fmt::print("{:<20}  {}\n", info.op, sizes_text(info.sizes));
}

void print_table(const std::vector<BenchResult>& results) {
    fmt::print("{:<20} {:<11} {:<8} {:>10} {:>9} {:>9} {:>9} {:>8} {:>9}\n", "operation", "level", "backend",
               "ms", "speed-up", "GB/s", "GFLOP/s", "ceiling", "max diff");
    std::string shown;
    for (const BenchResult& r : results) {
        if (r.op + r.backend != shown) fmt::print("{} · {}\n", r.op, r.shape);
        shown = r.op + r.backend;
        fmt::print("{:<20} {:<11} {:<8} {:>10.4g} {:>8.3g}× {:>9.3g} {:>9.3g} {:>6.1f} % {:>9.2g}\n", "",
                   fmt::format("{} {}", r.level, r.level_name), r.backend, r.ms, r.speedup_over_level_1,
                   r.gb_per_s, r.gflop_per_s, r.percent_of_ceiling, r.max_abs_diff);
        fmt::print("{:<20}   {}\n", "", r.change);
    }
}

void print_tiles(const TileSweep& sweep) {
    const TileSweepRequest& r = sweep.request;
    fmt::print("causal attention · {} × {} heads × {} × {} · {}\n", r.batch, r.heads, r.sequence, r.head_size,
               sweep.backend);
    fmt::print("{:>8} {:>6} {:>10} {:>13} {:>9}\n", "queries", "keys", "ms", "work KiB", "max diff");
    for (const TilePoint& point : sweep.points)
        fmt::print("{:>8} {:>6} {:>10.4g} {:>13.1f} {:>9.2g}{}\n", point.tile.queries, point.tile.keys,
                   point.ms, static_cast<double>(point.work_bytes) / 1024, point.max_abs_diff,
                   point.chosen ? "  chosen" : "");
}

/// Tiles of one operation are not levels of many: what chooses among those is refused.
TileSweepRequest tile_request(const BenchArguments& a) {
    if (a.ops != std::vector<std::string>{"attention"})
        throw Error("--tiles", "is of attention alone", "add --op attention");
    if (a.level != "all") throw Error("--tiles", "times one level, the best", "leave out --level");
    if (a.fresh_ceiling || a.list)
        throw Error("--tiles", "goes with neither --list nor --fresh-ceiling", "leave them out");
    if (a.backends.size() != 1)
        throw Error("--tiles", "is of one backend", "give one --backend, or none for the best");
    TileSweepRequest request;
    Json given = parse_sizes(a.sizes);
    if (!given.contains("sequence")) given["sequence"] = request.sequence;
    const Json sizes = complete(find_op_case("attention").sizes, given, "operation attention");
    request.sequence = sizes.at("sequence").get<std::int64_t>();
    request.batch = sizes.at("batch").get<std::int64_t>();
    request.heads = sizes.at("heads").get<std::int64_t>();
    request.head_size = sizes.at("head_size").get<std::int64_t>();
    if (a.backends.front() != "all") request.backend = a.backends.front();
    request.threads = a.threads;
    request.seconds_per_tile = a.seconds;
    return request;
}

void run_tiles(const BenchArguments& a) {
    const TileSweepRequest request = tile_request(a);
    watch_signals();
    const ProgressBar bar;
    MemoryBudget budget(available_memory());
    const TileSweep sweep = sweep_tiles(request, budget, bar.listener());
    bar.clear();
    if (a.json)
        fmt::print("{}\n", to_json(sweep).dump());
    else
        print_tiles(sweep);
}

void run(const BenchArguments& a) {
    if (a.tiles) {
        run_tiles(a);
        return;
    }
    if (a.list) {
        print_list();
        return;
    }
    BenchRequest request;
    request.ops = a.ops;
    request.level = parse_level(a.level);
    if (a.backends != std::vector<std::string>{"all"}) request.backends = a.backends;
    request.sizes = parse_sizes(a.sizes);
    request.seconds_per_level = a.seconds;
    request.threads = a.threads;
    request.fresh_ceiling = a.fresh_ceiling;
    watch_signals();
    const ProgressBar bar;
    MemoryBudget budget;
    const std::vector<BenchResult> results = run_bench(request, budget, bar.listener());
    bar.clear();
    if (!a.json) {
        print_table(results);
        return;
    }
    Json list = Json::array();
    for (const BenchResult& each : results) list.push_back(to_json(each));
    fmt::print("{}\n", Json{{"results", list}}.dump(-1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace

void add_bench(CLI::App& app, int& exit_code) {
    CLI::App* command = app.add_subcommand("bench", "time the levels of operations");
    const auto a = std::make_shared<BenchArguments>();
    command->add_option("--op", a->ops, "operations; see --list [all]")->type_name("NAME")->delimiter(',');
    command->add_option("--level", a->level, "1 to 5, 6 and 7 on tensor cores, or all [all]")->type_name("N");
    command->add_option("--backend", a->backends, "backends, or all [all]")
        ->type_name("NAME")
        ->delimiter(',');
    command->add_option("--size", a->sizes, "a size of the inputs, such as batch=4096; may be repeated")
        ->type_name("NAME=N");
    command->add_option("--seconds", a->seconds, "of timing for each level, at least [0.2]")
        ->type_name("S")
        ->check(CLI::Range(0.001, 3600.0));
    command->add_option("--threads", a->threads, "of the CPU backend; 0: one per core [0]")
        ->type_name("N")
        ->check(CLI::Range(0, 1024));
    command->add_flag("--fresh-ceiling", a->fresh_ceiling, "measure the machine's ceiling again");
    command->add_flag("--tiles", a->tiles,
                      "of attention: time and memory by the size of its tiles; with --op attention");
    command->add_flag("--list", a->list, "print the operations and their sizes");
    command->add_flag("--json", a->json, "print one JSON object as the last line");
    command->footer(
        "'ceiling' is the least time that the machine's measured memory bandwidth and arithmetic allow, over "
        "the "
        "time taken;\nabove 100 % where the data stay in caches.\n\n"
        "Examples:\n  spectral bench --op purefft_step --level all\n"
        "  spectral bench --op rfft_magnitude,adam --size batch=65536 --json\n"
        "  spectral bench --op attention --tiles --size sequence=4096");
    command->callback([=, &exit_code] {
        try {
            run(*a);
            exit_code = kExitOk;
        } catch (const Cancelled&) {
            print_error("interrupted", "");
            exit_code = kExitFailedRun;
        }
    });
}

}  // namespace spectral::app
