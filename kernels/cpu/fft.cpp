// Real transforms of a batch: one FFTW plan per shape, executed once per signal, the batch split over the
// threads.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/fft.cpp"
#include "kernels/ops/fft.hpp"

#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "kernels/cpu/backend.hpp"
#include "kernels/cpu/fft_by_axes.hpp"
#include "kernels/cpu/lane_fft.hpp"
#include "kernels/cpu/operations.hpp"
#include "kernels/cpu/simd-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace spectral::cpu::HWY_NAMESPACE {

/// Magnitudes of the spectra of two real signals u and v out of Z = DFT(u + iv):
/// U[f] = (Z[f] + conj Z[n−f])/2, V[f] = (Z[f] − conj Z[n−f])/2i. `z` has n + 1 values, Z[n] = Z[0].
void split_magnitudes(const Complex* z, std::int64_t n, std::int64_t bins, float* u, float* v) {
    const Floats d;
    const auto* parts = reinterpret_cast<const float*>(z);
    const std::int64_t step = lanes();
    const Vector half = hn::Set(d, 0.5F);
    const auto whole_vector = [&](std::int64_t f) HWY_ATTR {
        Vector re, im, mirror_re, mirror_im;
        hn::LoadInterleaved2(d, parts + 2 * f, re, im);
        hn::LoadInterleaved2(d, parts + 2 * (n - f - step + 1), mirror_re, mirror_im);
        mirror_re = hn::Reverse(d, mirror_re);
        mirror_im = hn::Reverse(d, mirror_im);
        const Vector sum_re = hn::Add(re, mirror_re), sum_im = hn::Sub(im, mirror_im);
        const Vector difference_re = hn::Sub(re, mirror_re), difference_im = hn::Add(im, mirror_im);
        hn::StoreU(hn::Mul(half, hn::Sqrt(hn::MulAdd(sum_re, sum_re, hn::Mul(sum_im, sum_im)))), d, u + f);
        hn::StoreU(hn::Mul(half, hn::Sqrt(hn::MulAdd(difference_re, difference_re,
                                                     hn::Mul(difference_im, difference_im)))),
                   d, v + f);
    };
    if (bins >= step) {
        std::int64_t f = 0;
        for (; f + step <= bins; f += step) whole_vector(f);
        if (f < bins) whole_vector(bins - step);  // the last one overlaps the one before
        return;
    }
    for (std::int64_t f = 0; f < bins; ++f) {
        const Complex mirror = std::conj(z[n - f]);
        u[f] = 0.5F * std::abs(z[f] + mirror);
        v[f] = 0.5F * std::abs(z[f] - mirror);
    }
}

void scale_values(float factor, std::int64_t size, float* x) {
    for_lanes(size, [&](auto d, std::int64_t i)
                        HWY_ATTR { hn::StoreU(hn::Mul(hn::Set(d, factor), hn::LoadU(d, x + i)), d, x + i); });
}

void join_rows(const float* u, const float* v, std::int64_t n, Complex* pair) { join(u, v, n, pair); }

}  // namespace spectral::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spectral::cpu {

