// Vector helpers shared by the Highway implementations. Included once per target, hence no #pragma once.
#if defined(SPECTRAL_SIMD_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef SPECTRAL_SIMD_INL
#undef SPECTRAL_SIMD_INL
#else
#define SPECTRAL_SIMD_INL
#endif

#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include <cstdint>

#include "kernels/types.hpp"

HWY_BEFORE_NAMESPACE();
namespace spectral::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// At most kRowAlignment lanes, so that padded rows hold whole vectors.
using Floats = hn::CappedTag<float, 16>;
using Vector = hn::Vec<Floats>;

HWY_INLINE std::int64_t lanes() { return static_cast<std::int64_t>(hn::Lanes(Floats())); }

/// Σ x[i]·y[i].
HWY_INLINE float dot(const float* HWY_RESTRICT x, const float* HWY_RESTRICT y, std::int64_t size) {
    const Floats d;
    const std::int64_t step = lanes();
    Vector sum0 = hn::Zero(d), sum1 = hn::Zero(d);
    std::int64_t i = 0;
    for (; i + 2 * step <= size; i += 2 * step) {
        sum0 = hn::MulAdd(hn::LoadU(d, x + i), hn::LoadU(d, y + i), sum0);
        sum1 = hn::MulAdd(hn::LoadU(d, x + i + step), hn::LoadU(d, y + i + step), sum1);
    }
    float tail = 0;
    for (; i < size; ++i) tail += x[i] * y[i];
    return hn::GetLane(hn::SumOfLanes(d, hn::Add(sum0, sum1))) + tail;
}

/// Calls body(i, width-tag) over [0, size): whole vectors, then single lanes for the rest.
template <class Body>
HWY_INLINE void for_lanes(std::int64_t size, const Body& body) {
    const std::int64_t step = lanes();
    std::int64_t i = 0;
    for (; i + step <= size; i += step) body(Floats(), i);
    for (; i < size; ++i) body(hn::CappedTag<float, 1>(), i);
}

/// pair[i] = u[i] + i·v[i].
HWY_INLINE void join(const float* u, const float* v, std::int64_t n, Complex* pair) {
    const Floats d;
    auto* parts = reinterpret_cast<float*>(pair);
    std::int64_t i = 0;
    for (; i + lanes() <= n; i += lanes())
        hn::StoreInterleaved2(hn::LoadU(d, u + i), hn::LoadU(d, v + i), d, parts + 2 * i);
    for (; i < n; ++i) pair[i] = {u[i], v[i]};
}

/// u[i] = Re pair[i], v[i] = Im pair[i].
HWY_INLINE void part(const Complex* pair, std::int64_t n, float* u, float* v) {
    const Floats d;
    const auto* parts = reinterpret_cast<const float*>(pair);
    std::int64_t i = 0;
    for (; i + lanes() <= n; i += lanes()) {
        Vector re, im;
        hn::LoadInterleaved2(d, parts + 2 * i, re, im);
        hn::StoreU(re, d, u + i);
        hn::StoreU(im, d, v + i);
    }
    for (; i < n; ++i) {
        u[i] = pair[i].real();
        v[i] = pair[i].imag();
    }
}

/// −log softmax(logits)[label] and softmax(logits) − onehot(label), times `scale`, into `gradient` (may be
/// null or `logits`). `correct` tells whether the largest logit, the first of equals, is the label's.
HWY_INLINE float softmax_nll_row(const float* logits, std::int64_t classes, std::int32_t label, float scale,
                                 float* gradient, bool& correct) {
    constexpr std::int64_t kBlock = 64;
    float largest = logits[0];
    std::int64_t best = 0;
    for (std::int64_t k = 1; k < classes; ++k) {
        if (logits[k] > largest) {
            largest = logits[k];
            best = k;
        }
    }
    correct = best == label;
    float sum = 0;
    HWY_ALIGN float powers[kBlock];
    const Floats d;
    const std::int64_t step = lanes();
    const float picked = logits[label];
    for (int pass = 0; pass < (gradient ? 2 : 1); ++pass) {
        // One block holds all classes of an ordinary classifier: the second pass then reuses its powers.
        for (std::int64_t begin = 0; begin < classes; begin += kBlock) {
            const std::int64_t count = HWY_MIN(kBlock, classes - begin);
            if (pass == 0 || classes > kBlock) {
                for (std::int64_t i = 0; i < count; ++i) powers[i] = logits[begin + i] - largest;
                for (std::int64_t i = count; i < (count + step - 1) / step * step; ++i) powers[i] = 0;
                for (std::int64_t i = 0; i < count; i += step)
                    hn::Store(hn::Exp(d, hn::Load(d, powers + i)), d, powers + i);
            }
            if (pass == 0)
                for (std::int64_t i = 0; i < count; ++i) sum += powers[i];
            else
                for (std::int64_t i = 0; i < count; ++i) gradient[begin + i] = powers[i] * (scale / sum);
        }
    }
    if (gradient) gradient[label] -= scale;
    return std::log(sum) - (picked - largest);
}

}  // namespace spectral::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
