// A packed tensor's values made where and when they are needed: any box of them, and products that pass over
// the matrix (first axis × all others) block by block, without ever holding more of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "engine/compress/direct_sum.hpp"
#include "engine/compress/packed_tensor.hpp"
#include "engine/compress/slice_source.hpp"

namespace spectral {

/// Part of one axis of a tensor.
struct AxisRange {
    std::int64_t first = 0, count = 0;
};

/// The stored tensor is a run of slices along the first axis of its basis's view. A slice that the basis
/// does not mix with others comes from its own coefficients; where the first axis is transformed, the
/// transform along it is summed for the wanted slices alone, over the coefficients that there are. Either
/// way a block costs its coefficients times its slices, and transforms of the size of a slice. Blocks are of
/// the matrix as it is stored; where it is stored in another order, inputs and outputs are reordered.
class ImplicitWeights {
public:
    /// Throws Error on damaged bytes and empty tensors.
    ImplicitWeights(Device device, const PackedTensor& tensor);

    const Shape& shape() const { return shape_; }
    std::int64_t rows() const { return shape_[0]; }
    std::int64_t columns() const { return shape_.size() / shape_[0]; }
    /// Fewest rows that can be made at a time.
    std::int64_t least_rows() const;
    /// Bytes that work on blocks of so many rows takes, beside the numbers.
    std::size_t work_bytes(std::int64_t block_rows) const;
    /// Bytes that products of so many rows take beside that, where rows or columns are in another order.
    std::size_t reorder_bytes(std::int64_t batch) const;
    /// The largest block whose work fits; at least least_rows().
    std::int64_t rows_within(std::size_t bytes) const;

    /// The values in a box; one range for each axis of shape(). Out of the slices that it touches, or by
    /// direct_sum(), whichever takes less. Throws Error on a range outside of it.
    HostTensor box(std::span<const AxisRange> ranges) const;
    /// y = x·Wᵀ;  x: batch × columns, y: batch × rows, in backend memory. Blocks are of at most
    /// `block_rows` rows, rounded up to least_rows(); the result does not depend on it but by rounding.
    void multiply(std::int64_t batch, const float* x, float* y, std::int64_t block_rows) const;
    /// dx = dy·W.
    void multiply_transposed(std::int64_t batch, const float* dy, float* dx, std::int64_t block_rows) const;

    /// The kept numbers in backend memory, in the order of places(): they may be trained. Two for each place
    /// of a Fourier basis: its real and imaginary part.
    const Tensor& numbers() const { return *source_->numbers(); }
    /// Whether there are numbers() to be trained: not of factors.
    bool is_trainable() const { return source_->numbers() != nullptr; }
    const std::vector<std::uint32_t>& places() const { return source_->places(); }  ///< in the basis
    /// Of y = x·Wᵀ: d_numbers, of the shape of numbers(), from dy. Only where is_trainable().
    void gradient(std::int64_t batch, const float* x, const float* dy, float* d_numbers,
                  std::int64_t block_rows) const;

private:
    /// Calls body(first row, rows, their values in backend memory) for all of W in its order.
    template <class Body>
    void for_each_block(std::int64_t block_rows, const Body& body) const;
    std::int64_t slices_for(std::int64_t rows) const;
    std::vector<float> from_slices(std::span<const AxisRange> ranges) const;
    std::int64_t slices_touched(const AxisRange& rows_wanted) const;
    /// Where the box lies along every axis of the tensor as it is stored; nothing where it is no box there.
    std::optional<Crossings> crossings(std::span<const AxisRange> ranges) const;
    /// Where there is an order: `x`, or what becomes `result` in it, in an area of its own; else itself.
    const float* reordered(std::int64_t batch, const float* x, const Buffer& order, Tensor& area) const;
    float* area_for(std::int64_t batch, float* result, const Buffer& order, Tensor& area) const;
    void put_back(std::int64_t batch, const float* x, const Buffer& order, float* y) const;

    Device device_;
    Shape shape_;
    std::unique_ptr<SliceSource> source_;
    std::int64_t least_slices_ = 1;  ///< that are whole rows
    MatrixOrder order_;
    std::optional<Basis> basis_;  ///< as it is stored; none of factors
    /// As it is stored, and back; of none without a value.
    Buffer rows_order_, columns_order_, rows_back_, columns_back_;
};

}  // namespace spectral
