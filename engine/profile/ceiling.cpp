#include "engine/profile/ceiling.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>
#include <system_error>

#include "engine/core/error.hpp"
#include "engine/core/files.hpp"
#include "engine/core/json.hpp"
#include "kernels/ops/ceiling.hpp"

namespace spectral {

namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kCopyFloats = std::int64_t{32} << 20;  // 128 MiB: beyond every cache
constexpr std::int64_t kChainFloats = std::int64_t{1} << 16, kRounds = 4096;
constexpr int kRepetitions = 7;

/// The best of a few: whatever else runs only ever slows it down.
template <class Op>
double best_seconds(Backend& backend, const Op& op) {
    double best = 0;
    for (int i = 0; i < kRepetitions; ++i) {
        backend.synchronize();
        const std::int64_t start = backend.nanoseconds(backend.mark());
        backend.run(op);
        const double seconds = 1e-9 * static_cast<double>(backend.nanoseconds(backend.mark()) - start);
        if (i == 0 || seconds < best) best = seconds;
    }
    return std::max(best, 1e-9);
}

std::string key_of(const Backend& backend) { return std::string(backend.name()) + ": " + backend.device(); }

Json read_cache(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return Json::object();
    constexpr std::size_t kMaxBytes = 1 << 20;
    std::string text(kMaxBytes, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    try {
        Json json = parse_json(text, [&](const std::string& why) { return Error(path.string(), why); });
        return json.is_object() ? json : Json::object();
    } catch (const Error&) {
        return Json::object();
    }
}

std::optional<Ceiling> remembered(const Json& cache, const std::string& key) {
    const auto found = cache.find(key);
    if (found == cache.end() || !found->is_object()) return std::nullopt;
    const auto number = [&](const char* name) {
        const auto value = found->find(name);
        return value != found->end() && value->is_number() ? value->get<double>() : 0.0;
    };
    const Ceiling ceiling{number("gb_per_s"), number("gflop_per_s")};
    return ceiling.gb_per_s > 0 && ceiling.gflop_per_s > 0 ? std::optional(ceiling) : std::nullopt;
}

}  // namespace

double Ceiling::share(const Cost& cost, double seconds) const {
    if (seconds <= 0) return 0;
    const double memory = gb_per_s > 0 ? cost.bytes / (gb_per_s * 1e9) : 0;
    const double arithmetic = gflop_per_s > 0 ? cost.flops / (gflop_per_s * 1e9) : 0;
    return std::max(memory, arithmetic) / seconds;
}

Ceiling measure_ceiling(Device device) {
    Ceiling ceiling;
    std::int64_t size = kCopyFloats;
    const std::size_t limit = device.budget.limit(), used = device.budget.total().current;
    const std::size_t room = limit > used ? limit - used : 0;
    while (size > kChainFloats && 2 * static_cast<std::size_t>(size) * sizeof(float) > room) size /= 2;
    const Tensor x(device, MemoryTag::workspace, {size}, "ceiling"),
        y(device, MemoryTag::workspace, {size}, "ceiling");
    const StreamCopy copy{size, x.data(), y.data()};
    ceiling.gb_per_s = 1e-9 * copy.cost().bytes / best_seconds(device.backend, copy);
    const RepeatedMultiplyAdd arithmetic{kChainFloats, kRounds, 0.999F, 0.001F, x.data()};
    ceiling.gflop_per_s = 1e-9 * arithmetic.cost().flops / best_seconds(device.backend, arithmetic);
    return ceiling;
}

Ceiling machine_ceiling(Device device, const fs::path& cache, bool fresh) {
    const std::string key = key_of(device.backend);
    Json known = cache.empty() ? Json::object() : read_cache(cache);
    const auto before = remembered(known, key);
    if (before && !fresh) return *before;
    const Ceiling ceiling = measure_ceiling(device);
    if (cache.empty()) return ceiling;
    known[key] = {{"gb_per_s", ceiling.gb_per_s}, {"gflop_per_s", ceiling.gflop_per_s}};
    try {
        std::error_code ignored;
        fs::create_directories(cache.parent_path(), ignored);
        replace_file(cache, known.dump(1, ' ', false, Json::error_handler_t::replace));
    } catch (const Error&) {
        // A cache that cannot be written costs half a second the next time, no more.
    }
    return ceiling;
}

std::optional<Ceiling> ceiling_of(const std::string& name, bool measure) {
    const auto backend = open_backend(name);
    const fs::path cache = default_ceiling_cache();
    if (!measure) return remembered(cache.empty() ? Json::object() : read_cache(cache), key_of(*backend));
    MemoryBudget budget;
    return machine_ceiling({*backend, budget}, cache);
}

fs::path default_ceiling_cache() {
    const char* cache = std::getenv("XDG_CACHE_HOME");
    const char* home = std::getenv("HOME");
    if (cache && *cache) return fs::path(cache) / "spectral-workbench" / "ceiling.json";
    if (home && *home) return fs::path(home) / ".cache" / "spectral-workbench" / "ceiling.json";
    return {};
}

}  // namespace spectral
