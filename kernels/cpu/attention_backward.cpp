// The gradient of attention from the saved log-sums: probabilities are made anew, panel by panel. Where there
// are heads for all threads, a head is one part; else its queries and then its keys are dealt out, which adds
// in the same order.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/attention_backward.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <cmath>

#include "kernels/cpu/attention_block-inl.hpp"
#include "kernels/cpu/attention_parts.hpp"
#include "kernels/cpu/operations.hpp"

HWY_BEFORE_NAMESPACE();
namespace spectral::cpu::HWY_NAMESPACE {

/// A block of queries: as columns q (in units of log 2), dy and dq, as rows of `row` floats q and dy; L (in
/// units of log 2) and D of each; and two panels of keys × block_queries(): p, ds.
struct GradientBlock {
    float *q, *dy, *dq, *q_rows, *dy_rows, *p, *ds, *log_sum, *along;
    std::int64_t row;

    GradientBlock(const AttentionShape& shape, float* scratch) : row(padded_columns(shape.size)) {
        const std::int64_t columns = shape.size * kMostBlockQueries, rows = row * kMostBlockQueries,
                           panel = kPanelKeys * kMostBlockQueries;
        q = scratch;
        dy = q + columns;
        dq = dy + columns;
        q_rows = dq + columns;
        dy_rows = q_rows + rows;
        p = dy_rows + rows;
        ds = p + panel;
        log_sum = ds + panel;
        along = log_sum + kMostBlockQueries;
    }
};

/// Rows with zeros up to the next vector's end, times `scale`.
HWY_INLINE void padded_rows(const float* rows, std::int64_t row, std::int64_t count, std::int64_t size,
                            float scale, float* HWY_RESTRICT to, std::int64_t to_row) {
    for (std::int64_t i = 0; i < count; ++i) {
        for (std::int64_t d = 0; d < size; ++d) to[i * to_row + d] = scale * rows[i * row + d];
        for (std::int64_t d = size; d < to_row; ++d) to[i * to_row + d] = 0;
    }
}

/// p = 2^(score − L) and ds = p·(dp − D), in place of the scores and of dp.
HWY_INLINE void to_gradients(const GradientBlock& block, std::int64_t keys) {
    const Floats d;
    for (std::int64_t v = 0; v < block_queries(); v += lanes()) {
        const Vector log_sum = hn::Load(d, block.log_sum + v), along = hn::Load(d, block.along + v);
        for (std::int64_t j = 0; j < keys; ++j) {
            const std::int64_t at = j * block_queries() + v;
            const Vector p = exp2_of_non_positive(d, hn::Sub(hn::Load(d, block.p + at), log_sum));
            hn::Store(p, d, block.p + at);
            hn::Store(hn::Mul(p, hn::Sub(hn::Load(d, block.ds + at), along)), d, block.ds + at);
        }
    }
}

/// out[j,:] += Σ_i panel[j,i]·rows[i,:] over `queries` rows of a block; rows of out have `size` values.
HWY_INLINE void add_to_keys(const float* panel, std::int64_t keys, const float* rows, std::int64_t row,
                            std::int64_t queries, std::int64_t size, float* out, std::int64_t out_row) {
    const std::int64_t step = lanes(), wide = kSumVectors * step;
    const auto factors = [&](std::int64_t d) HWY_ATTR {
        return Factors{panel, block_queries(), 1, rows + d, row};
    };
    std::int64_t d = 0;
    for (; d + wide <= size; d += wide)
        products<kSumVectors>(keys, factors(d), queries, nullptr, true, out + d, out_row);
    for (; d + step <= size; d += step)
        products<1>(keys, factors(d), queries, nullptr, true, out + d, out_row);
    if (d == size) return;
    // The rest of a row is no whole vector.
    HWY_ALIGN float sums[kPanelKeys * 16];
    products<1>(keys, factors(d), queries, nullptr, false, sums, step);
    for (std::int64_t j = 0; j < keys; ++j)
        for (std::int64_t i = 0; d + i < size; ++i) out[j * out_row + d + i] += sums[j * step + i];
}

/// Of one head dq of `queries` where `to_queries`, and dk and dv of `keys` where `to_keys`: what the pairs of
/// the two ranges give. `along`: D of all rows.
void gradients(const AttentionBackward& op, std::int64_t head_index, Range queries, Range keys,
               bool to_queries, bool to_keys, const float* along, float* scratch) {
    const AttentionShape& s = op.shape;
    const Head head(s, head_index);
    const GradientBlock block(s, scratch);
    const std::int64_t width = block_queries(), offset = s.keys - s.queries;
    const float *q = op.q + head.place(s.query), *k = op.k + head.place(s.key),
                *v = op.v + head.place(s.value), *dy = op.dy + head.place(s.output);
    float *dq = op.dq + head.place(s.query), *dk = op.dk + head.place(s.key),
          *dv = op.dv + head.place(s.value);
    const std::uint8_t* keep = head.keep(s);
    for (std::int64_t j = keys.begin; to_keys && j < keys.end; ++j) {
        std::fill_n(dk + j * s.key.row, s.size, 0.0F);
        std::fill_n(dv + j * s.value.row, s.size, 0.0F);
    }
    for (std::int64_t first = queries.begin; first < queries.end; first += width) {
        const std::int64_t count = std::min(width, queries.end - first),
                           end = std::min(keys.end, keys_until(s, first + count - 1));
        const std::int64_t q_row = s.query.row, y_row = s.output.row;
        columns_of(q + first * q_row, q_row, count, s.size, s.scale * kLog2E, block.q);
        columns_of(dy + first * y_row, y_row, count, s.size, 1, block.dy);
        if (to_keys) {
            padded_rows(q + first * q_row, q_row, count, s.size, s.scale, block.q_rows, block.row);
            padded_rows(dy + first * y_row, y_row, count, s.size, 1, block.dy_rows, block.row);
        }
        const std::int64_t row = head.first_row(s) + first;
        for (std::int64_t i = 0; i < width; ++i) {
            const float log_sum = i < count ? op.log_sum[row + i] : 0;
            // A query that attends to nothing: all of its powers are to be 0.
            block.log_sum[i] = std::isinf(log_sum) && log_sum < 0 ? -log_sum : kLog2E * log_sum;
            block.along[i] = i < count ? along[row + i] : 0;
        }
        if (to_queries) std::fill_n(block.dq, s.size * width, 0.0F);
        for (std::int64_t j = keys.begin; j < end; j += kPanelKeys) {
            const Panel panel{std::min(kPanelKeys, end - j), keep != nullptr ? keep + j : nullptr, s.causal,
                              first + offset - j};
            score_panel<kSumVectors>(panel, k + j * s.key.row, s.key.row, block.q, s.size, block.p);
            products<kSumVectors>(panel.keys, {v + j * s.value.row, s.value.row, 1, block.dy, width}, s.size,
                                  nullptr, false, block.ds, width);
            to_gradients(block, panel.keys);
            if (to_keys) {
                add_to_keys(block.p, panel.keys, block.dy_rows, block.row, count, s.size,
                            dv + j * s.value.row, s.value.row);
                add_to_keys(block.ds, panel.keys, block.q_rows, block.row, count, s.size, dk + j * s.key.row,
                            s.key.row);
            }
            if (to_queries)
                products<kSumVectors>(s.size, {k + j * s.key.row, 1, s.key.row, block.ds, width}, panel.keys,
                                      nullptr, true, block.dq, width);
        }
        for (std::int64_t i = 0; to_queries && i < count; ++i)
            for (std::int64_t d = 0; d < s.size; ++d)
                dq[(first + i) * q_row + d] = s.scale * block.dq[d * width + i];
    }
}

/// D of rows [begin, end).
void output_alignment(const AttentionBackward& op, std::int64_t begin, std::int64_t end, float* along) {
    const AttentionShape& s = op.shape;
    for (std::int64_t at = begin; at < end; ++at) {
        const Head head(s, at / s.queries);
        const std::int64_t place = head.place(s.output) + at % s.queries * s.output.row;
        along[at] = dot(op.dy + place, op.y + place, s.size);
    }
}

}  // namespace spectral::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spectral::cpu {

