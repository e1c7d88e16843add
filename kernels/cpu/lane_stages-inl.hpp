// Passes of Fourier transforms on vectors, each of whose lanes belongs to another signal. Included once per
// target, hence no #pragma once.
#if defined(SPECTRAL_LANE_STAGES_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef SPECTRAL_LANE_STAGES_INL
#undef SPECTRAL_LANE_STAGES_INL
#else
#define SPECTRAL_LANE_STAGES_INL
#endif

#include <cstddef>
#include <cstdint>

#include "kernels/cpu/lane_fft.hpp"
#include "kernels/cpu/simd-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace spectral::cpu::HWY_NAMESPACE {

/// One complex value of every image.
struct Values {
    Vector re, im;
};

/// Complex values of every image, `step` floats apart. The inverse transform is the forward one with the real
/// and imaginary parts in each other's place.
struct LaneView {
    float* re;
    float* im;
    std::int64_t step;

    HWY_INLINE Values load(std::int64_t i) const {
        return {hn::Load(Floats(), re + i * step), hn::Load(Floats(), im + i * step)};
    }
    HWY_INLINE void store(std::int64_t i, Values v) const {
        hn::Store(v.re, Floats(), re + i * step);
        hn::Store(v.im, Floats(), im + i * step);
    }
    LaneView swapped() const { return {im, re, step}; }
};

HWY_INLINE Values add(Values a, Values b) { return {hn::Add(a.re, b.re), hn::Add(a.im, b.im)}; }
HWY_INLINE Values subtract(Values a, Values b) { return {hn::Sub(a.re, b.re), hn::Sub(a.im, b.im)}; }

/// a[q] ← Σ_k a[k]·e^{−2πi·qk/R} for odd R: values and their mirrors share their products.
template <std::size_t R>
HWY_INLINE void butterfly(const float* roots, Values (&a)[R]) {
    const Floats d;
    constexpr std::size_t kHalf = R / 2;
    Values sum[kHalf], difference[kHalf];
    Values all = a[0];
#pragma GCC unroll 8
    for (std::size_t k = 0; k < kHalf; ++k) {
        sum[k] = add(a[k + 1], a[R - 1 - k]);
        difference[k] = subtract(a[k + 1], a[R - 1 - k]);
        all = add(all, sum[k]);
    }
    const Values first = a[0];
    a[0] = all;
#pragma GCC unroll 8
    for (std::size_t q = 1; q <= kHalf; ++q) {
        Values even = first;
        Values odd{hn::Zero(d), hn::Zero(d)};
#pragma GCC unroll 8
        for (std::size_t k = 1; k <= kHalf; ++k) {
            const Vector cosine = hn::Set(d, roots[q * k % R]), sine = hn::Set(d, roots[R + q * k % R]);
            even.re = hn::MulAdd(cosine, sum[k - 1].re, even.re);
            even.im = hn::MulAdd(cosine, sum[k - 1].im, even.im);
            odd.re = hn::MulAdd(sine, difference[k - 1].re, odd.re);
            odd.im = hn::MulAdd(sine, difference[k - 1].im, odd.im);
        }
        a[q] = {hn::Add(even.re, odd.im), hn::Sub(even.im, odd.re)};
        a[R - q] = {hn::Sub(even.re, odd.im), hn::Add(even.im, odd.re)};
    }
}

template <>
HWY_INLINE void butterfly<2>(const float* /*roots*/, Values (&a)[2]) {
    const Values first = a[0];
    a[0] = add(first, a[1]);
    a[1] = subtract(first, a[1]);
}

template <>
HWY_INLINE void butterfly<4>(const float* /*roots*/, Values (&a)[4]) {
    const Values even = add(a[0], a[2]), even_turned = subtract(a[0], a[2]), odd = add(a[1], a[3]),
                 odd_turned = subtract(a[1], a[3]);
    a[0] = add(even, odd);
    a[2] = subtract(even, odd);
    a[1] = {hn::Add(even_turned.re, odd_turned.im), hn::Sub(even_turned.im, odd_turned.re)};
    a[3] = {hn::Sub(even_turned.re, odd_turned.im), hn::Add(even_turned.im, odd_turned.re)};
}

template <std::size_t R>
void run_stage(const LaneStage& stage, LaneView from, LaneView to) {
    const Floats d;
    constexpr std::int64_t kRadix{R};
    const std::int64_t parts = stage.parts, stride = stage.stride;
    for (std::int64_t part = 0; part < parts; ++part) {
        const float* twiddles = stage.twiddles.data() + part * (kRadix - 1) * 2;
        for (std::int64_t q = 0; q < stride; ++q) {
            Values a[R];
#pragma GCC unroll 16
            for (std::int64_t i = 0; i < kRadix; ++i) a[i] = from.load(q + stride * (part + parts * i));
            butterfly<R>(stage.roots.data(), a);
            to.store(q + stride * kRadix * part, a[0]);
#pragma GCC unroll 16
            for (std::int64_t i = 1; i < kRadix; ++i) {
                if (part > 0) {
                    const Vector re = hn::Set(d, twiddles[2 * i - 2]), im = hn::Set(d, twiddles[2 * i - 1]);
                    a[i] = {hn::NegMulAdd(a[i].im, im, hn::Mul(a[i].re, re)),
                            hn::MulAdd(a[i].re, im, hn::Mul(a[i].im, re))};
                }
                to.store(q + stride * (kRadix * part + i), a[i]);
            }
        }
    }
}

void run_stage(const LaneStage& stage, LaneView from, LaneView to) {
    switch (stage.radix) {
        case 2:
            return run_stage<2>(stage, from, to);
        case 3:
            return run_stage<3>(stage, from, to);
        case 4:
            return run_stage<4>(stage, from, to);
        case 5:
            return run_stage<5>(stage, from, to);
        case 7:
            return run_stage<7>(stage, from, to);
        case 11:
            return run_stage<11>(stage, from, to);
        default:
            return run_stage<13>(stage, from, to);
    }
}

}  // namespace spectral::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
