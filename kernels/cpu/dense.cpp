// Matrix product through oneDNN, bias and its gradient, rows gathered by index, magnitudes, sums of squares.
#include <oneapi/dnnl/dnnl.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "kernels/cpu/backend.hpp"
#include "kernels/cpu/operations.hpp"
#include "kernels/ops/dense.hpp"
#include "kernels/ops/fft.hpp"
#include "kernels/ops/gather.hpp"
#include "kernels/ops/optimiser.hpp"

namespace spectral::cpu {

namespace {

void run_matmul_reference(Backend& /*backend*/, const MatMul& op) {
    for (std::int64_t i = 0; i < op.m; ++i) {
        for (std::int64_t j = 0; j < op.n; ++j) {
            float sum = 0;
            for (std::int64_t l = 0; l < op.k; ++l)
                sum += (op.transpose_a ? op.a[l * op.lda + i] : op.a[i * op.lda + l]) *
                       (op.transpose_b ? op.b[j * op.ldb + l] : op.b[l * op.ldb + j]);
            float& c = op.c[i * op.ldc + j];
            c = op.beta == 0 ? sum : sum + op.beta * c;
        }
    }
}

void run_matmul(Backend& backend, const MatMul& op) {
    if (op.m == 0 || op.n == 0) return;
    if (op.k == 0) {
        run_matmul_reference(backend, op);
        return;
    }
    omp_set_num_threads(backend.threads());  // per calling thread, and cheap: other runs may have other counts
    const dnnl_status_t status =
        dnnl_sgemm(op.transpose_a ? 'T' : 'N', op.transpose_b ? 'T' : 'N', op.m, op.n, op.k, 1.0F, op.a, op.lda, op.b,
                   op.ldb, op.beta, op.c, op.ldc);
    if (status != dnnl_success)
        throw Error("matmul", "oneDNN refused the product (status " + std::to_string(status) + ")");
}

void run_bias_add(Backend& backend, const BiasAdd& op) {
    as_cpu(backend).pool().split(op.batch, [&](int, std::int64_t begin, std::int64_t end) {
        for (std::int64_t b = begin; b < end; ++b)
            for (std::int64_t i = 0; i < op.size; ++i) op.y[b * op.size + i] += op.bias[i];
    });
}

void run_column_sum(Backend& /*backend*/, const ColumnSum& op) {
    std::fill_n(op.y, op.size, 0.0F);
    for (std::int64_t b = 0; b < op.batch; ++b)
        for (std::int64_t i = 0; i < op.size; ++i) op.y[i] += op.x[b * op.size + i];
}

void run_gather_rows(Backend& backend, const GatherRows& op) {
    as_cpu(backend).pool().split(op.batch, [&](int, std::int64_t begin, std::int64_t end) {
        for (std::int64_t b = begin; b < end; ++b)
            std::copy_n(op.x + op.rows[b] * op.x_stride, op.columns, op.y + b * op.y_stride);
    });
}

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

void run_sum_squares(Backend& /*backend*/, const SumSquares& op) {
    // Eight chains, always combined in the same order: fast enough, and the same on every run.
    double sums[8] = {};
    std::int64_t i = 0;
    for (; i + 8 <= op.size; i += 8)
        for (std::int64_t j = 0; j < 8; ++j)
            sums[j] += static_cast<double>(op.x[i + j]) * static_cast<double>(op.x[i + j]);
    for (; i < op.size; ++i) sums[0] += static_cast<double>(op.x[i]) * static_cast<double>(op.x[i]);
    *op.y = ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

}  // namespace

void add_matmul(OpTable& table) {
    table.add<MatMul>(Level::reference, run_matmul_reference, "three loops");
    table.add<MatMul>(Level::tiled, run_matmul, "oneDNN's blocked, threaded sgemm");
}

void add_bias(OpTable& table) {
    table.add<BiasAdd>(Level::tiled, run_bias_add, "rows split over the threads");
    table.add<ColumnSum>(Level::fused, run_column_sum, "one pass over the rows, in their order");
}

void add_gather_rows(OpTable& table) {
    table.add<GatherRows>(Level::tiled, run_gather_rows, "row copies split over the threads");
}

void add_magnitude(OpTable& table) {
    table.add<Magnitude>(Level::tiled, run_magnitude, "vector registers, threads");
    table.add<MagnitudeBackward>(Level::tiled, run_magnitude_backward, "vector registers, threads");
}

void add_sum_squares(OpTable& table) {
    table.add<SumSquares>(Level::fused, run_sum_squares, "one pass, eight chains in double precision");
}

}  // namespace spectral::cpu
