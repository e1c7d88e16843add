// A sparse matrix times a batch that lies side by side: real and imaginary parts of a column's batch are
// whole vectors, so that an entry costs two loads and four multiply-adds for every eight of the batch.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/sparse_matmul.cpp"
#include "kernels/ops/sparse_matmul.hpp"

#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>

#include "kernels/cpu/backend.hpp"
#include "kernels/cpu/operations.hpp"
#include "kernels/cpu/simd-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace spectral::cpu::HWY_NAMESPACE {

using Eight = hn::CappedTag<float, 8>;

/// An entry's factor as it meets the real and the imaginary part of x: y.re += a·re + b·im,
/// y.im += c·re + d·im.
struct Factor {
    float a, b, c, d;
    Factor(Complex value, std::uint32_t place) {
        const float scale = (place & kTwice) != 0 ? 2 : 1;
        const float re = scale * value.real();
        const float im = (place & kConjugateValue) != 0 ? -scale * value.imag() : scale * value.imag();
        const float sign = (place & kConjugateInput) != 0 ? -1 : 1;
        a = re;
        b = -sign * im;
        c = im;
        d = sign * re;
    }
};

/// kVectors · 8 values of the batch, for one row.
template <std::size_t kVectors>
HWY_INLINE void multiply_row(const SparseMatMul& op, std::int64_t row, const float* x, float* y,
                             std::int64_t batch) {
    const Eight d;
    const std::size_t lanes = hn::Lanes(d);
    const auto step = static_cast<std::int64_t>(lanes);
    using V = hn::Vec<Eight>;
    for (std::int64_t first = 0; first < static_cast<std::int64_t>(kVectors) * 8;
         first += static_cast<std::int64_t>(kVectors) * step) {
        V re[kVectors], im[kVectors];
        for (std::size_t k = 0; k < kVectors; ++k) re[k] = im[k] = hn::Zero(d);
        for (std::int64_t e = op.matrix.row_start[row]; e < op.matrix.row_start[row + 1]; ++e) {
            const std::uint32_t place = op.matrix.place[e];
            const Factor factor(op.v[op.matrix.value != nullptr ? op.matrix.value[e] : e], place);
            const V fa = hn::Set(d, factor.a), fb = hn::Set(d, factor.b), fc = hn::Set(d, factor.c),
                    fd = hn::Set(d, factor.d);
            const float* from = x + (place & kColumnMask) * 2 * batch + first;
            for (std::size_t k = 0; k < kVectors; ++k) {
                const V xr = hn::LoadU(d, from + k * lanes), xi = hn::LoadU(d, from + batch + k * lanes);
                re[k] = hn::MulAdd(fa, xr, hn::MulAdd(fb, xi, re[k]));
                im[k] = hn::MulAdd(fc, xr, hn::MulAdd(fd, xi, im[k]));
            }
        }
        for (std::size_t k = 0; k < kVectors; ++k) {
            hn::StoreU(re[k], d, y + first + k * lanes);
            hn::StoreU(im[k], d, y + batch + first + k * lanes);
        }
    }
}

/// Rows [begin, end). x and y: parts of a column's or row's whole batch after one another.
void multiply_rows(const SparseMatMul& op, std::int64_t begin, std::int64_t end, const float* x, float* y) {
    const std::int64_t batch = padded_batch(op.batch);
    for (std::int64_t row = begin; row < end; ++row) {
        float* to = y + row * 2 * batch;
        std::int64_t b = 0;
        for (; b + 32 <= batch; b += 32) multiply_row<4>(op, row, x + b, to + b, batch);
        for (; b < batch; b += 8) multiply_row<1>(op, row, x + b, to + b, batch);
    }
}

void gradient_rows(const SparseMatMulWeightGradient& op, std::int64_t begin, std::int64_t end, const float* x,
                   const float* dy) {
    const Eight d;
    const auto step = static_cast<std::int64_t>(hn::Lanes(d));
    const std::int64_t batch = padded_batch(op.batch);
    for (std::int64_t row = begin; row < end; ++row) {
        const float* g = dy + row * 2 * batch;
        for (std::int64_t e = op.matrix.row_start[row]; e < op.matrix.row_start[row + 1]; ++e) {
            const std::uint32_t place = op.matrix.place[e];
            const float* from = x + (place & kColumnMask) * 2 * batch;
            // Σ dy·conj x: the four products of parts, put together by the flags afterwards.
            auto rr = hn::Zero(d), ii = hn::Zero(d), ri = hn::Zero(d), ir = hn::Zero(d);
            for (std::int64_t b = 0; b < batch; b += step) {
                const auto gr = hn::LoadU(d, g + b), gi = hn::LoadU(d, g + batch + b);
                const auto xr = hn::LoadU(d, from + b), xi = hn::LoadU(d, from + batch + b);
                rr = hn::MulAdd(gr, xr, rr);
                ii = hn::MulAdd(gi, xi, ii);
                ri = hn::MulAdd(gr, xi, ri);
                ir = hn::MulAdd(gi, xr, ir);
            }
            const auto sum = [&](auto v) HWY_ATTR { return hn::GetLane(hn::SumOfLanes(d, v)); };
            const float sign = (place & kConjugateInput) != 0 ? -1 : 1;
            const float scale = (place & kTwice) != 0 ? 2 : 1;
            const float re = sum(rr) + sign * sum(ii), im = sum(ir) - sign * sum(ri);
            op.dv[e] = {scale * re, (place & kConjugateValue) != 0 ? -scale * im : scale * im};
        }
    }
}

}  // namespace spectral::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spectral::cpu {

