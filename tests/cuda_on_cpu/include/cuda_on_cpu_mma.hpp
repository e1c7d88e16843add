// The tensor cores' products: fragments lie in the lanes' registers as the PTX manual's figures show them
// (mma.m16n8k8 for .tf32, mma.m16n8k16 for .bf16), so that a kernel that loads them wrongly gets wrong sums.
#pragma once

#include <array>

#include "cuda_on_cpu_device.hpp"

namespace cuda_on_cpu {

/// To the nearest value with 10 bits of mantissa, ties away from zero (cvt.rna).
inline unsigned to_tf32(float x) {
    const auto bits = std::bit_cast<unsigned>(x);
    return std::isfinite(x) ? (bits + 0x1000U) & ~0x1FFFU : bits;
}

/// To the nearest value with 7 bits of mantissa, ties to even (cvt.rn).
inline unsigned to_bf16(float x) {
    const auto bits = std::bit_cast<unsigned>(x);
    if (std::isnan(x)) return 0x7FFFU;
    return (bits + 0x7FFFU + (bits >> 16 & 1U)) >> 16;
}
inline unsigned to_bf16x2(float low, float high) { return to_bf16(high) << 16 | to_bf16(low); }

namespace mma {

/// All lanes' registers: [lane][0 … 3] of a, [lane][4, 5] of b.
using Registers = std::array<std::array<unsigned, 6>, 32>;

inline Registers gather(const unsigned (&a)[4], const unsigned (&b)[2], Where where) {
    Registers all{};
    const auto take = [&](unsigned first, unsigned second, std::size_t at) {
        const WarpValues values = exchange(~0U, std::uint64_t{second} << 32 | first, false, where);
        for (std::size_t lane = 0; lane < all.size(); ++lane) {
            all[lane][at] = static_cast<unsigned>(values.value[lane].load());
            all[lane][at + 1] = static_cast<unsigned>(values.value[lane].load() >> 32);
        }
    };
    take(a[0], a[1], 0);
    take(a[2], a[3], 2);
    take(b[0], b[1], 4);
    return all;
}

/// d += Σ_k a(row, k) · b(k, column) for the four sums that this lane keeps.
template <class A, class B>
void add_products(float (&d)[4], unsigned depth, const A& a, const B& b) {
    const unsigned lane = threadIdx.x % 32;
    for (unsigned i = 0; i < 4; ++i) {
        const unsigned row = lane / 4 + (i < 2 ? 0 : 8), column = 2 * (lane % 4) + i % 2;
        for (unsigned k = 0; k < depth; ++k) d[i] += a(row, k) * b(k, column);
    }
}

}  // namespace mma

/// All lanes of the warp; threads in one dimension.
inline void mma_m16n8k8_tf32(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2],
                             Where where = Where::here()) {
    const mma::Registers all = mma::gather(a, b, where);
    mma::add_products(
        d, 8,
        [&](unsigned row, unsigned k) {
            return std::bit_cast<float>(all[row % 8 * 4 + k % 4][row / 8 + 2 * (k / 4)]);
        },
        [&](unsigned k, unsigned column) {
            return std::bit_cast<float>(all[column * 4 + k % 4][4 + k / 4]);
        });
}

inline void mma_m16n8k16_bf16(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2],
                              Where where = Where::here()) {
    const mma::Registers all = mma::gather(a, b, where);
    const auto half = [](unsigned pair, unsigned k) {
        return std::bit_cast<float>((k % 2 == 0 ? pair : pair >> 16) << 16);
    };
    mma::add_products(
        d, 16,
        [&](unsigned row, unsigned k) {
            return half(all[row % 8 * 4 + k % 8 / 2][row / 8 + 2 * (k / 8)], k);
        },
        [&](unsigned k, unsigned column) { return half(all[column * 4 + k % 8 / 2][4 + k / 8], k); });
}

}  // namespace cuda_on_cpu
