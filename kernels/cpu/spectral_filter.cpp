// Filters between channels of spectra, their adjoint, and the gradient of the filters.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/spectral_filter.cpp"
#include "kernels/ops/spectral_filter.hpp"

#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>

#include "kernels/cpu/backend.hpp"
#include "kernels/cpu/complex.hpp"
#include "kernels/cpu/operations.hpp"
#include "kernels/cpu/simd-inl.hpp"
#include "kernels/cpu/spectral_gradient-inl.hpp"

#ifndef SPECTRAL_CPU_CHANNEL_SUMS
#define SPECTRAL_CPU_CHANNEL_SUMS
namespace spectral::cpu {

/// y[o] = Σ_i x[i]·w[o,i], or ·conj w, on the spectra of one group of one sample: forward and adjoint differ
/// in which strides of w are whose.
struct ChannelSums {
    std::int64_t inputs, outputs, bins, w_input, w_output;
    bool conjugate;
    const Complex* x;
    const Complex* w;
    Complex* y;
};

}  // namespace spectral::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace spectral::cpu::HWY_NAMESPACE {

/// Bins [begin, end).
void sum_channels(const ChannelSums& sums, std::int64_t begin, std::int64_t end) {
    const Floats d;
    const Vector sign = hn::Set(d, sums.conjugate ? -1.0F : 1.0F);
    for (std::int64_t o = 0; o < sums.outputs; ++o) {
        const Complex* w = sums.w + o * sums.w_output;
        Complex* y = sums.y + o * sums.bins;
        std::int64_t f = begin;
        for (; f + lanes() <= end; f += lanes()) {
            Vector re = hn::Zero(d), im = hn::Zero(d);
            for (std::int64_t i = 0; i < sums.inputs; ++i) {
                Vector x_re, x_im, w_re, w_im;
                hn::LoadInterleaved2(d, reinterpret_cast<const float*>(sums.x + i * sums.bins + f), x_re,
                                     x_im);
                hn::LoadInterleaved2(d, reinterpret_cast<const float*>(w + i * sums.w_input + f), w_re, w_im);
                w_im = hn::Mul(w_im, sign);
                re = hn::MulAdd(x_re, w_re, hn::NegMulAdd(x_im, w_im, re));
                im = hn::MulAdd(x_re, w_im, hn::MulAdd(x_im, w_re, im));
            }
            hn::StoreInterleaved2(re, im, d, reinterpret_cast<float*>(y + f));
        }
        for (; f < end; ++f) {
            Complex sum;
            for (std::int64_t i = 0; i < sums.inputs; ++i) {
                const Complex x = sums.x[i * sums.bins + f], weight = w[i * sums.w_input + f];
                sum += sums.conjugate ? conjugate_multiply(weight, x) : multiply(x, weight);
            }
            y[f] = sum;
        }
    }
}

/// The gradient of the filter from input channel i to output channel o, bins [begin, end), at most
/// kGradientColumns of them.
void filter_gradient(const SpectralFilterGradient& op, std::int64_t o, std::int64_t i, std::int64_t begin,
                     std::int64_t end) {
    const SpectralFilterShape& s = op.shape;
    const std::int64_t channel = o / s.group_outputs() * s.group_inputs() + i;
    gradient_tile(s.batch, end - begin, op.x + channel * s.bins + begin, s.in_channels * s.bins,
                  op.dy + o * s.bins + begin, s.out_channels * s.bins, op.accumulate,
                  op.dw + (o * s.group_inputs() + i) * s.bins + begin);
}

}  // namespace spectral::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spectral::cpu {

