// Batch norm of complex values and its gradient: columns split over the threads, in tiles that stay in the
// cache while the rows pass, one row after the other.
#include <algorithm>
#include <array>
#include <cmath>

#include "kernels/cpu/backend.hpp"
#include "kernels/cpu/operations.hpp"
#include "kernels/ops/normalise.hpp"

namespace spectral::cpu {

namespace {

constexpr std::int64_t kTile = 256;
using Sums = std::array<double, kTile>;

/// Calls body(begin, end) for tiles of columns, in any thread.
template <class Body>
void over_tiles(Backend& backend, std::int64_t size, const Body& body) {
    as_cpu(backend).pool().split((size + kTile - 1) / kTile, [&](int, std::int64_t first, std::int64_t last) {
        for (std::int64_t tile = first; tile < last; ++tile)
            body(tile * kTile, std::min(size, (tile + 1) * kTile));
    });
}

/// body(j, x) over the values of a tile, j counted from its first column.
template <class Body>
void over_values(std::int64_t batch, std::int64_t size, std::int64_t begin, std::int64_t end,
                 const Body& body) {
    for (std::int64_t b = 0; b < batch; ++b)
        for (std::int64_t i = begin; i < end; ++i) body(static_cast<std::size_t>(i - begin), b * size + i);
}

/// Mean and deviation of a tile's columns, and the running ones moved towards them.
void measure(const SpectralBatchNorm& op, std::int64_t begin, std::int64_t end) {
    Sums re{}, im{}, squares{};
    over_values(op.batch, op.size, begin, end, [&](std::size_t j, std::int64_t at) {
        re[j] += static_cast<double>(op.x[at].real());
        im[j] += static_cast<double>(op.x[at].imag());
    });
    const auto count = static_cast<double>(op.batch);
    for (std::int64_t i = begin; i < end; ++i) {
        const auto j = static_cast<std::size_t>(i - begin);
        re[j] /= count;
        im[j] /= count;
    }
    over_values(op.batch, op.size, begin, end, [&](std::size_t j, std::int64_t at) {
        const double x = static_cast<double>(op.x[at].real()) - re[j],
                     y = static_cast<double>(op.x[at].imag()) - im[j];
        squares[j] += x * x + y * y;
    });
    const auto momentum = static_cast<double>(op.momentum);
    for (std::int64_t i = begin; i < end; ++i) {
        const auto j = static_cast<std::size_t>(i - begin);
        const std::complex<double> mean(re[j], im[j]);
        op.mean[i] = Complex(mean);
        op.deviation[i] = static_cast<float>(std::sqrt(squares[j] / count + static_cast<double>(op.epsilon)));
        op.running_mean[i] =
            Complex((1 - momentum) * std::complex<double>(op.running_mean[i]) + momentum * mean);
        op.running_variance[i] =
            static_cast<float>((1 - momentum) * static_cast<double>(op.running_variance[i]) +
                               momentum * squares[j] / std::max(count - 1, 1.0));
    }
}

void run_forward(Backend& backend, const SpectralBatchNorm& op) {
    if (op.batch == 0) return;
    over_tiles(backend, op.size, [&](std::int64_t begin, std::int64_t end) {
        if (op.training) measure(op, begin, end);
        std::array<float, kTile> factor;
        std::array<Complex, kTile> offset;
        for (std::int64_t i = begin; i < end; ++i) {
            const auto j = static_cast<std::size_t>(i - begin);
            const float deviation =
                op.training ? op.deviation[i] : std::sqrt(op.running_variance[i] + op.epsilon);
            factor[j] = op.scale[i] / deviation;
            offset[j] = op.training ? op.mean[i] : op.running_mean[i];
        }
        over_values(op.batch, op.size, begin, end, [&](std::size_t j, std::int64_t at) {
            op.y[at] = factor[j] * (op.x[at] - offset[j]) + op.shift[begin + static_cast<std::int64_t>(j)];
        });
    });
}

void run_backward(Backend& backend, const SpectralBatchNormBackward& op) {
    over_tiles(backend, op.size, [&](std::int64_t begin, std::int64_t end) {
        Sums re{}, im{}, along{};
        over_values(op.batch, op.size, begin, end, [&](std::size_t j, std::int64_t at) {
            const std::int64_t i = begin + static_cast<std::int64_t>(j);
            const std::complex<double> u(op.x[at] - op.mean[i]), dy(op.dy[at]);
            re[j] += dy.real();
            im[j] += dy.imag();
            along[j] += u.real() * dy.real() + u.imag() * dy.imag();
        });
        for (std::int64_t i = begin; i < end; ++i) {
            const auto j = static_cast<std::size_t>(i - begin);
            op.dshift[i] = Complex(std::complex<double>(re[j], im[j]));
            op.dscale[i] = static_cast<float>(along[j] / static_cast<double>(op.deviation[i]));
        }
        const float share = 1 / static_cast<float>(std::max<std::int64_t>(op.batch, 1));
        over_values(op.batch, op.size, begin, end, [&](std::size_t j, std::int64_t at) {
            const std::int64_t i = begin + static_cast<std::int64_t>(j);
            const Complex u = (op.x[at] - op.mean[i]) / op.deviation[i];
            op.dx[at] =
                op.scale[i] / op.deviation[i] * (op.dy[at] - share * op.dshift[i] - share * op.dscale[i] * u);
        });
    });
}

}  // namespace

void add_spectral_batch_norm(OpTable& table) {
    constexpr auto kChange = "tiles of columns split over the threads, rows in their order, sums in double";
    table.add<SpectralBatchNorm>(Level::tiled, run_forward, kChange);
    table.add<SpectralBatchNormBackward>(Level::tiled, run_backward, kChange);
}

}  // namespace spectral::cpu
