// Spectra divided by their norms, and the gradient: a sum over the blocks of a row, then the row again while
// it is in the cache.
#include "kernels/ops/normalise.hpp"

#include <cmath>
#include <numeric>

#include "kernels/cpu/block_sums.hpp"
#include "kernels/cpu/complex.hpp"
#include "kernels/cpu/operations.hpp"

namespace spectral::cpu {

namespace {

const std::uint8_t* from(const std::uint8_t* weight, std::int64_t i) { return weight ? weight + i : nullptr; }

/// For every row: sum(b, begin, end) over its blocks, added in their order, then apply(b, total, begin, end).
/// Whole rows go to the threads when there are enough of them, else the blocks of one row after the other.
template <class Sum, class Apply>
void over_rows(Backend& backend, std::int64_t batch, std::int64_t size, double* scratch, const Sum& sum,
               const Apply& apply) {
    const std::int64_t blocks = block_count(size);
    const auto end_of = [&](std::int64_t block) { return std::min(size, (block + 1) * kBlockSize); };
    if (batch >= backend.threads()) {
        as_cpu(backend).pool().split(batch, [&](int, std::int64_t first, std::int64_t last) {
            for (std::int64_t b = first; b < last; ++b) {
                double total = 0;
                for (std::int64_t block = 0; block < blocks; ++block)
                    total += sum(b, block * kBlockSize, end_of(block));
                apply(b, total, 0, size);
            }
        });
        return;
    }
    for (std::int64_t b = 0; b < batch; ++b) {
        double* sums = scratch + b * blocks;
        for_blocks(backend, size, [&](std::int64_t block, std::int64_t begin, std::int64_t end) {
            sums[block] = sum(b, begin, end);
        });
        const double total = std::accumulate(sums, sums + blocks, 0.0);
        if (size == 0) apply(b, total, 0, 0);
        for_blocks(backend, size,
                   [&](std::int64_t, std::int64_t begin, std::int64_t end) { apply(b, total, begin, end); });
    }
}

void normalise(const SpectralNormalise& op, std::int64_t b, double energy, std::int64_t begin,
               std::int64_t end) {
    const double norm = std::sqrt(energy);
    if (begin == 0) op.norm[b] = static_cast<float>(norm);
    const auto scale = static_cast<float>(1 / (norm + static_cast<double>(op.epsilon)));
    const Complex* x = op.x + b * op.size;
    Complex* y = op.y + b * op.size;
    for (std::int64_t i = begin; i < end; ++i) y[i] = {x[i].real() * scale, x[i].imag() * scale};
}

void run_normalise_reference(Backend& /*backend*/, const SpectralNormalise& op) {
    for (std::int64_t b = 0; b < op.batch; ++b) {
        double sum = 0;
        for (std::int64_t i = 0; i < op.size; ++i)
            sum += (op.weight ? op.weight[i] : 1) * energy(op.x[b * op.size + i]);
        normalise(op, b, sum, 0, op.size);
    }
}

void run_normalise(Backend& backend, const SpectralNormalise& op) {
    over_rows(
        backend, op.batch, op.size, op.scratch,
        [&](std::int64_t b, std::int64_t begin, std::int64_t end) {
            return block_energy(op.x + b * op.size + begin, from(op.weight, begin), end - begin);
        },
        [&](std::int64_t b, double total, std::int64_t begin, std::int64_t end) {
            normalise(op, b, total, begin, end);
        });
}

/// Σ Re(conj x·dy) over part of row b, in double.
double alignment(const SpectralNormaliseBackward& op, std::int64_t b, std::int64_t begin, std::int64_t end) {
    // Re(conj x·dy) is the product of their real parts and of their imaginary ones: floats one by one.
    const auto* x = reinterpret_cast<const float*>(op.x + b * op.size);
    const auto* dy = reinterpret_cast<const float*>(op.dy + b * op.size);
    double sums[8] = {};
    std::int64_t i = 2 * begin;
    for (; i + 8 <= 2 * end; i += 8)
        for (std::int64_t j = 0; j < 8; ++j)
            sums[j] += static_cast<double>(x[i + j]) * static_cast<double>(dy[i + j]);
    for (; i < 2 * end; ++i) sums[0] += static_cast<double>(x[i]) * static_cast<double>(dy[i]);
    return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

void backward(const SpectralNormaliseBackward& op, std::int64_t b, double alignment, std::int64_t begin,
              std::int64_t end) {
    const auto norm = static_cast<double>(op.norm[b]);
    const double scale = 1 / (norm + static_cast<double>(op.epsilon));
    const double along = norm > 0 ? alignment / norm * scale * scale : 0;
    const auto dy_scale = static_cast<float>(scale), x_scale = static_cast<float>(along);
    const Complex *x = op.x + b * op.size, *dy = op.dy + b * op.size;
    Complex* dx = op.dx + b * op.size;
    for (std::int64_t i = begin; i < end; ++i) {
        const float own = op.weight ? x_scale * static_cast<float>(op.weight[i]) : x_scale;
        dx[i] = {dy[i].real() * dy_scale - own * x[i].real(), dy[i].imag() * dy_scale - own * x[i].imag()};
    }
}

void run_backward_reference(Backend& /*backend*/, const SpectralNormaliseBackward& op) {
    for (std::int64_t b = 0; b < op.batch; ++b) backward(op, b, alignment(op, b, 0, op.size), 0, op.size);
}

void run_backward(Backend& backend, const SpectralNormaliseBackward& op) {
    over_rows(
        backend, op.batch, op.size, op.scratch,
        [&](std::int64_t b, std::int64_t begin, std::int64_t end) { return alignment(op, b, begin, end); },
        [&](std::int64_t b, double total, std::int64_t begin, std::int64_t end) {
            backward(op, b, total, begin, end);
        });
}

}  // namespace

void add_normalise(OpTable& table) {
    constexpr auto kPlain = "a sum over each row, then the row again";
    constexpr auto kBlocks = "sums of blocks, rows or the blocks of one row split over the threads";
    table.add<SpectralNormalise>(Level::reference, run_normalise_reference, kPlain);
    table.add<SpectralNormalise>(Level::tiled, run_normalise, kBlocks);
    table.add<SpectralNormaliseBackward>(Level::reference, run_backward_reference, kPlain);
    table.add<SpectralNormaliseBackward>(Level::tiled, run_backward, kBlocks);
}

}  // namespace spectral::cpu