namespace {

HWY_EXPORT(split_magnitudes);
HWY_EXPORT(join_rows);
HWY_EXPORT(scale_values);

/// Whether every row of both arrays of a batch starts where plans for aligned arrays want it.
bool rows_are_aligned(std::int64_t batch, const SignalShape& shape, const float* real,
                      const Complex* spectrum) {
    constexpr std::uintptr_t kBoundary = 64;
    const auto stands = [](std::uintptr_t at) { return at % kBoundary == 0; };
    const auto bytes = [](std::int64_t count, std::size_t each) {
        return static_cast<std::uintptr_t>(count) * each;
    };
    return stands(reinterpret_cast<std::uintptr_t>(real)) &&
           stands(reinterpret_cast<std::uintptr_t>(spectrum)) &&
           (batch == 1 || (stands(bytes(shape.size(), sizeof(float))) &&
                           stands(bytes(shape.spectrum_size(), sizeof(Complex)))));
}

void run_rfft(Backend& backend, const Rfft& op) {
    if (op.batch == 0 || op.shape.size() == 0) return;
    if (goes_by_axes(op.batch, op.shape)) {
        forward_by_axes(backend, op.shape, op.x, op.y);
        return;
    }
    const auto plan = as_cpu(backend).plans().get(
        {FftwTransform::real_forward, op.shape, rows_are_aligned(op.batch, op.shape, op.x, op.y)});
    const std::int64_t size = op.shape.size(), bins = op.shape.spectrum_size();
    as_cpu(backend).pool().split(op.batch, [&](int, std::int64_t begin, std::int64_t end) {
        for (std::int64_t b = begin; b < end; ++b) plan->forward(op.x + b * size, op.y + b * bins);
    });
}

/// The inverse counts a bin with an implied mirror twice; the adjoint counts every stored bin once.
void halve_mirrored(const Complex* from, std::int64_t rows, std::int64_t last, Complex* to) {
    const std::int64_t bins = last / 2 + 1;
    for (std::int64_t row = 0; row < rows * bins; row += bins) {
        to[row] = from[row];
        for (std::int64_t f = row + 1; f < row + bins; ++f) to[f] = 0.5F * from[f];
        if (last > 1 && last % 2 == 0) to[row + last / 2] = from[row + last / 2];
    }
}

void run_rfft_backward(Backend& backend, const RfftBackward& op) {
    if (op.batch == 0 || op.shape.size() == 0) return;
    const std::int64_t size = op.shape.size(), bins = op.shape.spectrum_size();
    const std::int64_t last = op.shape.extent[static_cast<std::size_t>(op.shape.rank - 1)];
    ThreadPool& pool = as_cpu(backend).pool();
    if (goes_by_axes(op.batch, op.shape)) {
        const std::int64_t row = last / 2 + 1;
        pool.split(size / last, [&](int, std::int64_t begin, std::int64_t end) {
            halve_mirrored(op.dy + begin * row, end - begin, last, op.scratch + begin * row);
        });
        backward_by_axes(backend, op.shape, op.scratch, op.dx);
        return;
    }
    const auto plan = as_cpu(backend).plans().get(
        {FftwTransform::real_backward, op.shape, rows_are_aligned(op.batch, op.shape, op.dx, op.scratch)});
    pool.split(op.batch, [&](int, std::int64_t begin, std::int64_t end) {
        for (std::int64_t b = begin; b < end; ++b) {
            halve_mirrored(op.dy + b * bins, size / last, last, op.scratch + b * bins);
            plan->backward(op.scratch + b * bins, op.dx + b * size);
        }
    });
}

void run_irfft(Backend& backend, const Irfft& op) {
    if (op.batch == 0 || op.shape.size() == 0) return;
    const std::int64_t size = op.shape.size(), bins = op.shape.spectrum_size();
    const float scale = 1 / static_cast<float>(size);
    ThreadPool& pool = as_cpu(backend).pool();
    if (goes_by_axes(op.batch, op.shape)) {
        backward_by_axes(backend, op.shape, op.y, op.x);
        pool.split(size, [&](int, std::int64_t begin, std::int64_t end) {
            HWY_DYNAMIC_DISPATCH(scale_values)(scale, end - begin, op.x + begin);
        });
        return;
    }
    const auto plan = as_cpu(backend).plans().get(
        {FftwTransform::real_backward, op.shape, rows_are_aligned(op.batch, op.shape, op.x, op.y)});
    pool.split(op.batch, [&](int, std::int64_t begin, std::int64_t end) {
        for (std::int64_t b = begin; b < end; ++b) {
            plan->backward(op.y + b * bins, op.x + b * size);
            HWY_DYNAMIC_DISPATCH(scale_values)(scale, size, op.x + b * size);
        }
    });
}

/// What Irfft counts twice doubled, everything scaled.
void weigh_mirrored(float scale, std::int64_t rows, std::int64_t last, Complex* spectrum) {
    const std::int64_t bins = last / 2 + 1;
    HWY_DYNAMIC_DISPATCH(scale_values)(2 * scale, 2 * rows * bins, reinterpret_cast<float*>(spectrum));
    for (std::int64_t row = 0; row < rows * bins; row += bins) {
        spectrum[row] *= 0.5F;
        if (last > 1 && last % 2 == 0) spectrum[row + last / 2] *= 0.5F;
    }
}

void run_irfft_backward(Backend& backend, const IrfftBackward& op) {
    if (op.batch == 0 || op.shape.size() == 0) return;
    const std::int64_t size = op.shape.size(), bins = op.shape.spectrum_size();
    const std::int64_t last = op.shape.extent[static_cast<std::size_t>(op.shape.rank - 1)];
    const float scale = 1 / static_cast<float>(size);
    ThreadPool& pool = as_cpu(backend).pool();
    if (goes_by_axes(op.batch, op.shape)) {
        forward_by_axes(backend, op.shape, op.dx, op.dy);
        pool.split(size / last, [&](int, std::int64_t begin, std::int64_t end) {
            weigh_mirrored(scale, end - begin, last, op.dy + begin * (last / 2 + 1));
        });
        return;
    }
    const auto plan = as_cpu(backend).plans().get(
        {FftwTransform::real_forward, op.shape, rows_are_aligned(op.batch, op.shape, op.dx, op.dy)});
    pool.split(op.batch, [&](int, std::int64_t begin, std::int64_t end) {
        for (std::int64_t b = begin; b < end; ++b) {
            plan->forward(op.dx + b * size, op.dy + b * bins);
            weigh_mirrored(scale, size / last, last, op.dy + b * bins);
        }
    });
}

/// Where images fit vector lanes, else as the level below.
void run_rfft_in_lanes(Backend& backend, const Rfft& op) {
    if (!LaneFft::fits(op.shape)) return run_rfft(backend, op);
    as_cpu(backend).lane_plans().get(op.shape).forward(as_cpu(backend).pool(), op.batch, op.x, 1, 1, op.y);
}

void run_rfft_backward_in_lanes(Backend& backend, const RfftBackward& op) {
    if (!LaneFft::fits(op.shape)) return run_rfft_backward(backend, op);
    as_cpu(backend).lane_plans().get(op.shape).backward(as_cpu(backend).pool(), op.batch, op.dy, 1, 0.5F,
                                                        op.dx);
}

void run_irfft_in_lanes(Backend& backend, const Irfft& op) {
    if (!LaneFft::fits(op.shape)) return run_irfft(backend, op);
    as_cpu(backend).lane_plans().get(op.shape).backward(as_cpu(backend).pool(), op.batch, op.y,
                                                        1 / static_cast<float>(op.shape.size()), 1, op.x);
}

void run_irfft_backward_in_lanes(Backend& backend, const IrfftBackward& op) {
    if (!LaneFft::fits(op.shape)) return run_irfft_backward(backend, op);
    as_cpu(backend).lane_plans().get(op.shape).forward(as_cpu(backend).pool(), op.batch, op.dx,
                                                       1 / static_cast<float>(op.shape.size()), 2, op.dy);
}

void magnitudes(const Complex* x, std::int64_t bins, float* y, std::int64_t stride) {
    const auto* parts = reinterpret_cast<const float*>(x);
    for (std::int64_t f = 0; f < bins; ++f)
        y[f] = std::sqrt(parts[2 * f] * parts[2 * f] + parts[2 * f + 1] * parts[2 * f + 1]);
    for (std::int64_t f = bins; f < stride; ++f) y[f] = 0;
}

/// Signals without samples have no spectrum; their rows are padding.
bool fill_padding_alone(const RfftMagnitude& op) {
    if (op.shape.size() > 0) return false;
    std::fill_n(op.y, op.batch * op.y_stride, 0.0F);
    return true;
}

void run_rfft_magnitude_unfused(Backend& backend, const RfftMagnitude& op) {
    if (fill_padding_alone(op)) return;
    run_rfft(backend, {op.batch, op.shape, op.x, op.scratch});
    const std::int64_t bins = op.shape.spectrum_size();
    for (std::int64_t b = 0; b < op.batch; ++b)
        magnitudes(op.scratch + b * bins, bins, op.y + b * op.y_stride, op.y_stride);
}

/// One-dimensional signals two by two: a complex transform of the pair costs less than two real ones. The
/// rounding of the louder of the two, 1e-7 of its magnitudes, is then also in the other.
void pairs_to_magnitudes(const RfftMagnitude& op, const FftwPlan& plan, std::int64_t begin,
                         std::int64_t end) {
    const std::int64_t size = op.shape.size(), bins = op.shape.spectrum_size();
    Complex* pair =
        op.scratch + begin * 2 * rfft_scratch_row(op.shape);  // the first row of the range's own scratch
    Complex* spectrum = pair + rfft_scratch_row(op.shape);
    for (std::int64_t b = begin; b < end; b += 2) {
        const float* first = op.x + b * size;
        const bool single = b + 1 == end;
        const float* second = single ? first : first + size;
        HWY_DYNAMIC_DISPATCH(join_rows)(first, second, size, pair);
        plan.transform(pair, spectrum);
        spectrum[size] = spectrum[0];
        float* y = op.y + b * op.y_stride;
        float* second_y = single ? y : y + op.y_stride;
        HWY_DYNAMIC_DISPATCH(split_magnitudes)(spectrum, size, bins, y, second_y);
        std::fill(y + bins, y + op.y_stride, 0.0F);
        std::fill(second_y + bins, second_y + op.y_stride, 0.0F);
    }
}

void signals_to_magnitudes(const RfftMagnitude& op, const FftwPlan& plan, std::int64_t begin,
                           std::int64_t end) {
    const std::int64_t size = op.shape.size(), bins = op.shape.spectrum_size();
    Complex* spectrum = op.scratch + begin * 2 * rfft_scratch_row(op.shape);
    auto* signal = reinterpret_cast<float*>(spectrum + rfft_scratch_row(op.shape));
    for (std::int64_t b = begin; b < end; ++b) {
        std::copy_n(op.x + b * size, size, signal);
        plan.forward(signal, spectrum);
        magnitudes(spectrum, bins, op.y + b * op.y_stride, op.y_stride);
    }
}

void run_rfft_magnitude_tiled(Backend& backend, const RfftMagnitude& op) {
    if (op.batch == 0 || fill_padding_alone(op)) return;
    const bool pairs = op.shape.rank == 1;
    const auto plan = as_cpu(backend).plans().get(
        {pairs ? FftwTransform::complex_forward : FftwTransform::real_forward, op.shape, true});
    as_cpu(backend).pool().split(op.batch, [&](int, std::int64_t begin, std::int64_t end) {
        if (pairs)
            pairs_to_magnitudes(op, *plan, begin, end);
        else
            signals_to_magnitudes(op, *plan, begin, end);
    });
}

}  // namespace

