// A batch of complex rows times a sparse complex matrix that is given row by row, and the gradient of its
// values. Entries may conjugate what they multiply, so that a matrix with a symmetry is stored once: a layer
// whose weight is a sparse spectrum is such a product between two transforms.
#pragma once

#include "kernels/types.hpp"

namespace spectral {

/// What an entry does beside its column, in the upper bits of its place.
inline constexpr std::uint32_t kConjugateValue = 1U << 31, kConjugateInput = 1U << 30, kTwice = 1U << 29,
                               kColumnMask = kTwice - 1;

/// Entries of row r are row_start[r] … row_start[r + 1] − 1.
struct SparseRows {
    std::int64_t rows = 0, columns = 0;  ///< columns ≤ 2^29
    std::int64_t entries = 0;
    const std::uint32_t* row_start = nullptr;  ///< rows + 1 of them
    const std::uint32_t* place = nullptr;      ///< column and flags of an entry
    const std::uint32_t* value = nullptr;      ///< which value an entry has; null: entry e has value e
};

/// The batch in whole vectors.
constexpr std::int64_t padded_batch(std::int64_t batch) { return (batch + 7) / 8 * 8; }

/// y[b,r] = Σ_e t·v'·x' over the entries e of row r in their order, where v' is the entry's value, x' is
/// x[b,column], each conjugated where its flag is set, and t is 2 with kTwice, else 1.
/// x: batch × columns, y: batch × rows. `scratch`: scratch_size(batch, rows, columns) values.
struct SparseMatMul {
    static constexpr std::string_view name = "sparse_matmul";
    std::int64_t batch = 0;
    SparseRows matrix;
    const Complex* v = nullptr;
    const Complex* x = nullptr;
    Complex* y = nullptr;
    Complex* scratch = nullptr;
    static constexpr std::int64_t scratch_size(std::int64_t batch, std::int64_t rows, std::int64_t columns) {
        return padded_batch(batch) * (rows + columns);
    }
    Cost cost() const;
};

/// dv of entry e = t·Σ_b dy[b,r]·conj x', conjugated with kConjugateValue; the batch in a fixed order. Every
/// entry has a value of its own: `matrix.value` is null. dy holds ∂loss/∂Re + i ∂loss/∂Im, and so does dv.
struct SparseMatMulWeightGradient {
    static constexpr std::string_view name = "sparse_matmul_weight_gradient";
    std::int64_t batch = 0;
    SparseRows matrix;
    const Complex* x = nullptr;
    const Complex* dy = nullptr;
    Complex* dv = nullptr;
    Complex* scratch = nullptr;
    static constexpr std::int64_t scratch_size(std::int64_t batch, std::int64_t rows, std::int64_t columns) {
        return SparseMatMul::scratch_size(batch, rows, columns);
    }
    Cost cost() const;
};

}  // namespace spectral
