// Attention by an online softmax: blocks of queries pass over tiles of keys that are in the cache; members,
// heads and tiles of queries are dealt out to the threads.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/attention.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <cmath>

#include "kernels/cpu/attention_block-inl.hpp"
#include "kernels/cpu/operations.hpp"

HWY_BEFORE_NAMESPACE();
namespace spectral::cpu::HWY_NAMESPACE {

/// What is kept of a block of queries while keys pass: a column of each for every query.
struct QueryBlock {
    float *q, *y;          ///< size × block_queries()
    float *largest, *sum;  ///< of scores in units of log 2, and of 2^(score − largest)
    std::int64_t first, count;

    QueryBlock(float* scratch, std::int64_t size, std::int64_t first_query, std::int64_t queries)
        : q(scratch),
          y(q + size * block_queries()),
          largest(y + size * block_queries()),
          sum(largest + block_queries()),
          first(first_query),
          count(queries) {}
};

/// Scores become powers; largest and sum take them in. `scale`: what earlier sums are to be multiplied with.
template <int kVectors>
HWY_INLINE void online_softmax(const QueryBlock& block, std::int64_t keys, float* HWY_RESTRICT scores,
                               float* HWY_RESTRICT scale) {
    const Floats d;
    const std::int64_t width = block_queries();
    const Vector lowest = hn::Set(d, -std::numeric_limits<float>::infinity());
    Vector largest[std::size_t{kVectors}], sum[std::size_t{kVectors}];
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) largest[v] = hn::Load(d, block.largest + v * lanes());
    for (std::int64_t j = 0; j < keys; ++j)
#pragma GCC unroll 8
        for (int v = 0; v < kVectors; ++v)
            largest[v] = hn::Max(largest[v], hn::Load(d, scores + j * width + v * lanes()));
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
        const Vector before = hn::Load(d, block.largest + v * lanes());
        hn::Store(largest[v], d, block.largest + v * lanes());
        // As long as there is nothing but −∞, powers are taken of that itself.
        largest[v] = hn::IfThenZeroElse(hn::Eq(largest[v], lowest), largest[v]);
        const Vector factor = exp2_of_non_positive(d, hn::Sub(before, largest[v]));
        hn::Store(factor, d, scale + v * lanes());
        sum[v] = hn::Mul(factor, hn::Load(d, block.sum + v * lanes()));
    }
    for (std::int64_t j = 0; j < keys; ++j) {
        float* row = scores + j * width;
#pragma GCC unroll 8
        for (int v = 0; v < kVectors; ++v) {
            const Vector score = hn::Load(d, row + v * lanes());
            const Vector power = exp2_of_non_positive(d, hn::Sub(score, largest[v]));
            sum[v] = hn::Add(sum[v], power);
            hn::Store(power, d, row + v * lanes());
        }
    }
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) hn::Store(sum[v], d, block.sum + v * lanes());
}

/// Keys and values of a tile, key `first` at their beginning.
struct KeyTile {
    const float *k, *v;
    std::int64_t k_row, v_row, first, end;
};

template <int kVectors>
HWY_INLINE void pass_keys(const AttentionShape& shape, const std::uint8_t* keep, const QueryBlock& block,
                          const KeyTile& tile, float* scores) {
    const std::int64_t width = block_queries(), offset = shape.keys - shape.queries;
    const std::int64_t end = std::min(tile.end, keys_until(shape, block.first + block.count - 1));
    float* scale = scores + kPanelKeys * kMostBlockQueries;
    for (std::int64_t j = tile.first; j < end; j += kPanelKeys) {
        const Panel panel{std::min(kPanelKeys, end - j), keep != nullptr ? keep + j : nullptr, shape.causal,
                          block.first + offset - j};
        const float *k = tile.k + (j - tile.first) * tile.k_row, *v = tile.v + (j - tile.first) * tile.v_row;
        score_panel<kVectors>(panel, k, tile.k_row, block.q, shape.size, scores);
        online_softmax<kVectors>(block, panel.keys, scores, scale);
        products<kVectors>(shape.size, {v, 1, tile.v_row, scores, width}, panel.keys, scale, true, block.y,
                           width);
    }
}

