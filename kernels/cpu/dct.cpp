// Cosine transforms by FFTW, the batch split over the threads; one large signal by its axes.
#include "kernels/ops/dct.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/cpu/backend.hpp"
#include "kernels/cpu/fft_by_axes.hpp"
#include "kernels/cpu/operations.hpp"

namespace spectral::cpu {

namespace {

/// to = from · base · zero^(axes along which the frequency is zero): FFTW's transforms are not normalised.
void scale(const SignalShape& shape, double base, double zero, const float* from, float* to) {
    const std::int64_t last = shape.extent[static_cast<std::size_t>(shape.rank - 1)];
    for (std::int64_t line = 0; line < shape.size() / last; ++line) {
        double factor = base;
        std::int64_t rest = line;
        for (int axis = shape.rank - 2; axis >= 0; --axis) {
            const std::int64_t n = shape.extent[static_cast<std::size_t>(axis)];
            if (rest % n == 0) factor *= zero;
            rest /= n;
        }
        const auto each = static_cast<float>(factor);
        const float* x = from + line * last;
        float* y = to + line * last;
        y[0] = static_cast<float>(factor * zero) * x[0];
        for (std::int64_t i = 1; i < last; ++i) y[i] = each * x[i];
    }
}

void run_dct(Backend& backend, const Dct& op) {
    const std::int64_t size = op.shape.size();
    if (op.batch == 0 || size == 0) return;
    if (goes_by_axes(op.batch, op.shape)) {
        cosine_by_axes(backend, op.shape, op.inverse, op.x, op.y);
        return;
    }
    const auto plan = as_cpu(backend).plans().get(
        {op.inverse ? FftwTransform::cosine_backward : FftwTransform::cosine_forward, op.shape});
    const double base = std::sqrt(std::ldexp(1 / static_cast<double>(size), -op.shape.rank));
    as_cpu(backend).pool().split(op.batch, [&](int, std::int64_t begin, std::int64_t end) {
        for (std::int64_t b = begin; b < end; ++b) {
            const float* x = op.x + b * size;
            float* y = op.y + b * size;
            if (op.inverse) {
                scale(op.shape, base, std::sqrt(2), x, y);
                plan->cosine(y);
            } else {
                std::copy_n(x, size, y);
                plan->cosine(y);
                scale(op.shape, base, std::sqrt(0.5), y, y);
            }
        }
    });
}

}  // namespace

void add_dct(OpTable& table) {
    table.add<Dct>(Level::tiled, run_dct,
                   "FFTW, the batch split over the threads; one large signal by its axes");
}

}  // namespace spectral::cpu
