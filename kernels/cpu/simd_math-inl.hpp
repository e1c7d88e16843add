// Exponentials and the normal distribution function in vector registers. Included once per target, hence no
// #pragma once.
#if defined(SPECTRAL_SIMD_MATH_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef SPECTRAL_SIMD_MATH_INL
#undef SPECTRAL_SIMD_MATH_INL
#else
#define SPECTRAL_SIMD_MATH_INL
#endif

#include <hwy/highway.h>

#include <cstdint>

#include "kernels/cpu/simd-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace spectral::cpu::HWY_NAMESPACE {

/// The whole number nearest to x, at least −126, and two to its power. Adding 1.5·2^23 + 127 leaves what is
/// to be the exponent in the lowest bits.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V nearest_whole(D d, V x, V& power) {
    const hn::RebindToSigned<D> integers;
    const V shift = hn::Set(d, 12583039.0F);
    const V shifted = hn::Add(hn::Max(x, hn::Set(d, -126.0F)), shift);
    power = hn::BitCast(d, hn::ShiftLeft<23>(hn::BitCast(integers, shifted)));
    return hn::Sub(shifted, shift);
}

/// 2^f on [−1/2, 1/2]: of all polynomials of degree six the one with the least relative error, 1.9e-9.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V exp2_near_zero(D d, V f) {
    V power = hn::Set(d, 0x1.41d32ep-13F);
    power = hn::MulAdd(power, f, hn::Set(d, 0x1.5f456ap-10F));
    power = hn::MulAdd(power, f, hn::Set(d, 0x1.3b2dbcp-7F));
    power = hn::MulAdd(power, f, hn::Set(d, 0x1.c6aed4p-5F));
    power = hn::MulAdd(power, f, hn::Set(d, 0x1.ebfbdap-3F));
    power = hn::MulAdd(power, f, hn::Set(d, 0x1.62e430p-1F));
    return hn::MulAdd(power, f, hn::Set(d, 1.0F));
}

/// 2^x for x ≤ 0: 0 below −126, and not a number where x is none, which Highway's exponentials do not keep.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V exp2_of_non_positive(D d, V x) {
    V power;
    const V whole = nearest_whole(d, x, power);
    const V result = hn::Mul(exp2_near_zero(d, hn::Sub(x, whole)), power);
    return hn::IfThenZeroElse(hn::Lt(x, hn::Set(d, -126.0F)), result);
}

/// e^x for x ≤ 0: 0 below −87.3.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V exp_of_non_positive(D d, V x) {
    const V log2_e = hn::Set(d, 1.44269502F), rest_of_log2_e = hn::Set(d, 1.92596303e-8F);
    const V scaled = hn::Mul(x, log2_e);
    // What the product rounded off.
    const V low = hn::MulAdd(x, rest_of_log2_e, hn::MulSub(x, log2_e, scaled));
    V power;
    const V whole = nearest_whole(d, scaled, power);
    const V result = hn::Mul(exp2_near_zero(d, hn::Add(hn::Sub(scaled, whole), low)), power);
    return hn::IfThenZeroElse(hn::Lt(scaled, hn::Set(d, -126.0F)), result);
}

/// Φ(−a) for a = |x|, Φ the normal distribution function, and e^{−a²/2}.
template <class V>
struct NormalTail {
    V below, power;
};

/// Φ(−a) = e^{−a²/2}·r(t) with t = 1/(1 + 0.4·a/√2), where 2r is the polynomial of degree eight with the
/// least relative error (1.0e-7) to e^{z²}·erfc(z) for z = a/√2 ≤ 9.5: digits are kept far below zero too.
/// From 13 on Φ(−a) is taken to be 1e-38.
template <class D, class V = hn::Vec<D>>
HWY_INLINE NormalTail<V> normal_tail(D d, V a) {
    // Of two values of which one is not a number, the second is taken.
    a = hn::Min(hn::Set(d, 13.0F), a);
    const V scaled = hn::Mul(hn::Mul(a, a), hn::Set(d, -0.721347520F));
    V power;
    const V whole = nearest_whole(d, scaled, power);
    power = hn::Mul(exp2_near_zero(d, hn::Sub(scaled, whole)), power);
    const V size = hn::MulAdd(a, hn::Set(d, 0.282842712F), hn::Set(d, 1.0F));
    const V estimate = hn::ApproximateReciprocal(size);
    const V t = hn::Mul(estimate, hn::NegMulAdd(size, estimate, hn::Set(d, 2.0F)));
    V r = hn::Set(d, 0.0361530073F);
    r = hn::MulAdd(r, t, hn::Set(d, -0.194335073F));
    r = hn::MulAdd(r, t, hn::Set(d, 0.340736568F));
    r = hn::MulAdd(r, t, hn::Set(d, -0.191609114F));
    r = hn::MulAdd(r, t, hn::Set(d, 0.212808862F));
    r = hn::MulAdd(r, t, hn::Set(d, 0.0635533109F));
    r = hn::MulAdd(r, t, hn::Set(d, 0.120667055F));
    r = hn::MulAdd(r, t, hn::Set(d, 0.111985639F));
    r = hn::MulAdd(r, t, hn::Set(d, 3.96824762e-5F));
    return {hn::Mul(power, r), power};
}

/// x·Φ(x) = max(x, 0) − |x|·Φ(−|x|)
template <class D, class V = hn::Vec<D>>
HWY_INLINE V gelu(D d, V x) {
    const V a = hn::Abs(x);
    return hn::NegMulAdd(a, normal_tail(d, a).below, hn::Max(x, hn::Zero(d)));
}

/// Φ(x) + x·φ(x)
template <class D, class V = hn::Vec<D>>
HWY_INLINE V gelu_derivative(D d, V x) {
    const NormalTail<V> tail = normal_tail(d, hn::Abs(x));
    const V distribution =
        hn::IfThenElse(hn::Lt(x, hn::Zero(d)), tail.below, hn::Sub(hn::Set(d, 1.0F), tail.below));
    return hn::MulAdd(x, hn::Mul(tail.power, hn::Set(d, 0.398942280F)), distribution);
}

}  // namespace spectral::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