/// Queries [first, end) of a head.
void attend(const Attention& op, std::int64_t head_index, std::int64_t first, std::int64_t end,
            float* scratch) {
    const AttentionShape& s = op.shape;
    const AttentionScratch layout(s, op.tile);
    const Head head(s, head_index);
    const std::int64_t width = block_queries(), blocks = divide_up(end - first, width);
    const auto block_at = [&](std::int64_t b) {
        return QueryBlock(scratch + b * layout.per_block(width), s.size, first + b * width,
                          std::min(width, end - first - b * width));
    };
    float* scores = scratch + layout.per_block(layout.queries);
    float* copies = scores + (kPanelKeys + 1) * kMostBlockQueries;
    const float* q = op.q + head.place(s.query);
    for (std::int64_t b = 0; b < blocks; ++b) {
        const QueryBlock block = block_at(b);
        columns_of(q + block.first * s.query.row, s.query.row, block.count, s.size, s.scale * kLog2E,
                   block.q);
        std::fill_n(block.y, s.size * width, 0.0F);
        std::fill_n(block.largest, width, -std::numeric_limits<float>::infinity());
        std::fill_n(block.sum, width, 0.0F);
    }
    const std::int64_t keys = keys_until(s, end - 1);
    // Rows a power of two apart share few sets of the first-level cache: such a tile is copied.
    const auto together = [&](const float* rows, std::int64_t row, std::int64_t count, float* to) {
        if (row == s.size) return rows;
        for (std::int64_t j = 0; j < count; ++j) std::copy_n(rows + j * row, s.size, to + j * s.size);
        return static_cast<const float*>(to);
    };
    for (std::int64_t j = 0; j < keys; j += layout.keys) {
        const std::int64_t count = std::min(layout.keys, keys - j);
        const KeyTile tile{together(op.k + head.place(s.key) + j * s.key.row, s.key.row, count, copies),
                           together(op.v + head.place(s.value) + j * s.value.row, s.value.row, count,
                                    copies + layout.keys * s.size),
                           s.size,
                           s.size,
                           j,
                           j + count};
        for (std::int64_t b = 0; b < blocks; ++b) {
            const QueryBlock block = block_at(b);
            if (block.count <= lanes())
                pass_keys<1>(s, head.keep(s), block, tile, scores);
            else
                pass_keys<kSumVectors>(s, head.keep(s), block, tile, scores);
        }
    }
    for (std::int64_t b = 0; b < blocks; ++b) {
        const QueryBlock block = block_at(b);
        float* y = op.y + head.place(s.output) + block.first * s.output.row;
        float* log_sum = op.log_sum + head.first_row(s) + block.first;
        for (std::int64_t i = 0; i < block.count; ++i) {
            const float sum = block.sum[i], share = sum == 0 ? 0 : 1 / sum;
            log_sum[i] = kLn2 * (block.largest[i] + std::log2(sum));
            for (std::int64_t d = 0; d < s.size; ++d)
                y[i * s.output.row + d] = share * block.y[d * width + i];
        }
    }
}

}  // namespace spectral::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spectral::cpu {

namespace {

HWY_EXPORT(attend);

void run_attention(Backend& backend, const Attention& op) {
    const AttentionShape& s = op.shape;
    const AttentionScratch layout(s, op.tile);
    const std::int64_t tiles = divide_up(s.queries, layout.queries);
    take_in_turn(backend, s.batch * s.heads * tiles, [&](int part, std::int64_t unit) {
        // The last queries of a causal head have the most keys, so they come first.
        const std::int64_t first = (tiles - 1 - unit % tiles) * layout.queries;
        HWY_DYNAMIC_DISPATCH(attend)
        (op, unit / tiles, first, std::min(s.queries, first + layout.queries),
         op.scratch + part * layout.total());
    });
}

}  // namespace

void add_attention(OpTable& table) {
    table.add<Attention>(Level::tiled, run_attention,
                         "tiles in vector registers and caches, dealt out to the threads");
}

}  // namespace spectral::cpu
#endif  // HWY_ONCE
