// The two products that PureFFT makes with a batch, in vector registers: rows · matrixᵀ, and δᵀ · rows.
// Included once per Highway target, hence no #pragma once.
#if defined(SPECTRAL_PUREFFT_BATCH_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef SPECTRAL_PUREFFT_BATCH_INL
#undef SPECTRAL_PUREFFT_BATCH_INL
#else
#define SPECTRAL_PUREFFT_BATCH_INL
#endif

#include <hwy/cache_control.h>

#include "kernels/cpu/simd-inl.hpp"
#include "kernels/ops/purefft.hpp"

HWY_BEFORE_NAMESPACE();
namespace spectral::cpu::HWY_NAMESPACE {

/// Classes × samples sums that live in registers at once: 20 of 32 registers, or 10 of 16.
inline constexpr int kClassBlock = 5;
inline constexpr int kSampleBlock = HWY_MAX_BYTES >= 64 ? 4 : 2;

/// out[s·out_stride + k] = Σ_f rows[s][f] · matrix[k·stride + f] for kSamples rows and kClasses classes.
/// `next`: kSamples rows to be fetched into the cache meanwhile, or null. A shuffled epoch jumps from row to
/// row, which the hardware's prefetching does not follow: without this, half the time of a step is waiting.
template <int kSamples, int kClasses>
HWY_INLINE void dot_block(const float* const* rows, const float* const* next,
                          const float* HWY_RESTRICT matrix, std::int64_t stride, float* out,
                          std::int64_t out_stride) {
    const Floats d;
    Vector sums[std::size_t{kSamples}][std::size_t{kClasses}];
#pragma GCC unroll 8
    for (int s = 0; s < kSamples; ++s)
#pragma GCC unroll 8
        for (int k = 0; k < kClasses; ++k) sums[s][k] = hn::Zero(d);
    for (std::int64_t f = 0; f < stride; f += lanes()) {
        Vector m[std::size_t{kClasses}];
#pragma GCC unroll 8
        for (int k = 0; k < kClasses; ++k) m[k] = hn::Load(d, matrix + k * stride + f);
#pragma GCC unroll 8
        for (int s = 0; s < kSamples; ++s) {
            if (next != nullptr) hwy::Prefetch(next[s] + f);
            const Vector x = hn::Load(d, rows[s] + f);
#pragma GCC unroll 8
            for (int k = 0; k < kClasses; ++k) sums[s][k] = hn::MulAdd(x, m[k], sums[s][k]);
        }
    }
#pragma GCC unroll 8
    for (int s = 0; s < kSamples; ++s)
#pragma GCC unroll 8
        for (int k = 0; k < kClasses; ++k)
            out[s * out_stride + k] = hn::GetLane(hn::SumOfLanes(d, sums[s][k]));
}

template <int kSamples>
HWY_INLINE void dot_classes(const float* const* rows, const float* const* next, const float* matrix,
                            std::int64_t stride, std::int64_t classes, float* out) {
    std::int64_t k = 0;
    for (; k + kClassBlock <= classes; k += kClassBlock)
        dot_block<kSamples, kClassBlock>(rows, k == 0 ? next : nullptr, matrix + k * stride, stride, out + k,
                                         classes);
    for (; k < classes; ++k)
        dot_block<kSamples, 1>(rows, nullptr, matrix + k * stride, stride, out + k, classes);
}

/// out[b,k] = Σ_f row(b)[f] · matrix[k·stride + f] for count rows; `row(b)` gives 64-byte aligned padded
/// rows.
template <class Row>
HWY_INLINE void rows_by_matrix(std::int64_t count, const Row& row, const float* matrix, std::int64_t stride,
                               std::int64_t classes, float* out) {
    const float *rows[kSampleBlock], *next[kSampleBlock];
    std::int64_t b = 0;
    for (; b + kSampleBlock <= count; b += kSampleBlock) {
        for (int s = 0; s < kSampleBlock; ++s) {
            rows[s] = row(b + s);
            next[s] = row(HWY_MIN(b + kSampleBlock + s, count - 1));
        }
        dot_classes<kSampleBlock>(rows, next, matrix, stride, classes, out + b * classes);
    }
    for (; b < count; ++b) {
        rows[0] = row(b);
        dot_classes<1>(rows, nullptr, matrix, stride, classes, out + b * classes);
    }
}

/// kVectors vectors of columns from f on, kClasses classes: matrix[k,f] += Σ_b delta[b·classes + k] ·
/// row(b)[f].
template <int kVectors, int kClasses, class Row>
HWY_INLINE void outer_block(std::int64_t count, const Row& row, const float* delta, std::int64_t classes,
                            std::int64_t f, float* HWY_RESTRICT matrix, std::int64_t stride) {
    const Floats d;
    Vector sums[std::size_t{kClasses}][std::size_t{kVectors}];
#pragma GCC unroll 8
    for (int k = 0; k < kClasses; ++k)
#pragma GCC unroll 8
        for (int v = 0; v < kVectors; ++v) sums[k][v] = hn::Load(d, matrix + k * stride + f + v * lanes());
    for (std::int64_t b = 0; b < count; ++b) {
        const float* x = row(b) + f;
        Vector values[std::size_t{kVectors}];
#pragma GCC unroll 8
        for (int v = 0; v < kVectors; ++v) values[v] = hn::Load(d, x + v * lanes());
#pragma GCC unroll 8
        for (int k = 0; k < kClasses; ++k) {
            const Vector scale = hn::Set(d, delta[b * classes + k]);
#pragma GCC unroll 8
            for (int v = 0; v < kVectors; ++v) sums[k][v] = hn::MulAdd(scale, values[v], sums[k][v]);
        }
    }
#pragma GCC unroll 8
    for (int k = 0; k < kClasses; ++k)
#pragma GCC unroll 8
        for (int v = 0; v < kVectors; ++v) hn::Store(sums[k][v], d, matrix + k * stride + f + v * lanes());
}

/// matrix[k,f] += Σ_b delta[b,k] · row(b)[f] over count rows and all padded columns.
template <class Row>
HWY_INLINE void add_outer(std::int64_t count, const Row& row, const float* delta, std::int64_t classes,
                          float* matrix, std::int64_t stride) {
    constexpr int kWide = kSampleBlock;
    const std::int64_t step = lanes();
    const auto columns = [&](auto vectors, std::int64_t f) HWY_ATTR {
        constexpr int kVectors = decltype(vectors)::value;
        std::int64_t k = 0;
        for (; k + kClassBlock <= classes; k += kClassBlock)
            outer_block<kVectors, kClassBlock>(count, row, delta + k, classes, f, matrix + k * stride,
                                               stride);
        for (; k < classes; ++k)
            outer_block<kVectors, 1>(count, row, delta + k, classes, f, matrix + k * stride, stride);
    };
    std::int64_t f = 0;
    for (; f + kWide * step <= stride; f += kWide * step) columns(std::integral_constant<int, kWide>(), f);
    for (; f < stride; f += step) columns(std::integral_constant<int, 1>(), f);
}

}  // namespace spectral::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
