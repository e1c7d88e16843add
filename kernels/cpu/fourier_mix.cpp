// Mixing by Fourier transforms: the half spectrum of each sample, then the real parts of all of it.
#include "kernels/ops/fourier_mix.hpp"

#include <cmath>

#include "kernels/cpu/backend.hpp"
#include "kernels/cpu/operations.hpp"
#include "kernels/ops/fft.hpp"

namespace spectral::cpu {

namespace {

/// Of a real array Re X[u,v] = Re X[−u,−v], which gives the columns that are not stored.
void real_parts(const Complex* spectrum, std::int64_t rows, std::int64_t columns, float scale, float* y) {
    const std::int64_t bins = columns / 2 + 1;
    for (std::int64_t u = 0; u < rows; ++u) {
        const Complex* stored = spectrum + u * bins;
        const Complex* opposite = spectrum + (rows - u) % rows * bins;
        float* row = y + u * columns;
        for (std::int64_t v = 0; v < bins; ++v) row[v] = scale * stored[v].real();
        for (std::int64_t v = bins; v < columns; ++v) row[v] = scale * opposite[columns - v].real();
    }
}

void run_fourier_mix(Backend& backend, const FourierMix& op) {
    const std::int64_t size = op.rows * op.columns;
    if (op.batch * size == 0) return;
    const SignalShape shape{2, {op.rows, op.columns}};
    const auto plan = as_cpu(backend).plans().get({FftwTransform::real_forward, shape});
    const auto scale = static_cast<float>(1 / std::sqrt(static_cast<double>(size)));
    as_cpu(backend).pool().split(op.batch, [&](int, std::int64_t begin, std::int64_t end) {
        for (std::int64_t b = begin; b < end; ++b) {
            Complex* spectrum = op.scratch + b * shape.spectrum_size();
            plan->forward(op.x + b * size, spectrum);
            real_parts(spectrum, op.rows, op.columns, scale, op.y + b * size);
        }
    });
}

}  // namespace

void add_fourier_mix(OpTable& table) {
    table.add<FourierMix>(Level::tiled, run_fourier_mix,
                          "FFTW, real parts while the spectrum is in the cache; split over the threads");
}

}  // namespace spectral::cpu
