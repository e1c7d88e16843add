// What sources of slices that have a list of numbers share.
#pragma once

#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/compress/basis_transform.hpp"
#include "engine/compress/slice_source.hpp"

namespace spectral {

inline constexpr std::string_view kSliceHolder = "implicit weights";

inline Tensor slice_area(Device device, std::int64_t size, DType type = DType::f32) {
    return Tensor(device, MemoryTag::workspace, {size}, kSliceHolder, type);
}

/// Bytes that the transform of a block takes, with the work areas of BasisTransform.
std::size_t block_transform_bytes(const Basis& whole, std::int64_t coefficients, std::int64_t values);

/// Transforms a block's coefficients; made anew where the last block has fewer slices.
class BlockTransform {
public:
    BlockTransform(Device device, const Basis& whole) : device_(device), whole_(whole) {}

    /// Null where a slice is not transformed.
    const BasisTransform* of(std::int64_t count);

private:
    Device device_;
    const Basis& whole_;
    std::int64_t count_ = 0;
    std::optional<BasisTransform> transform_;
};

/// What both kinds of coefficient lists have.
class ListSource : public SliceSource {
public:
    ListSource(Device device, Basis basis, std::vector<std::uint32_t> places,
               const std::vector<float>& values);

    std::int64_t slices() const override { return view()[0]; }
    std::int64_t slice_size() const override { return basis_.shape().size() / slices(); }
    const Tensor* numbers() const override { return &numbers_; }
    /// Of a transform of every slice.
    double cost(std::int64_t slices) const override {
        const auto size = static_cast<double>(slice_size());
        return static_cast<double>(slices) * size * (1 + std::log2(size));
    }
    const std::vector<std::uint32_t>& places() const override { return places_; }

    const Basis& basis() const { return basis_; }
    Device device() const { return device_; }
    std::int64_t count() const { return std::ssize(places_); }
    const Shape& view() const {
        return basis_.choice().view.rank() > 0 ? basis_.choice().view : basis_.shape();
    }

private:
    Device device_;
    Basis basis_;
    Reservation room_;  ///< of the places, on the host
    std::vector<std::uint32_t> places_;
    Tensor numbers_;
};

/// A list's numbers in the order of their places in the basis, and the places. The first: the first axis of
/// the view is not transformed. The second: it is.
std::unique_ptr<SliceSource> make_own_source(Device device, const Basis& basis,
                                             const std::vector<std::uint32_t>& places,
                                             const std::vector<float>& values);
std::unique_ptr<SliceSource> make_mixed_source(Device device, const Basis& basis,
                                               const std::vector<std::uint32_t>& places,
                                               const std::vector<float>& values);

}  // namespace spectral
