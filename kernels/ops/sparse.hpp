// Sparse spectra: `index` holds flat indices, ascending and without duplicates, beside as many complex
// values. Counts that are results stay in device memory. Products are (ac − bd) + (ad + bc)i as the formula
// stands: what is not finite goes through without recovery. Outputs overlap no input.
#pragma once

#include "kernels/ops/blocks.hpp"
#include "kernels/types.hpp"

namespace spectral {

/// y[j] = x[index[j]];  j < count. The adjoint of SparseScatter.
struct SparseGather {
    static constexpr std::string_view name = "sparse_gather";
    std::int64_t count = 0;
    const std::uint32_t* index = nullptr;
    const Complex* x = nullptr;
    Complex* y = nullptr;
    Cost cost() const;
};

/// y = 0 over `size` values, then y[index[j]] = v[j];  j < count, index[j] < size ≤ 2^32. The adjoint of
/// SparseGather.
struct SparseScatter {
    static constexpr std::string_view name = "sparse_scatter";
    std::int64_t count = 0, size = 0;
    const std::uint32_t* index = nullptr;
    const Complex* v = nullptr;
    Complex* y = nullptr;
    Cost cost() const;
};

/// One operand of a sparse operation.
struct SparseView {
    std::int64_t count = 0;
    const std::uint32_t* index = nullptr;
    const Complex* v = nullptr;
};

/// Hadamard product: the indices that a and b share, ascending, with a·b. `index` and `v` have room for
/// min(a.count, b.count) entries, of which *count are written. `scratch`: scratch_size(a.count, b.count)
/// values.
struct SparseMultiply {
    static constexpr std::string_view name = "sparse_multiply";
    SparseView a, b;
    std::uint32_t* index = nullptr;
    Complex* v = nullptr;
    std::int64_t* count = nullptr;
    std::int64_t* scratch = nullptr;
    static constexpr std::int64_t scratch_size(std::int64_t a_count, std::int64_t b_count) {
        return compaction_scratch_size(a_count + b_count);
    }
    Cost cost() const;
};

/// alpha·a + beta·b: the indices that a or b has, ascending. A sum that is exactly zero is kept, so that the
/// result's indices depend on the operands' alone. `index` and `v` have room for a.count + b.count entries,
/// of which *count are written. `scratch`: scratch_size(a.count, b.count) values.
struct SparseAdd {
    static constexpr std::string_view name = "sparse_add";
    SparseView a, b;
    float alpha = 1, beta = 1;
    std::uint32_t* index = nullptr;
    Complex* v = nullptr;
    std::int64_t* count = nullptr;
    std::int64_t* scratch = nullptr;
    static constexpr std::int64_t scratch_size(std::int64_t a_count, std::int64_t b_count) {
        return compaction_scratch_size(a_count + b_count);
    }
    Cost cost() const;
};

}  // namespace spectral
