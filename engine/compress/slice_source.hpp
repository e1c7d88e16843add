// Slices of a packed tensor along the first axis of its view, from its numbers, and back to gradients. Rows
// and columns are in the order in which they are stored.
#pragma once

#include <memory>
#include <vector>

#include "engine/compress/packed_tensor.hpp"

namespace spectral {

/// Makes blocks of up to a fixed number of slices, in work areas of its own.
class SliceBlock {
public:
    SliceBlock() = default;
    SliceBlock(const SliceBlock&) = delete;
    SliceBlock& operator=(const SliceBlock&) = delete;
    virtual ~SliceBlock() = default;

    /// Slices [first, first + count) one after another, in backend memory.
    virtual void generate(std::int64_t first, std::int64_t count, float* out) = 0;
    /// Adds what their gradient gives to that of the numbers, which is zero before the first block; each
    /// block comes once.
    virtual void add_gradient(std::int64_t first, std::int64_t count, const float* d_out,
                              float* d_numbers) = 0;
};

class SliceSource {
public:
    SliceSource() = default;
    SliceSource(const SliceSource&) = delete;
    SliceSource& operator=(const SliceSource&) = delete;
    virtual ~SliceSource() = default;

    virtual std::int64_t slices() const = 0;
    virtual std::int64_t slice_size() const = 0;  ///< values
    virtual std::size_t work_bytes(std::int64_t slices) const = 0;
    /// Multiplications that so many slices take, about.
    virtual double cost(std::int64_t slices) const = 0;
    virtual std::unique_ptr<SliceBlock> block(std::int64_t slices) const = 0;
    /// Kept numbers, one row more than places() has, of zeros; none where there are two lists.
    virtual const Tensor* numbers() const = 0;
    virtual const std::vector<std::uint32_t>& places() const = 0;
};

std::unique_ptr<SliceSource> make_slice_source(Device device, const PackedTensor& tensor);

}  // namespace spectral
