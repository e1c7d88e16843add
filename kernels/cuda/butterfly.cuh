// Discrete Fourier transforms of a few points in registers: Y[q] = Σ_j v[j] e^{−2πi jq/kRadix}.
#pragma once

#include "kernels/cuda/device.cuh"

namespace spectral::cuda {

__device__ __forceinline__ float2 sum(float2 a, float2 b) { return make_float2(a.x + b.x, a.y + b.y); }
__device__ __forceinline__ float2 difference(float2 a, float2 b) { return make_float2(a.x - b.x, a.y - b.y); }
__device__ __forceinline__ float2 times_minus_i(float2 a) { return make_float2(a.y, -a.x); }

/// cos and sin of 2πk/kRadix, k = 1 … (kRadix − 1)/2.
template <int kRadix>
struct Turns;
template <>
struct Turns<3> {
    float cosine[1] = {-0.5F}, sine[1] = {0.8660254038F};
};
template <>
struct Turns<5> {
    float cosine[2] = {0.3090169944F, -0.8090169944F}, sine[2] = {0.9510565163F, 0.5877852523F};
};
template <>
struct Turns<7> {
    float cosine[3] = {0.6234898019F, -0.2225209340F, -0.9009688679F},
          sine[3] = {0.7818314825F, 0.9749279122F, 0.4338837391F};
};
template <>
struct Turns<11> {
    float cosine[5] = {0.8412535328F, 0.4154150130F, -0.1423148383F, -0.6548607339F, -0.9594929736F},
          sine[5] = {0.5406408175F, 0.9096319954F, 0.9898214419F, 0.7557495744F, 0.2817325568F};
};
template <>
struct Turns<13> {
    float cosine[6] = {0.8854560257F,  0.5680647467F,  0.1205366803F,
                       -0.3546048870F, -0.7485107482F, -0.9709418174F},
          sine[6] = {0.4647231720F, 0.8229838659F, 0.9927088741F,
                     0.9350162427F, 0.6631226582F, 0.2393156643F};
};

/// Y[q] and Y[kRadix − q] share their products with v[j] + v[kRadix − j] and v[j] − v[kRadix − j].
template <int kRadix, class Put>
__device__ __forceinline__ void odd_butterfly(float2 (&v)[kRadix], const Put& put) {
    constexpr int kHalf = (kRadix - 1) / 2;
    constexpr Turns<kRadix> kTurns{};
    float2 first = v[0];
#pragma unroll
    for (int j = 1; j <= kHalf; ++j) {
        const float2 even = sum(v[j], v[kRadix - j]), odd = difference(v[j], v[kRadix - j]);
        first = sum(first, even);
        v[j] = even;
        v[kRadix - j] = odd;
    }
    put(0, first);
#pragma unroll
    for (int q = 1; q <= kHalf; ++q) {
        float2 even = v[0], odd = make_float2(0, 0);
#pragma unroll
        for (int j = 1; j <= kHalf; ++j) {
            const int k = j * q % kRadix;
            const float cosine = kTurns.cosine[(k <= kHalf ? k : kRadix - k) - 1];
            const float sine = k <= kHalf ? kTurns.sine[k - 1] : -kTurns.sine[kRadix - k - 1];
            even = make_float2(fmaf(cosine, v[j].x, even.x), fmaf(cosine, v[j].y, even.y));
            odd = make_float2(fmaf(sine, v[kRadix - j].x, odd.x), fmaf(sine, v[kRadix - j].y, odd.y));
        }
        put(q, sum(even, times_minus_i(odd)));
        put(kRadix - q, difference(even, times_minus_i(odd)));
    }
}

__device__ __forceinline__ void four_points(float2& a, float2& b, float2& c, float2& d) {
    const float2 even = sum(a, c), odd = difference(a, c), other_even = sum(b, d),
                 other_odd = times_minus_i(difference(b, d));
    a = sum(even, other_even);
    b = sum(odd, other_odd);
    c = difference(even, other_even);
    d = difference(odd, other_odd);
}

/// `put(q, Y[q])` for every q, in some order; `v` is destroyed.
template <int kRadix, class Put>
__device__ __forceinline__ void butterfly(float2 (&v)[kRadix], const Put& put) {
    if constexpr (kRadix == 1) {
        put(0, v[0]);
    } else if constexpr (kRadix == 2) {
        put(0, sum(v[0], v[1]));
        put(1, difference(v[0], v[1]));
    } else if constexpr (kRadix == 4) {
        four_points(v[0], v[1], v[2], v[3]);
#pragma unroll
        for (int q = 0; q < 4; ++q) put(q, v[q]);
    } else if constexpr (kRadix == 8) {
        constexpr float kHalfRoot = 0.7071067812F;
        four_points(v[0], v[2], v[4], v[6]);
        four_points(v[1], v[3], v[5], v[7]);
        v[3] = make_float2(kHalfRoot * (v[3].x + v[3].y), kHalfRoot * (v[3].y - v[3].x));
        v[5] = times_minus_i(v[5]);
        v[7] = make_float2(kHalfRoot * (v[7].y - v[7].x), -kHalfRoot * (v[7].x + v[7].y));
#pragma unroll
        for (int q = 0; q < 4; ++q) {
            put(q, sum(v[2 * q], v[2 * q + 1]));
            put(q + 4, difference(v[2 * q], v[2 * q + 1]));
        }
    } else {
        odd_butterfly(v, put);
    }
}

}  // namespace spectral::cuda
