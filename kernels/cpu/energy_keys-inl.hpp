// energy_key() of many values at once. Included once per target, hence no #pragma once.
#if defined(SPECTRAL_ENERGY_KEYS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef SPECTRAL_ENERGY_KEYS_INL
#undef SPECTRAL_ENERGY_KEYS_INL
#else
#define SPECTRAL_ENERGY_KEYS_INL
#endif

#include <hwy/highway.h>

#include "kernels/cpu/simd-inl.hpp"
#include "kernels/ops/select.hpp"

HWY_BEFORE_NAMESPACE();
namespace spectral::cpu::HWY_NAMESPACE {

using Keys = hn::RebindToUnsigned<Floats>;
using SignedKeys = hn::RebindToSigned<Floats>;

/// Keys are made and looked at in pieces that stay in the first-level cache; a multiple of every vector.
inline constexpr std::int64_t kKeyPiece = 1024;

/// key[i] = energy_key(x[i]).
HWY_INLINE void energy_keys(const Complex* x, std::int64_t size, std::uint32_t* HWY_RESTRICT key) {
    std::int64_t i = 0;
#if HWY_NATIVE_FMA  // elsewhere MulAdd rounds twice, which would make other keys
    const Floats d;
    const Keys bits;
    const auto* parts = reinterpret_cast<const float*>(x);
    const auto nan = hn::Set(bits, kNanKey);
    for (; i + lanes() <= size; i += lanes()) {
        Vector re, im;
        hn::LoadInterleaved2(d, parts + 2 * i, re, im);
        // NaN comes with either sign and any payload; without the sign all of them are kNanKey or above it.
        const auto energy = hn::Abs(hn::MulAdd(re, re, hn::Mul(im, im)));
        hn::StoreU(hn::Min(hn::BitCast(bits, energy), nan), bits, key + i);
    }
#endif
    for (; i < size; ++i) key[i] = energy_key(x[i]);
}

/// Calls body(offset, keys, count) for every piece of x[begin, end).
template <class Body>
HWY_INLINE void for_keys(const Complex* x, std::int64_t begin, std::int64_t end, const Body& body) {
    HWY_ALIGN std::uint32_t keys[kKeyPiece];
    for (std::int64_t i = begin; i < end; i += kKeyPiece) {
        const std::int64_t count = HWY_MIN(kKeyPiece, end - i);
        energy_keys(x + i, count, keys);
        body(i, static_cast<const std::uint32_t*>(keys), count);
    }
}

/// Whether each of the keys at `key` is at least `lowest`. Keys have 31 bits, so the signed compare does, which
/// is the one that every version of Highway has.
HWY_INLINE auto keys_from(const std::uint32_t* key, std::uint32_t lowest) {
    const SignedKeys d;
    return hn::Gt(hn::BitCast(d, hn::LoadU(Keys(), key)), hn::Set(d, static_cast<std::int32_t>(lowest) - 1));
}

/// Calls body(i) for every i < count with key[i] ≥ lowest, ascending. The vector compare passes over the many
/// that are below it.
template <class Body>
HWY_INLINE void for_keys_from(const std::uint32_t* key, std::int64_t count, std::uint32_t lowest,
                              const Body& body) {
    std::int64_t i = 0;
    for (; i + lanes() <= count; i += lanes()) {
        std::uint8_t bytes[8] = {};
        hn::StoreMaskBits(SignedKeys(), keys_from(key + i, lowest), bytes);
        for (std::uint32_t bits = bytes[0] | static_cast<std::uint32_t>(bytes[1]) << 8; bits != 0;
             bits &= bits - 1)
            body(i + std::countr_zero(bits));
    }
    for (; i < count; ++i)
        if (key[i] >= lowest) body(i);
}

/// How many of key[0, count) are at least `lowest`.
HWY_INLINE std::int64_t count_from(const std::uint32_t* key, std::int64_t count, std::uint32_t lowest) {
    std::int64_t found = 0, i = 0;
    for (; i + lanes() <= count; i += lanes())
        found += static_cast<std::int64_t>(hn::CountTrue(SignedKeys(), keys_from(key + i, lowest)));
    for (; i < count; ++i) found += key[i] >= lowest;
    return found;
}

}  // namespace spectral::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