void add_fft(OpTable& table) {
    table.add<Rfft>(Level::tiled, run_rfft,
                    "FFTW, the batch split over the threads; one large signal by its axes");
    table.add<RfftBackward>(Level::tiled, run_rfft_backward,
                            "scaled copy, then FFTW's inverse, split over the threads");
    table.add<Irfft>(Level::tiled, run_irfft,
                     "FFTW's inverse in place, scaled while it is in the cache; split over the threads");
    table.add<IrfftBackward>(Level::tiled, run_irfft_backward,
                             "FFTW, scaled while it is in the cache; split over the threads");
    constexpr const char* kInLanes = "small images side by side in vector lanes; other shapes as at level 4";
    table.add<Rfft>(Level::custom, run_rfft_in_lanes, kInLanes);
    table.add<RfftBackward>(Level::custom, run_rfft_backward_in_lanes, kInLanes);
    table.add<Irfft>(Level::custom, run_irfft_in_lanes, kInLanes);
    table.add<IrfftBackward>(Level::custom, run_irfft_backward_in_lanes, kInLanes);
    table.add<RfftMagnitude>(Level::reference, run_rfft_magnitude_unfused,
                             "all spectra first, then all magnitudes");
    table.add<RfftMagnitude>(
        Level::tiled, run_rfft_magnitude_tiled,
        "two signals in one complex transform, magnitudes while it is in the cache; threads");
}

}  // namespace spectral::cpu
#endif  // HWY_ONCE