namespace {

HWY_EXPORT(multiply_rows);
HWY_EXPORT(gradient_rows);

/// Columns side by side that fit the nearest cache while a batch is turned.
constexpr std::int64_t kTurned = 16;

/// to[column][part][b] = from[b][column], zeros behind the batch.
void turn(ThreadPool& pool, std::int64_t batch, std::int64_t columns, const Complex* from, float* to) {
    const std::int64_t padded = padded_batch(batch);
    pool.split((columns + kTurned - 1) / kTurned, [&](int, std::int64_t begin, std::int64_t end) {
        const std::int64_t last = std::min(end * kTurned, columns);
        for (std::int64_t first = begin * kTurned; first < last; first += kTurned)
            for (std::int64_t b = 0; b < padded; ++b)
                for (std::int64_t c = first; c < std::min(first + kTurned, last); ++c) {
                    const Complex value = b < batch ? from[b * columns + c] : Complex(0);
                    to[(2 * c) * padded + b] = value.real();
                    to[(2 * c + 1) * padded + b] = value.imag();
                }
    });
}

void turn_back(ThreadPool& pool, std::int64_t batch, std::int64_t columns, const float* from, Complex* to) {
    const std::int64_t padded = padded_batch(batch);
    pool.split((columns + kTurned - 1) / kTurned, [&](int, std::int64_t begin, std::int64_t end) {
        const std::int64_t last = std::min(end * kTurned, columns);
        for (std::int64_t first = begin * kTurned; first < last; first += kTurned)
            for (std::int64_t b = 0; b < batch; ++b)
                for (std::int64_t c = first; c < std::min(first + kTurned, last); ++c)
                    to[b * columns + c] = {from[(2 * c) * padded + b], from[(2 * c + 1) * padded + b]};
    });
}

/// Rows for every part, so that all have about as many entries.
template <class Body>
void split_rows(ThreadPool& pool, const SparseRows& matrix, const Body& body) {
    const std::int64_t parts = pool.size();
    const auto first_row = [&](std::int64_t part) -> std::int64_t {
        if (part == 0) return 0;
        if (part == parts) return matrix.rows;
        const std::uint32_t* end = matrix.row_start + matrix.rows;
        return std::lower_bound(matrix.row_start, end, matrix.entries * part / parts) - matrix.row_start;
    };
    pool.run([&](int part) { body(first_row(part), first_row(part + 1)); });
}

void run_product(Backend& backend, const SparseMatMul& op) {
    if (op.batch == 0) return;
    ThreadPool& pool = as_cpu(backend).pool();
    auto* x = reinterpret_cast<float*>(op.scratch);
    float* y = x + 2 * padded_batch(op.batch) * op.matrix.columns;
    turn(pool, op.batch, op.matrix.columns, op.x, x);
    split_rows(pool, op.matrix, [&](std::int64_t begin, std::int64_t end) {
        HWY_DYNAMIC_DISPATCH(multiply_rows)(op, begin, end, x, y);
    });
    turn_back(pool, op.batch, op.matrix.rows, y, op.y);
}

void run_gradient(Backend& backend, const SparseMatMulWeightGradient& op) {
    ThreadPool& pool = as_cpu(backend).pool();
    if (op.batch == 0) {
        std::fill_n(op.dv, op.matrix.entries, Complex(0));
        return;
    }
    auto* x = reinterpret_cast<float*>(op.scratch);
    float* dy = x + 2 * padded_batch(op.batch) * op.matrix.columns;
    turn(pool, op.batch, op.matrix.columns, op.x, x);
    turn(pool, op.batch, op.matrix.rows, op.dy, dy);
    split_rows(pool, op.matrix, [&](std::int64_t begin, std::int64_t end) {
        HWY_DYNAMIC_DISPATCH(gradient_rows)(op, begin, end, x, dy);
    });
}

}  // namespace

void add_sparse_matmul(OpTable& table) {
    table.add<SparseMatMul>(Level::tiled, run_product,
                            "the batch side by side, four vectors of it in registers; threads share entries");
    table.add<SparseMatMulWeightGradient>(Level::tiled, run_gradient,
                                          "the batch side by side, summed in vectors; threads share entries");
}

}  // namespace spectral::cpu
#endif  // HWY_ONCE