namespace {

HWY_EXPORT(sum_channels);
HWY_EXPORT(filter_gradient);

/// Bins that are worked on at a time: an input spectrum stays in the first-level cache for all outputs.
constexpr std::int64_t kTile = 512;

ChannelSums forward_sums(const SpectralFilter& op, std::int64_t b, std::int64_t g) {
    const SpectralFilterShape& s = op.shape;
    const std::int64_t in = s.group_inputs(), out = s.group_outputs();
    return {in,
            out,
            s.bins,
            s.bins,
            in * s.bins,
            false,
            op.x + (b * s.in_channels + g * in) * s.bins,
            op.w + g * out * in * s.bins,
            op.y + (b * s.out_channels + g * out) * s.bins};
}

ChannelSums adjoint_sums(const SpectralFilterBackward& op, std::int64_t b, std::int64_t g) {
    const SpectralFilterShape& s = op.shape;
    const std::int64_t in = s.group_inputs(), out = s.group_outputs();
    return {out,
            in,
            s.bins,
            in * s.bins,
            s.bins,
            true,
            op.dy + (b * s.out_channels + g * out) * s.bins,
            op.w + g * out * in * s.bins,
            op.dx + (b * s.in_channels + g * in) * s.bins};
}

/// sums_of(b, g) for every sample and group, tile by tile.
template <class SumsOf>
void sum_all(Backend& backend, const SpectralFilterShape& s, const SumsOf& sums_of) {
    const std::int64_t tiles = (s.bins + kTile - 1) / kTile;
    as_cpu(backend).pool().split(s.batch * s.groups * tiles, [&](int, std::int64_t first, std::int64_t last) {
        for (std::int64_t at = first; at < last; ++at) {
            const std::int64_t begin = at % tiles * kTile, sample = at / tiles;
            HWY_DYNAMIC_DISPATCH(sum_channels)
            (sums_of(sample / s.groups, sample % s.groups), begin, std::min(s.bins, begin + kTile));
        }
    });
}

void run_filter(Backend& backend, const SpectralFilter& op) {
    sum_all(backend, op.shape, [&](std::int64_t b, std::int64_t g) { return forward_sums(op, b, g); });
}

void run_filter_backward(Backend& backend, const SpectralFilterBackward& op) {
    sum_all(backend, op.shape, [&](std::int64_t b, std::int64_t g) { return adjoint_sums(op, b, g); });
}

void run_filter_gradient(Backend& backend, const SpectralFilterGradient& op) {
    const SpectralFilterShape& s = op.shape;
    const std::int64_t tiles = (s.bins + kTile - 1) / kTile, in = s.group_inputs();
    as_cpu(backend).pool().split(
        s.out_channels * in * tiles, [&](int, std::int64_t first, std::int64_t last) {
            for (std::int64_t at = first; at < last; ++at) {
                const std::int64_t begin = at % tiles * kTile, filter = at / tiles;
                HWY_DYNAMIC_DISPATCH(filter_gradient)
                (op, filter / in, filter % in, begin, std::min(s.bins, begin + kTile));
            }
        });
}

void sum_channels_reference(const ChannelSums& sums) {
    for (std::int64_t o = 0; o < sums.outputs; ++o) {
        for (std::int64_t f = 0; f < sums.bins; ++f) {
            std::complex<double> sum;
            for (std::int64_t i = 0; i < sums.inputs; ++i) {
                const Complex x = sums.x[i * sums.bins + f],
                              w = sums.w[o * sums.w_output + i * sums.w_input + f];
                sum += widen(sums.conjugate ? conjugate_multiply(w, x) : multiply(x, w));
            }
            sums.y[o * sums.bins + f] = Complex(sum);
        }
    }
}

void run_filter_reference(Backend& /*backend*/, const SpectralFilter& op) {
    for (std::int64_t b = 0; b < op.shape.batch; ++b)
        for (std::int64_t g = 0; g < op.shape.groups; ++g) sum_channels_reference(forward_sums(op, b, g));
}

void run_filter_backward_reference(Backend& /*backend*/, const SpectralFilterBackward& op) {
    for (std::int64_t b = 0; b < op.shape.batch; ++b)
        for (std::int64_t g = 0; g < op.shape.groups; ++g) sum_channels_reference(adjoint_sums(op, b, g));
}

void run_filter_gradient_reference(Backend& /*backend*/, const SpectralFilterGradient& op) {
    const SpectralFilterShape& s = op.shape;
    for (std::int64_t w = 0; w < s.weight_size(); ++w) {
        const std::int64_t f = w % s.bins, i = w / s.bins % s.group_inputs(),
                           o = w / s.bins / s.group_inputs();
        const std::int64_t channel = o / s.group_outputs() * s.group_inputs() + i;
        std::complex<double> sum;
        for (std::int64_t b = 0; b < s.batch; ++b)
            sum += widen(conjugate_multiply(op.x[(b * s.in_channels + channel) * s.bins + f],
                                            op.dy[(b * s.out_channels + o) * s.bins + f]));
        op.dw[w] = op.accumulate ? op.dw[w] + Complex(sum) : Complex(sum);
    }
}

}  // namespace

void add_spectral_filter(OpTable& table) {
    constexpr const char* kOneByOne = "one sum after the other, in double precision";
    table.add<SpectralFilter>(Level::reference, run_filter_reference, kOneByOne);
    table.add<SpectralFilter>(Level::tiled, run_filter,
                              "vector registers, tiles of bins of all channels, split over the threads");
    table.add<SpectralFilterBackward>(Level::reference, run_filter_backward_reference, kOneByOne);
    table.add<SpectralFilterBackward>(
        Level::tiled, run_filter_backward,
        "vector registers, tiles of bins of all channels, split over the threads");
    table.add<SpectralFilterGradient>(Level::reference, run_filter_gradient_reference, kOneByOne);
    table.add<SpectralFilterGradient>(
        Level::tiled, run_filter_gradient,
        "vector registers, sample by sample over tiles of filters, which are split over the threads");
}

}  // namespace spectral::cpu
#endif  // HWY_ONCE
