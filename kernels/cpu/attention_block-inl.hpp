// A block of queries against a panel of keys, in vector registers: a lane for each query, so that scores,
// their maxima and their sums need nothing across lanes. Included once per target, hence no #pragma once.
#if defined(SPECTRAL_ATTENTION_BLOCK_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef SPECTRAL_ATTENTION_BLOCK_INL
#undef SPECTRAL_ATTENTION_BLOCK_INL
#else
#define SPECTRAL_ATTENTION_BLOCK_INL
#endif

#include <algorithm>
#include <limits>

#include "kernels/cpu/attention_parts.hpp"
#include "kernels/cpu/simd_math-inl.hpp"
#include "kernels/ops/attention.hpp"

HWY_BEFORE_NAMESPACE();
namespace spectral::cpu::HWY_NAMESPACE {

/// Rows × vectors of sums that live in registers at once: 24 of 32 registers, or 12 of 16.
inline constexpr int kSumRows = 6;
inline constexpr int kSumVectors = HWY_MAX_BYTES >= 64 ? 4 : 2;

/// Queries of a block.
HWY_INLINE std::int64_t block_queries() { return kSumVectors * lanes(); }

/// Calls body(rows, first) for groups of rows of [0, count); `rows` is a constant.
template <class Body>
HWY_INLINE void in_groups(std::int64_t count, const Body& body) {
    std::int64_t i = 0;
    for (; i + kSumRows <= count; i += kSumRows) body(std::integral_constant<int, kSumRows>(), i);
    for (; i + 4 <= count; i += 4) body(std::integral_constant<int, 4>(), i);
    for (; i < count; ++i) body(std::integral_constant<int, 1>(), i);
}

/// Where the factors of a sum of products lie: a[r·row + l·step] by the vector at b + l·b_step.
struct Factors {
    const float* a;
    std::int64_t row, step;
    const float* b;
    std::int64_t b_step;
};

/// sums[r][v] += Σ_l a[r,l]·b[l,v], l < depth.
template <int kRows, int kVectors>
HWY_INLINE void add_products(const Factors& f, std::int64_t depth,
                             Vector (&sums)[std::size_t{kRows}][std::size_t{kVectors}]) {
    const Floats d;
    const float *a = f.a, *b = f.b;
    for (std::int64_t l = 0; l < depth; ++l, a += f.step, b += f.b_step) {
        Vector values[std::size_t{kVectors}];
#pragma GCC unroll 8
        for (int v = 0; v < kVectors; ++v) values[v] = hn::Load(d, b + v * lanes());
#pragma GCC unroll 8
        for (int r = 0; r < kRows; ++r) {
            const Vector factor = hn::Set(d, a[r * f.row]);
#pragma GCC unroll 8
            for (int v = 0; v < kVectors; ++v) sums[r][v] = hn::MulAdd(factor, values[v], sums[r][v]);
        }
    }
}

/// out[r,v] = (add ? out[r,v] : 0)·scale[v] + Σ_l a[r,l]·b[l,v] for `count` rows, out_row floats apart.
/// `scale` null: 1.
template <int kVectors>
HWY_INLINE void products(std::int64_t count, const Factors& factors, std::int64_t depth, const float* scale,
                         bool add, float* HWY_RESTRICT out, std::int64_t out_row) {
    const Floats d;
    in_groups(count, [&](auto rows, std::int64_t first) HWY_ATTR {
        constexpr int kRows = decltype(rows)::value;
        float* to = out + first * out_row;
        Vector sums[std::size_t{kRows}][std::size_t{kVectors}];
#pragma GCC unroll 8
        for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 8
            for (int v = 0; v < kVectors; ++v) {
                sums[r][v] = add ? hn::LoadU(d, to + r * out_row + v * lanes()) : hn::Zero(d);
                if (scale != nullptr) sums[r][v] = hn::Mul(sums[r][v], hn::Load(d, scale + v * lanes()));
            }
        Factors own = factors;
        own.a += first * factors.row;
        add_products<kRows, kVectors>(own, depth, sums);
#pragma GCC unroll 8
        for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 8
            for (int v = 0; v < kVectors; ++v) hn::StoreU(sums[r][v], d, to + r * out_row + v * lanes());
    });
}

/// What a block of queries and a panel of keys have to do with each other.
struct Panel {
    std::int64_t keys;         ///< of the panel
    const std::uint8_t* keep;  ///< of its keys; null: all
    /// Query lane i of the block attends to key j where j ≤ i + reach.
    bool causal;
    std::int64_t reach;
};

/// −∞ where a query does not attend to a key. scores: keys × block_queries().
template <int kVectors>
HWY_INLINE void mask_scores(const Panel& panel, float* HWY_RESTRICT scores) {
    const Floats d;
    const Vector lowest = hn::Set(d, -std::numeric_limits<float>::infinity());
    for (std::int64_t j = 0; j < panel.keys; ++j) {
        float* row = scores + j * block_queries();
        const bool left_out = panel.keep != nullptr && panel.keep[j] == 0;
        const std::int64_t first = left_out ? block_queries() : panel.causal ? j - panel.reach : 0;
        if (first <= 0) continue;
        const Vector bound = hn::Set(d, static_cast<float>(std::min(first, block_queries())));
        for (int v = 0; v < kVectors; ++v) {
            const auto hidden = hn::Lt(hn::Iota(d, static_cast<float>(v * lanes())), bound);
            hn::Store(hn::IfThenElse(hidden, lowest, hn::Load(d, row + v * lanes())), d, row + v * lanes());
        }
    }
}

/// Whether any pair of the block and the panel is left out.
HWY_INLINE bool has_mask(const Panel& panel) {
    return panel.keep != nullptr || (panel.causal && panel.reach < panel.keys - 1);
}

/// scores[j,i] = k_j·(column i of q), q: size × block_queries(), then masked.
template <int kVectors>
HWY_INLINE void score_panel(const Panel& panel, const float* k, std::int64_t k_row, const float* q,
                            std::int64_t size, float* scores) {
    products<kVectors>(panel.keys, {k, k_row, 1, q, block_queries()}, size, nullptr, false, scores,
                       block_queries());
    if (has_mask(panel)) mask_scores<kVectors>(panel, scores);
}

/// Rows of a block as columns of size × block_queries() values, times `scale`; zeros behind the last one.
HWY_INLINE void columns_of(const float* rows, std::int64_t row, std::int64_t count, std::int64_t size,
                           float scale, float* HWY_RESTRICT columns) {
    const std::int64_t width = block_queries();
    if (count < width) std::fill_n(columns, size * width, 0.0F);
    for (std::int64_t i = 0; i < count; ++i)
        for (std::int64_t d = 0; d < size; ++d) columns[d * width + i] = scale * rows[i * row + d];
}

}  // namespace spectral::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
