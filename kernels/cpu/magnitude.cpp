// Magnitudes of complex values and their gradient.
#include <cmath>

#include "kernels/cpu/backend.hpp"
#include "kernels/cpu/operations.hpp"
#include "kernels/ops/fft.hpp"

namespace spectral::cpu {

namespace {

void run_magnitude(Backend& backend, const Magnitude& op) {
    as_cpu(backend).pool().split(op.size, [&](int, std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i)
            op.y[i] = std::sqrt(op.x[i].real() * op.x[i].real() + op.x[i].imag() * op.x[i].imag());
    });
}

void run_magnitude_backward(Backend& backend, const MagnitudeBackward& op) {
    as_cpu(backend).pool().split(op.size, [&](int, std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
            const float magnitude = std::abs(op.x[i]);
            op.dx[i] = magnitude > 0 ? op.x[i] * (op.dy[i] / magnitude) : Complex(0);
        }
    });
}

}  // namespace

void add_magnitude(OpTable& table) {
    table.add<Magnitude>(Level::tiled, run_magnitude, "vector registers, threads");
    table.add<MagnitudeBackward>(Level::tiled, run_magnitude_backward, "vector registers, threads");
}

}  // namespace spectral::cpu
