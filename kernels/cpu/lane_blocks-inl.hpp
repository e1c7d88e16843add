// Signals that are stored one after the other ↔ vectors, each of whose lanes belongs to another signal.
// Included once per target, hence no #pragma once.
#if defined(SPECTRAL_LANE_BLOCKS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef SPECTRAL_LANE_BLOCKS_INL
#undef SPECTRAL_LANE_BLOCKS_INL
#else
#define SPECTRAL_LANE_BLOCKS_INL
#endif

#include <cstdint>

#include "kernels/cpu/simd-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace spectral::cpu::HWY_NAMESPACE {

#if HWY_TARGET != HWY_SCALAR
using Quad = Vector[4];

/// Values 0 to 3 of four images in every 128 bits ↔ four images' value 0, 1, 2 and 3.
HWY_INLINE void transpose_blocks(Quad& v) {
    const Floats d;
    const hn::Repartition<double, Floats> pairs;
    const auto pair = [&](Vector x) HWY_ATTR { return hn::BitCast(pairs, x); };
    const Vector low01 = hn::InterleaveLower(d, v[0], v[1]), low23 = hn::InterleaveLower(d, v[2], v[3]),
                 high01 = hn::InterleaveUpper(d, v[0], v[1]), high23 = hn::InterleaveUpper(d, v[2], v[3]);
    v[0] = hn::BitCast(d, hn::InterleaveLower(pairs, pair(low01), pair(low23)));
    v[1] = hn::BitCast(d, hn::InterleaveUpper(pairs, pair(low01), pair(low23)));
    v[2] = hn::BitCast(d, hn::InterleaveLower(pairs, pair(high01), pair(high23)));
    v[3] = hn::BitCast(d, hn::InterleaveUpper(pairs, pair(high01), pair(high23)));
}

/// Four values of every fourth image from at[0] on, an image for each 128 bits.
template <class D>
HWY_INLINE hn::Vec<D> load_blocks(D d, const float* const* at, std::int64_t offset) {
    if constexpr (hn::MaxLanes(D()) <= 4) {
        return hn::LoadU(d, at[0] + offset);
    } else {
        const hn::Half<D> half;
        return hn::Combine(d, load_blocks(half, at + hn::MaxLanes(D()) / 2, offset),
                           load_blocks(half, at, offset));
    }
}

template <class D>
HWY_INLINE void store_blocks(D d, hn::Vec<D> v, float* const* at, std::int64_t offset) {
    if constexpr (hn::MaxLanes(D()) <= 4) {
        hn::StoreU(v, d, at[0] + offset);
    } else {
        const hn::Half<D> half;
        store_blocks(half, hn::LowerHalf(half, v), at, offset);
        store_blocks(half, hn::UpperHalf(half, v), at + hn::MaxLanes(D()) / 2, offset);
    }
}

#endif

/// `count` values of every image from `offset` on, side by side in lanes.
void to_lanes(const float* const* at, std::int64_t offset, std::int64_t count, float* to) {
    std::int64_t i = 0;
#if HWY_TARGET != HWY_SCALAR
    const Floats d;
    for (; i + 4 <= count; i += 4) {
        Quad v{load_blocks(d, at, offset + i), load_blocks(d, at + 1, offset + i),
               load_blocks(d, at + 2, offset + i), load_blocks(d, at + 3, offset + i)};
        transpose_blocks(v);
        for (int k = 0; k < 4; ++k) hn::Store(v[k], d, to + (i + k) * lanes());
    }
#endif
    for (; i < count; ++i)
        for (std::int64_t lane = 0; lane < lanes(); ++lane) to[i * lanes() + lane] = at[lane][offset + i];
}

void from_lanes(const float* from, std::int64_t count, float* const* at, std::int64_t offset) {
    std::int64_t i = 0;
#if HWY_TARGET != HWY_SCALAR
    const Floats d;
    for (; i + 4 <= count; i += 4) {
        Quad v{hn::Load(d, from + i * lanes()), hn::Load(d, from + (i + 1) * lanes()),
               hn::Load(d, from + (i + 2) * lanes()), hn::Load(d, from + (i + 3) * lanes())};
        transpose_blocks(v);
        for (int k = 0; k < 4; ++k) store_blocks(d, v[k], at + k, offset + i);
    }
#endif
    for (; i < count; ++i)
        for (std::int64_t lane = 0; lane < lanes(); ++lane) at[lane][offset + i] = from[i * lanes() + lane];
}

}  // namespace spectral::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
