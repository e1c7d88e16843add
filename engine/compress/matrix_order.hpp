// Rows and columns of a tensor, seen as the matrix (first axis × all others), in another order; and that
// order as bytes: little-endian numbers of one, two or four bytes. The decoder takes hostile ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/core/tensor.hpp"

namespace spectral {

struct MatrixOrder {
    /// Row i of the reordered matrix is row rows[i] of the tensor, columns alike; empty: as they are.
    std::vector<std::uint32_t> rows, columns;

    bool empty() const { return rows.empty() && columns.empty(); }
    /// What the file needs for it.
    std::size_t bytes() const;
    bool operator==(const MatrixOrder&) const = default;
};

/// Throws Error where one is given that does not name each row, or each column, of the shape once.
void require_fits(const MatrixOrder& order, const Shape& shape);
/// Where in the tensor a value of the reordered matrix is.
std::uint32_t tensor_place(const MatrixOrder& order, std::int64_t place, std::int64_t columns);

/// back[order[i]] = i.
std::vector<std::uint32_t> inverse_permutation(const std::vector<std::uint32_t>& order);

/// The fewest of 1, 2 and 4 that hold each of 0 … count − 1.
std::int64_t permutation_width(std::int64_t count);
std::vector<std::byte> encode_permutation(std::span<const std::uint32_t> order);
/// Throws Error where the bytes are not what encode_permutation() gives for 0 … count − 1 in some order.
std::vector<std::uint32_t> decode_permutation(std::span<const std::byte> bytes, std::int64_t count);

}  // namespace spectral