namespace {

HWY_EXPORT(gradients);
HWY_EXPORT(output_alignment);

void run_backward(Backend& backend, const AttentionBackward& op) {
    const AttentionShape& s = op.shape;
    float *along = op.scratch, *scratch = along + attention_backward_rows(s);
    const std::int64_t part_size = attention_backward_scratch(s), heads = s.batch * s.heads;
    as_cpu(backend).pool().split(s.rows(), [&](int, std::int64_t begin, std::int64_t end) {
        HWY_DYNAMIC_DISPATCH(output_alignment)(op, begin, end, along);
    });
    if (heads >= backend.threads()) {
        take_in_turn(backend, heads, [&](int part, std::int64_t head) {
            HWY_DYNAMIC_DISPATCH(gradients)
            (op, head, {0, s.queries}, {0, s.keys}, true, true, along, scratch + part * part_size);
        });
        return;
    }
    // Parts are whole blocks and panels, so that sums are cut where a whole head's are.
    const auto tile_of = [](std::int64_t wanted, std::int64_t whole) {
        return divide_up(std::max<std::int64_t>(wanted, 1), whole) * whole;
    };
    const std::int64_t queries = tile_of(op.tile.queries, kMostBlockQueries),
                       keys = tile_of(op.tile.keys, kPanelKeys);
    const std::int64_t query_tiles = divide_up(s.queries, queries), key_tiles = divide_up(s.keys, keys);
    take_in_turn(backend, heads * query_tiles, [&](int part, std::int64_t unit) {
        const std::int64_t first = unit % query_tiles * queries;
        HWY_DYNAMIC_DISPATCH(gradients)
        (op, unit / query_tiles, {first, std::min(s.queries, first + queries)}, {0, s.keys}, true, false,
         along, scratch + part * part_size);
    });
    take_in_turn(backend, heads * key_tiles, [&](int part, std::int64_t unit) {
        const std::int64_t first = unit % key_tiles * keys;
        HWY_DYNAMIC_DISPATCH(gradients)
        (op, unit / key_tiles, {0, s.queries}, {first, std::min(s.keys, first + keys)}, false, true, along,
         scratch + part * part_size);
    });
}

}  // namespace

void add_attention_backward(OpTable& table) {
    table.add<AttentionBackward>(
        Level::tiled, run_backward,
        "panels in vector registers and caches, heads or tiles dealt out to the threads");
}

}  // namespace spectral::cpu
#endif  // HWY_ONCE
