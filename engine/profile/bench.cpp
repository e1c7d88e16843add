#include "engine/profile/bench.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <set>
#include <utility>

#include "engine/core/error.hpp"
#include "engine/profile/difference.hpp"
#include "engine/profile/op_case.hpp"
#include "engine/profile/timing.hpp"
#include "kernels/backend.hpp"

namespace spectral {

namespace {

/// The names of `sizes` that `op_case` knows, completed; notes which were used.
Json sizes_for(const OpCaseInfo& info, const Json& sizes, std::set<std::string>& used) {
    Json own = Json::object();
    for (const auto& [name, value] : sizes.items()) {
        if (!find_field(info.sizes, name)) continue;
        own[name] = value;
        used.insert(name);
    }
    return complete(info.sizes, own, "operation " + info.op);
}

void require_levels(const BenchRequest& request) {
    if (!request.level) return;
    for (const Level level : kLevels)
        if (static_cast<int>(level) == *request.level) return;
    throw Error(fmt::format("level {}", request.level.value_or(0)), "unknown", "levels: 1 to 7, or all");
}

}  // namespace

std::vector<BenchResult> run_bench(const BenchRequest& request, MemoryBudget& budget,
                                   const Progress& progress) {
    require_levels(request);
    std::vector<const OpCaseInfo*> chosen;
    for (const std::string& op : request.ops) chosen.push_back(&find_op_case(op));
    if (request.ops.empty())
        for (const OpCaseInfo& info : op_cases()) chosen.push_back(&info);
    std::set<std::string> used;
    std::vector<Json> sizes;
    sizes.reserve(chosen.size());
    for (const OpCaseInfo* info : chosen) sizes.push_back(sizes_for(*info, request.sizes, used));
    for (const auto& [name, value] : request.sizes.items())
        if (!used.contains(name))
            throw Error(fmt::format("size '{}'", name), "none of the chosen operations has it",
                        "see 'spectral bench --list'");
    std::vector<std::string> backends = request.backends;
    if (backends.empty())
        for (const BackendInfo& info : list_backends())
            if (info.usable) backends.push_back(info.name);

    std::vector<BenchResult> results;
    std::map<const OpCaseInfo*, std::vector<double>> references;
    std::set<int> levels;  ///< of all operations and backends asked for
    const auto total = static_cast<double>(backends.size() * chosen.size());
    double done = 0;
    for (const std::string& name : backends) {
        const auto backend = open_backend(name, request.threads);
        const Device device{*backend, budget};
        report(progress, "measuring the machine's ceiling", done / total);
        const Ceiling ceiling = machine_ceiling(device, default_ceiling_cache(), request.fresh_ceiling);
        for (std::size_t i = 0; i < chosen.size(); ++i, ++done) {
            const OpCaseInfo& info = *chosen[i];
            const OpCase op_case = info.make(device, sizes[i]);
            double slowest_ms = 0;
            for (const Level level : backend->operations().levels(info.op)) {
                levels.insert(static_cast<int>(level));
                report(progress, fmt::format("{}, {}", info.op, level_name(level)), done / total);
                const bool wanted = !request.level || static_cast<int>(level) == *request.level;
                // The lowest level is what the others are compared with, so it is always run.
                if (!wanted && slowest_ms > 0) continue;
                if (op_case.restore) op_case.restore();
                op_case.run(level);
                const std::vector<double> values = op_case.result();
                const auto [reference, first] = references.try_emplace(&info, values);
                BenchResult result;
                result.ms = 1e3 * time_call(
                                      *backend, [&] { op_case.run(level); }, request.seconds_per_level);
                if (slowest_ms == 0) slowest_ms = result.ms;
                if (!wanted) continue;
                result.op = info.op;
                result.backend = backend->name();
                result.shape = op_case.shape;
                result.level = static_cast<int>(level);
                result.level_name = level_name(level);
                result.change = backend->operations().change(info.op, level);
                result.gb_per_s = 1e-6 * op_case.cost.bytes / result.ms;
                result.gflop_per_s = 1e-6 * op_case.cost.flops / result.ms;
                result.percent_of_ceiling = 100 * ceiling.share(op_case.cost, 1e-3 * result.ms);
                result.speedup_over_level_1 = slowest_ms / result.ms;
                result.max_abs_diff = largest_difference(values, reference->second);
                results.push_back(std::move(result));
            }
        }
    }
    if (results.empty())
        throw Error(fmt::format("level {}", *request.level),
                    fmt::format("no operation asked for has it; there are {}", fmt::join(levels, ", ")),
                    "choose one of these, or all");
    report(progress, "done", 1);
    return results;
}

Json to_json(const BenchResult& r) {
    return {{"op", r.op},
            {"level", r.level},
            {"level_name", r.level_name},
            {"backend", r.backend},
            {"shape", r.shape},
            {"ms", r.ms},
            {"gb_per_s", r.gb_per_s},
            {"gflop_per_s", r.gflop_per_s},
            {"percent_of_ceiling", r.percent_of_ceiling},
            {"speedup_over_level_1", r.speedup_over_level_1},
            {"max_abs_diff", r.max_abs_diff},
            {"change", r.change}};
}

}  // namespace spectral
