#include "engine/profile/tile_sweep.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <tuple>
#include <utility>

#include "engine/core/error.hpp"
#include "engine/core/random.hpp"
#include "engine/profile/difference.hpp"
#include "engine/profile/timing.hpp"
#include "kernels/backend.hpp"

namespace spectral {

namespace {

constexpr std::int64_t kLeastQueries = 16, kMostQueries = 1024, kPanel = 64, kManyKeys = 256;
constexpr int kSamples = 5;
constexpr std::size_t kDrawnAtATime = 1 << 18;  ///< some milliseconds
/// Operations a second that attention is taken to reach at least; one core was measured at 2.5e11.
constexpr double kCpuRate = 1e11, kCudaRate = 1e12;
constexpr double kLongestCallSeconds = 2;

void require_positive(const char* field, std::int64_t value) {
    if (value < 1) throw BadValue(field, "is not positive", "give 1 or more");
}

/// `heed` is called now and then; what it throws ends the drawing.
HostTensor normal(const Shape& shape, std::uint64_t seed, const std::function<void()>& heed) {
    HostTensor values{shape, std::vector<float>(static_cast<std::size_t>(shape.size()))};
    Random random(seed);
    for (std::size_t i = 0; i < values.values.size(); ++i) {
        if (i % kDrawnAtATime == 0) heed();
        values.values[i] = static_cast<float>(random.normal());
    }
    return values;
}

/// Places of a sequence for which one call takes kLongestCallSeconds at most; 0: not even one does.
std::int64_t longest_to_sweep(const TileSweepRequest& r, std::string_view backend) {
    // Two multiplications and two additions for each pair of places and value; fewer keys than a panel holds
    // take as long as a whole one.
    const double once =
        4 * static_cast<double>(r.batch) * static_cast<double>(r.heads) * static_cast<double>(r.head_size);
    const double pairs = kLongestCallSeconds * (backend == "cuda" ? kCudaRate : kCpuRate) / once;
    return static_cast<std::int64_t>(std::min(std::sqrt(pairs), pairs / static_cast<double>(kPanel)));
}

void require_short_call(const TileSweepRequest& r, std::string_view backend) {
    const std::int64_t longest = longest_to_sweep(r, backend);
    if (r.sequence <= longest) return;
    throw BadValue(
        "sequence",
        fmt::format("one call on {} × {} heads × {} × {} would take too long to be stopped in time", r.batch,
                    r.heads, r.sequence, r.head_size),
        longest > 0 ? fmt::format("take at most {} places, or fewer sequences, heads or values of "
                                  "a head",
                                  longest)
                    : "take fewer sequences, heads or values of a head");
}

}  // namespace

std::vector<AttentionTile> tiles_to_sweep(std::int64_t sequence, const AttentionTile& chosen) {
    const auto needed = static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(sequence)));
    std::vector<AttentionTile> tiles{chosen};
    for (const std::int64_t keys : {kPanel, kManyKeys}) {
        if (keys > kPanel && keys > needed) continue;
        for (std::int64_t queries = kLeastQueries; queries <= std::clamp(needed, kLeastQueries, kMostQueries);
             queries *= 2)
            if (queries != chosen.queries || keys != chosen.keys) tiles.push_back({queries, keys});
    }
    std::ranges::sort(tiles, {},
                      [](const AttentionTile& tile) { return std::tuple(tile.keys, tile.queries); });
    return tiles;
}

TileSweep sweep_tiles(const TileSweepRequest& request, MemoryBudget& budget, const Progress& progress) {
    const TileSweepRequest& r = request;
    require_positive("sequence", r.sequence);
    require_positive("batch", r.batch);
    require_positive("heads", r.heads);
    require_positive("head_size", r.head_size);
    if (r.head_size > kMaxHeadSize)
        throw BadValue("head_size", fmt::format("is more than {}", kMaxHeadSize), "take more, smaller heads");
    const auto backend = open_backend(r.backend, r.threads);
    require_short_call(r, backend->name());
    const Device device{*backend, budget};
    TileSweep sweep{r, std::string(backend->name()), {}};
    const Shape shape{r.batch, r.heads, r.sequence, r.head_size};
    const std::size_t bytes = static_cast<std::size_t>(shape.size()) * sizeof(float);
    const auto input = [&](const char* name, std::uint64_t seed) {
        Tensor tensor(device, MemoryTag::data, shape, name);
        const Reservation room = budget.reserve(MemoryTag::workspace, bytes, "values drawn");
        tensor.assign(*backend,
                      normal(shape, seed, [&] { report(progress, "drawing queries, keys and values", 0); }));
        return tensor;
    };
    const Tensor q = input("queries", 1), k = input("keys", 2), v = input("values", 3);
    Tensor y(device, MemoryTag::activations, shape, "attention output");
    const AttentionTile chosen = optimize_tiling(device, r.sequence, r.batch, r.heads, r.head_size);
    const std::vector<AttentionTile> tiles = tiles_to_sweep(r.sequence, chosen);
    // In host memory: the first tile's and that of the tile in turn.
    const Reservation results = budget.reserve(MemoryTag::workspace, 2 * bytes, "attention results");
    HostTensor first;
    for (const AttentionTile& tile : tiles) {
        const auto heed = [&] {
            report(progress, fmt::format("tiles of {} × {}", tile.queries, tile.keys),
                   static_cast<double>(sweep.points.size()) / static_cast<double>(tiles.size()));
        };
        heed();
        AttentionPlan plan = prepare_attention(device, q, k, v, tile);
        const auto call = [&] { compute_attention(plan, {.causal = true}, y); };
        call();
        HostTensor result = y.to_host(*backend);
        const bool is_first = sweep.points.empty();
        if (is_first) first = std::move(result);
        const double apart = largest_difference((is_first ? first : result).values, first.values);
        sweep.points.push_back({tile, 1e3 * time_call(*backend, call, r.seconds_per_tile, kSamples, heed),
                                plan.work_bytes(), apart,
                                tile.queries == chosen.queries && tile.keys == chosen.keys});
    }
    report(progress, "done", 1);
    return sweep;
}

Json to_json(const TileSweep& sweep) {
    Json tiles = Json::array();
    for (const TilePoint& point : sweep.points)
        tiles.push_back({{"queries", point.tile.queries},
                         {"keys", point.tile.keys},
                         {"ms", point.ms},
                         {"work_bytes", point.work_bytes},
                         {"max_abs_diff", point.max_abs_diff},
                         {"chosen", point.chosen}});
    const TileSweepRequest& r = sweep.request;
    return {{"op", "attention"}, {"backend", sweep.backend}, {"sequence", r.sequence},   {"batch", r.batch},
            {"heads", r.heads},  {"head_size", r.head_size}, {"tiles", std::move(tiles)}};
}

}  // namespace spectral
