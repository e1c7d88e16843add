// A batch of spectra times one dense spectrum, and the gradient of that spectrum.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/spectral_multiply.cpp"
#include "kernels/ops/spectral_multiply.hpp"

#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>

#include "kernels/cpu/complex.hpp"
#include "kernels/cpu/operations.hpp"
#include "kernels/cpu/parts.hpp"
#include "kernels/cpu/simd-inl.hpp"
#include "kernels/cpu/spectral_gradient-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace spectral::cpu::HWY_NAMESPACE {

/// y = x·w, or x·conj w.
void multiply_row(const Complex* x, const Complex* w, std::int64_t size, bool conjugate, Complex* y) {
    const Floats d;
    const auto *xs = reinterpret_cast<const float*>(x), *ws = reinterpret_cast<const float*>(w);
    auto* ys = reinterpret_cast<float*>(y);
    const Vector sign = hn::Set(d, conjugate ? -1.0F : 1.0F);
    std::int64_t i = 0;
    for (; i + lanes() <= size; i += lanes()) {
        Vector x_re, x_im, w_re, w_im;
        hn::LoadInterleaved2(d, xs + 2 * i, x_re, x_im);
        hn::LoadInterleaved2(d, ws + 2 * i, w_re, w_im);
        w_im = hn::Mul(w_im, sign);
        hn::StoreInterleaved2(hn::NegMulAdd(x_im, w_im, hn::Mul(x_re, w_re)),
                              hn::MulAdd(x_re, w_im, hn::Mul(x_im, w_re)), d, ys + 2 * i);
    }
    for (; i < size; ++i) y[i] = conjugate ? conjugate_multiply(w[i], x[i]) : multiply(x[i], w[i]);
}

void gradient_columns(const SpectralWeightGradient& op, std::int64_t begin, std::int64_t end) {
    for (std::int64_t tile = begin; tile < end; tile += kGradientColumns)
        gradient_tile(op.batch, std::min(kGradientColumns, end - tile), op.x + tile, op.size, op.dy + tile,
                      op.size, false, op.dw + tile);
}

}  // namespace spectral::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spectral::cpu {

namespace {

HWY_EXPORT(multiply_row);
HWY_EXPORT(gradient_columns);

void run_multiply_reference(Backend& /*backend*/, const SpectralMultiply& op) {
    for (std::int64_t b = 0; b < op.batch; ++b) {
        for (std::int64_t i = 0; i < op.size; ++i) {
            const Complex x = op.x[b * op.size + i], w = op.w[i];
            op.y[b * op.size + i] = op.conjugate ? conjugate_multiply(w, x) : multiply(x, w);
        }
    }
}

void run_multiply(Backend& backend, const SpectralMultiply& op) {
    for_row_blocks(backend, op.batch, op.size, [&](std::int64_t b, std::int64_t begin, std::int64_t end) {
        const std::int64_t first = b * op.size + begin;
        HWY_DYNAMIC_DISPATCH(multiply_row)
        (op.x + first, op.w + begin, end - begin, op.conjugate, op.y + first);
    });
}

void run_gradient_reference(Backend& /*backend*/, const SpectralWeightGradient& op) {
    for (std::int64_t i = 0; i < op.size; ++i) {
        std::complex<double> sum;
        for (std::int64_t b = 0; b < op.batch; ++b)
            sum += widen(conjugate_multiply(op.x[b * op.size + i], op.dy[b * op.size + i]));
        op.dw[i] = Complex(sum);
    }
}

void run_gradient(Backend& backend, const SpectralWeightGradient& op) {
    // Whole cache lines for each thread, whatever the size.
    constexpr std::int64_t kLine = 8;
    as_cpu(backend).pool().split(
        (op.size + kLine - 1) / kLine, [&](int, std::int64_t begin, std::int64_t end) {
            HWY_DYNAMIC_DISPATCH(gradient_columns)(op, begin * kLine, std::min(op.size, end * kLine));
        });
}

}  // namespace

void add_spectral_multiply(OpTable& table) {
    table.add<SpectralMultiply>(Level::reference, run_multiply_reference, "one product after the other");
    table.add<SpectralMultiply>(Level::tiled, run_multiply,
                                "vector registers, blocks of rows split over the threads");
    table.add<SpectralWeightGradient>(Level::reference, run_gradient_reference,
                                      "weight by weight, added in double precision");
    table.add<SpectralWeightGradient>(
        Level::tiled, run_gradient,
        "vector registers, row by row over tiles of columns, which are split over the threads");
}

}  // namespace spectral::cpu
#endif  // HWY_ONCE
