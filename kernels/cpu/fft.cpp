// Real transforms of a batch: one FFTW plan per shape, executed once per signal, the batch split over the threads.
#include <cmath>

#include "kernels/cpu/backend.hpp"
#include "kernels/cpu/operations.hpp"
#include "kernels/ops/fft.hpp"

namespace spectral {

std::int64_t RfftMagnitude::scratch_size(std::int64_t batch, const SignalShape& shape) {
    return batch * shape.spectrum_size();
}

namespace cpu {

namespace {

PlanKey key(Direction direction, const SignalShape& shape) {
    PlanKey result{direction, shape.rank, {1, 1, 1}};
    for (std::size_t axis = 0; axis < static_cast<std::size_t>(shape.rank); ++axis)
        result.extent[axis] = shape.extent[axis];
    return result;
}

void run_rfft(Backend& backend, const Rfft& op) {
    if (op.batch == 0 || op.shape.size() == 0) return;
    const auto plan = as_cpu(backend).plans().get(key(Direction::forward, op.shape));
    const std::int64_t size = op.shape.size(), bins = op.shape.spectrum_size();
    as_cpu(backend).pool().split(op.batch, [&](int, std::int64_t begin, std::int64_t end) {
        for (std::int64_t b = begin; b < end; ++b) plan->forward(op.x + b * size, op.y + b * bins);
    });
}

void run_rfft_backward(Backend& backend, const RfftBackward& op) {
    if (op.batch == 0 || op.shape.size() == 0) return;
    const auto plan = as_cpu(backend).plans().get(key(Direction::backward, op.shape));
    const std::int64_t size = op.shape.size(), bins = op.shape.spectrum_size();
    const std::int64_t last = op.shape.extent[static_cast<std::size_t>(op.shape.rank - 1)];
    const std::int64_t last_bins = last / 2 + 1;
    as_cpu(backend).pool().split(op.batch, [&](int, std::int64_t begin, std::int64_t end) {
        for (std::int64_t b = begin; b < end; ++b) {
            // The inverse counts a bin with an implied mirror twice; the adjoint counts every stored bin once.
            for (std::int64_t i = 0; i < bins; ++i) {
                const std::int64_t f = i % last_bins;
                const bool mirrored = f != 0 && 2 * f != last;
                op.scratch[b * bins + i] = op.dy[b * bins + i] * (mirrored ? 0.5F : 1.0F);
            }
            plan->backward(op.scratch + b * bins, op.dx + b * size);
        }
    });
}

void magnitudes(const Complex* x, std::int64_t bins, float* y, std::int64_t stride) {
    const auto* parts = reinterpret_cast<const float*>(x);
    for (std::int64_t f = 0; f < bins; ++f)
        y[f] = std::sqrt(parts[2 * f] * parts[2 * f] + parts[2 * f + 1] * parts[2 * f + 1]);
    for (std::int64_t f = bins; f < stride; ++f) y[f] = 0;
}

void run_rfft_magnitude_unfused(Backend& backend, const RfftMagnitude& op) {
    run_rfft(backend, {op.batch, op.shape, op.x, op.scratch});
    const std::int64_t bins = op.shape.spectrum_size();
    for (std::int64_t b = 0; b < op.batch; ++b)
        magnitudes(op.scratch + b * bins, bins, op.y + b * op.y_stride, op.y_stride);
}

void run_rfft_magnitude_tiled(Backend& backend, const RfftMagnitude& op) {
    if (op.batch == 0 || op.shape.size() == 0) return;
    const auto plan = as_cpu(backend).plans().get(key(Direction::forward, op.shape));
    const std::int64_t size = op.shape.size(), bins = op.shape.spectrum_size();
    as_cpu(backend).pool().split(op.batch, [&](int, std::int64_t begin, std::int64_t end) {
        Complex* spectrum = op.scratch + begin * bins;  // each part reuses the first row of its own range
        for (std::int64_t b = begin; b < end; ++b) {
            plan->forward(op.x + b * size, spectrum);
            magnitudes(spectrum, bins, op.y + b * op.y_stride, op.y_stride);
        }
    });
}

}  // namespace

void add_fft(OpTable& table) {
    table.add<Rfft>(Level::tiled, run_rfft, "FFTW, one plan for the shape, the batch split over the threads");
    table.add<RfftBackward>(Level::tiled, run_rfft_backward, "scaled copy, then FFTW's inverse, split over the threads");
    table.add<RfftMagnitude>(Level::reference, run_rfft_magnitude_unfused, "all spectra first, then all magnitudes");
    table.add<RfftMagnitude>(Level::tiled, run_rfft_magnitude_tiled,
                             "each spectrum becomes magnitudes while it is in the cache; threads");
}

}  // namespace cpu

}  // namespace spectral
