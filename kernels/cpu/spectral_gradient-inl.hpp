// The gradient of a spectrum of weights over a batch, in vector registers. Included once per target, hence no
// #pragma once.
#if defined(SPECTRAL_SPECTRAL_GRADIENT_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef SPECTRAL_SPECTRAL_GRADIENT_INL
#undef SPECTRAL_SPECTRAL_GRADIENT_INL
#else
#define SPECTRAL_SPECTRAL_GRADIENT_INL
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>

#include "kernels/cpu/complex.hpp"
#include "kernels/cpu/simd-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace spectral::cpu::HWY_NAMESPACE {

/// Columns of a tile: its sums stay in the first-level cache.
constexpr std::int64_t kGradientColumns = 512;

/// dw[i] = Σ_b conj(x[b,i])·dy[b,i], added to dw with `accumulate`;  i < width ≤ kGradientColumns, rows
/// `x_stride` and `dy_stride` apart.
HWY_INLINE void gradient_tile(std::int64_t batch, std::int64_t width, const Complex* x, std::int64_t x_stride,
                              const Complex* dy, std::int64_t dy_stride, bool accumulate, Complex* dw) {
    // Rows that are added in float32 before the sum moves on to double precision.
    constexpr std::int64_t kRows = 64;
    const Floats d;
    HWY_ALIGN float re[kGradientColumns], im[kGradientColumns];
    double total_re[kGradientColumns] = {}, total_im[kGradientColumns] = {};
    for (std::int64_t first = 0; first < batch; first += kRows) {
        std::fill_n(re, width, 0.0F);
        std::fill_n(im, width, 0.0F);
        for (std::int64_t b = first; b < std::min(batch, first + kRows); ++b) {
            const Complex *x_row = x + b * x_stride, *dy_row = dy + b * dy_stride;
            const auto *xs = reinterpret_cast<const float*>(x_row),
                       *dys = reinterpret_cast<const float*>(dy_row);
            std::int64_t i = 0;
            for (; i + lanes() <= width; i += lanes()) {
                Vector x_re, x_im, dy_re, dy_im;
                hn::LoadInterleaved2(d, xs + 2 * i, x_re, x_im);
                hn::LoadInterleaved2(d, dys + 2 * i, dy_re, dy_im);
                hn::Store(hn::MulAdd(x_re, dy_re, hn::MulAdd(x_im, dy_im, hn::Load(d, re + i))), d, re + i);
                hn::Store(hn::MulAdd(x_re, dy_im, hn::NegMulAdd(x_im, dy_re, hn::Load(d, im + i))), d,
                          im + i);
            }
            for (; i < width; ++i) {
                const Complex product = conjugate_multiply(x_row[i], dy_row[i]);
                re[i] += product.real();
                im[i] += product.imag();
            }
        }
        for (std::int64_t i = 0; i < width; ++i) {
            total_re[i] += static_cast<double>(re[i]);
            total_im[i] += static_cast<double>(im[i]);
        }
    }
    for (std::int64_t i = 0; i < width; ++i) {
        const Complex sum{static_cast<float>(total_re[i]), static_cast<float>(total_im[i])};
        dw[i] = accumulate ? dw[i] + sum : sum;
    }
}

}  // namespace spectral::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
