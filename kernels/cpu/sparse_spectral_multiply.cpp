// A batch of dense spectra times one sparse spectrum, and the gradient of the kept values.
#include <algorithm>

#include "kernels/cpu/complex.hpp"
#include "kernels/cpu/operations.hpp"
#include "kernels/cpu/parts.hpp"
#include "kernels/ops/spectral_multiply.hpp"

namespace spectral::cpu {

namespace {

/// y[begin, end) of row b, from its zeros to the kept products.
void multiply_block(const SparseSpectralMultiply& op, std::int64_t b, std::int64_t begin, std::int64_t end) {
    const Complex* x = op.x + b * op.size;
    Complex* y = op.y + b * op.size;
    std::fill(y + begin, y + end, Complex(0));
    std::int64_t j = std::lower_bound(op.index, op.index + op.count, begin) - op.index;
    for (; j < op.count && op.index[j] < end; ++j) {
        const std::uint32_t i = op.index[j];
        y[i] = op.conjugate ? conjugate_multiply(op.w[j], x[i]) : multiply(x[i], op.w[j]);
    }
}

void run_multiply_reference(Backend& /*backend*/, const SparseSpectralMultiply& op) {
    for (std::int64_t b = 0; b < op.batch; ++b) multiply_block(op, b, 0, op.size);
}

void run_multiply(Backend& backend, const SparseSpectralMultiply& op) {
    for_row_blocks(backend, op.batch, op.size, [&](std::int64_t b, std::int64_t begin, std::int64_t end) {
        multiply_block(op, b, begin, end);
    });
}

void run_gradient_reference(Backend& /*backend*/, const SparseSpectralWeightGradient& op) {
    for (std::int64_t j = 0; j < op.count; ++j) {
        std::complex<double> sum;
        for (std::int64_t b = 0; b < op.batch; ++b) {
            const std::int64_t at = b * op.size + op.index[j];
            sum += widen(conjugate_multiply(op.x[at], op.dy[at]));
        }
        op.dw[j] = Complex(sum);
    }
}

/// Row by row over a tile of kept values: neighbours in the index are often neighbours in memory.
void gradient_tile(const SparseSpectralWeightGradient& op, std::int64_t begin, std::int64_t end,
                   std::complex<double>* sums) {
    std::fill_n(sums, end - begin, std::complex<double>());
    for (std::int64_t b = 0; b < op.batch; ++b) {
        const Complex *x = op.x + b * op.size, *dy = op.dy + b * op.size;
        for (std::int64_t j = begin; j < end; ++j)
            sums[j - begin] += widen(conjugate_multiply(x[op.index[j]], dy[op.index[j]]));
    }
    for (std::int64_t j = begin; j < end; ++j) op.dw[j] = Complex(sums[j - begin]);
}

void run_gradient(Backend& backend, const SparseSpectralWeightGradient& op) {
    constexpr std::int64_t kTile = 1024;
    as_cpu(backend).pool().split(op.count, [&](int, std::int64_t begin, std::int64_t end) {
        std::complex<double> sums[kTile];
        for (std::int64_t tile = begin; tile < end; tile += kTile)
            gradient_tile(op, tile, std::min(end, tile + kTile), sums);
    });
}

}  // namespace

void add_sparse_spectral_multiply(OpTable& table) {
    table.add<SparseSpectralMultiply>(Level::reference, run_multiply_reference,
                                      "row after row: zeros first, then the kept products");
    table.add<SparseSpectralMultiply>(Level::tiled, run_multiply,
                                      "zeros and products of a cache block together, split over the threads");
    table.add<SparseSpectralWeightGradient>(Level::reference, run_gradient_reference,
                                            "weight by weight, added in double precision");
    table.add<SparseSpectralWeightGradient>(
        Level::tiled, run_gradient, "row by row over tiles of weights, which are split over the threads");
}

}  // namespace spectral::cpu
