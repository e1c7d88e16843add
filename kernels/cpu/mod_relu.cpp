// modReLU on complex values, and its gradient.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/mod_relu.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <cmath>

#include "kernels/cpu/complex.hpp"
#include "kernels/cpu/operations.hpp"
#include "kernels/cpu/parts.hpp"
#include "kernels/cpu/simd-inl.hpp"
#include "kernels/ops/spectral_filter.hpp"

HWY_BEFORE_NAMESPACE();
namespace spectral::cpu::HWY_NAMESPACE {

/// β/|x|, −1 where |x| + β ≤ 0 or x = 0: y is x·(1 + this). Not a number where x is none.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V relative_bias(D d, V bias, V magnitude) {
    const auto off = hn::Or(hn::Le(hn::Add(magnitude, bias), hn::Zero(d)), hn::Eq(magnitude, hn::Zero(d)));
    return hn::IfThenElse(off, hn::Set(d, -1.0F), hn::Div(bias, magnitude));
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V magnitude_of(D, V re, V im) {
    return hn::Sqrt(hn::MulAdd(re, re, hn::Mul(im, im)));
}

void mod_relu_row(const Complex* x, float bias, std::int64_t size, Complex* y) {
    const auto* xs = reinterpret_cast<const float*>(x);
    auto* ys = reinterpret_cast<float*>(y);
    for_lanes(size, [&](auto d, std::int64_t i) HWY_ATTR {
        hn::Vec<decltype(d)> re, im;
        hn::LoadInterleaved2(d, xs + 2 * i, re, im);
        const auto factor =
            hn::Add(hn::Set(d, 1.0F), relative_bias(d, hn::Set(d, bias), magnitude_of(d, re, im)));
        hn::StoreInterleaved2(hn::Mul(re, factor), hn::Mul(im, factor), d, ys + 2 * i);
    });
}

/// Returns the row's part of ∂loss/∂bias.
double mod_relu_backward_row(const Complex* x, float bias, const Complex* dy, std::int64_t size,
                             Complex* dx) {
    const auto *xs = reinterpret_cast<const float*>(x), *dys = reinterpret_cast<const float*>(dy);
    auto* dxs = reinterpret_cast<float*>(dx);
    double sum = 0;
    for_lanes(size, [&](auto d, std::int64_t i) HWY_ATTR {
        const auto one = hn::Set(d, 1.0F);
        hn::Vec<decltype(d)> re, im, dy_re, dy_im;
        hn::LoadInterleaved2(d, xs + 2 * i, re, im);
        hn::LoadInterleaved2(d, dys + 2 * i, dy_re, dy_im);
        const auto magnitude = magnitude_of(d, re, im);
        const auto relative = relative_bias(d, hn::Set(d, bias), magnitude);
        const auto off = hn::Eq(relative, hn::Neg(one));
        const auto inverse = hn::IfThenZeroElse(off, hn::Div(one, magnitude));
        // The unit vector along x, and how much of dy points along it.
        const auto unit_re = hn::Mul(re, inverse), unit_im = hn::Mul(im, inverse);
        const auto along = hn::MulAdd(unit_re, dy_re, hn::Mul(unit_im, dy_im));
        const auto factor = hn::Add(one, relative), turned = hn::Mul(relative, along);
        hn::StoreInterleaved2(hn::NegMulAdd(turned, unit_re, hn::Mul(factor, dy_re)),
                              hn::NegMulAdd(turned, unit_im, hn::Mul(factor, dy_im)), d, dxs + 2 * i);
        sum += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, along)));
    });
    return sum;
}

}  // namespace spectral::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spectral::cpu {

namespace {

HWY_EXPORT(mod_relu_row);
HWY_EXPORT(mod_relu_backward_row);

void run_mod_relu(Backend& backend, const ModRelu& op) {
    as_cpu(backend).pool().split(op.batch * op.channels, [&](int, std::int64_t begin, std::int64_t end) {
        for (std::int64_t row = begin; row < end; ++row) HWY_DYNAMIC_DISPATCH(mod_relu_row)
        (op.x + row * op.size, op.bias[row % op.channels], op.size, op.y + row * op.size);
    });
}

void run_mod_relu_backward(Backend& backend, const ModReluBackward& op) {
    as_cpu(backend).pool().split(op.channels, [&](int, std::int64_t begin, std::int64_t end) {
        for (std::int64_t c = begin; c < end; ++c) {
            double sum = 0;
            for (std::int64_t b = 0; b < op.batch; ++b) {
                const std::int64_t first = (b * op.channels + c) * op.size;
                sum += HWY_DYNAMIC_DISPATCH(mod_relu_backward_row)(op.x + first, op.bias[c], op.dy + first,
                                                                   op.size, op.dx + first);
            }
            op.dbias[c] = (op.accumulate ? op.dbias[c] : 0.0F) + static_cast<float>(sum);
        }
    });
}

/// As the definition reads: whether y is not 0 there.
bool is_on(double magnitude, double bias) { return magnitude != 0 && !(magnitude + bias <= 0); }

void run_mod_relu_reference(Backend& /*backend*/, const ModRelu& op) {
    for (std::int64_t i = 0; i < op.batch * op.channels * op.size; ++i) {
        const double magnitude = std::sqrt(energy(op.x[i])),
                     bias = static_cast<double>(op.bias[i / op.size % op.channels]);
        op.y[i] = is_on(magnitude, bias) ? Complex(widen(op.x[i]) * (1 + bias / magnitude)) : Complex(0);
    }
}

void run_mod_relu_backward_reference(Backend& /*backend*/, const ModReluBackward& op) {
    for (std::int64_t c = 0; c < op.channels; ++c) {
        const auto bias = static_cast<double>(op.bias[c]);
        double sum = 0;
        for (std::int64_t at = 0; at < op.batch * op.size; ++at) {
            const std::int64_t i = (at / op.size * op.channels + c) * op.size + at % op.size;
            const std::complex<double> x = widen(op.x[i]), dy = widen(op.dy[i]);
            const double magnitude = std::sqrt(energy(op.x[i]));
            if (!is_on(magnitude, bias)) {
                op.dx[i] = 0;
                continue;
            }
            const double along = (std::conj(x) * dy).real() / magnitude;
            op.dx[i] = Complex(dy * (1 + bias / magnitude) - x * (bias * along / (magnitude * magnitude)));
            sum += along;
        }
        op.dbias[c] = (op.accumulate ? op.dbias[c] : 0.0F) + static_cast<float>(sum);
    }
}

}  // namespace

void add_mod_relu(OpTable& table) {
    table.add<ModRelu>(Level::reference, run_mod_relu_reference, "value by value, in double precision");
    table.add<ModRelu>(Level::tiled, run_mod_relu, "vector registers, rows split over the threads");
    table.add<ModReluBackward>(Level::reference, run_mod_relu_backward_reference,
                               "value by value, in double precision");
    table.add<ModReluBackward>(Level::tiled, run_mod_relu_backward,
                               "vector registers, channels split over the threads");
}

}  // namespace spectral::cpu
#endif  // HWY_ONCE
