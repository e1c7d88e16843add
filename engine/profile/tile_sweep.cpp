#include "engine/profile/tile_sweep.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <tuple>

#include "engine/core/error.hpp"
#include "engine/core/random.hpp"
#include "engine/profile/timing.hpp"
#include "kernels/backend.hpp"

namespace spectral {

namespace {

constexpr std::int64_t kLeastQueries = 16, kMostQueries = 1024, kPanel = 64, kManyKeys = 256;
constexpr int kSamples = 5;

void require_positive(const char* field, std::int64_t value) {
    if (value < 1) throw BadValue(field, "is not positive", "give 1 or more");
}

HostTensor normal(const Shape& shape, std::uint64_t seed) {
    HostTensor values{shape, std::vector<float>(static_cast<std::size_t>(shape.size()))};
    Random random(seed);
    for (float& value : values.values) value = static_cast<float>(random.normal());
    return values;
}

double largest_difference(const HostTensor& a, const HostTensor& b) {
    double largest = 0;
    for (std::size_t i = 0; i < a.values.size(); ++i) {
        const double apart = std::abs(static_cast<double>(a.values[i]) - static_cast<double>(b.values[i]));
        if (!(apart <= largest)) largest = apart;  // also what is not a number
    }
    return largest;
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
    const Device device{*backend, budget};
    TileSweep sweep{r, std::string(backend->name()), {}};
    const Shape shape{r.batch, r.heads, r.sequence, r.head_size};
    const auto input = [&](const char* name, std::uint64_t seed) {
        Tensor tensor(device, MemoryTag::data, shape, name);
        tensor.assign(*backend, normal(shape, seed));
        return tensor;
    };
    report(progress, "drawing queries, keys and values", 0);
    const Tensor q = input("queries", 1), k = input("keys", 2), v = input("values", 3);
    Tensor y(device, MemoryTag::activations, shape, "attention output");
    const AttentionTile chosen = optimize_tiling(device, r.sequence, r.batch, r.heads, r.head_size);
    const std::vector<AttentionTile> tiles = tiles_to_sweep(r.sequence, chosen);
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
        const HostTensor result = y.to_host(*backend);
        if (sweep.points.empty()) first = result;
        sweep.points.push_back({tile, 1e3 * time_call(*backend, call, r.seconds_per_tile, kSamples, heed),
                                plan.work_bytes(), largest_difference(result, first),
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
