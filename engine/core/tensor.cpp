#include "engine/core/tensor.hpp"

#include <fmt/format.h>

#include <new>
#include <utility>

#include "engine/core/error.hpp"

namespace spectral {

Shape::Shape(std::initializer_list<std::int64_t> extents)
    : Shape(std::span<const std::int64_t>(extents.begin(), extents.size())) {}

Shape::Shape(std::span<const std::int64_t> extents) {
    require(extents.size() <= kMaxRank, "shape", "tensors have at most 8 axes");
    std::int64_t product = 1;
    for (const std::int64_t extent : extents) {
        require(extent >= 0, "shape", "an extent is negative");
        require(!__builtin_mul_overflow(product, std::max<std::int64_t>(extent, 1), &product) &&
                    product <= (std::int64_t{1} << 62),
                "shape", "too many elements");
        extents_[static_cast<std::size_t>(rank_++)] = extent;
    }
}

std::int64_t Shape::size() const {
    std::int64_t product = 1;
    for (const std::int64_t extent : extents()) product *= extent;
    return product;
}

std::string Shape::text() const {
    if (rank_ == 0) return "scalar";
    std::string text;
    for (const std::int64_t extent : extents())
        text += fmt::format("{}{}", text.empty() ? "" : " × ", extent);
    return text;
}

std::string Shape::place_text(std::int64_t index) const {
    std::string place;
    for (int axis = rank_ - 1; axis >= 0; --axis) {
        const std::int64_t extent = (*this)[axis];
        place = std::to_string(index % extent) + (place.empty() ? "" : ", ") + place;
        index /= extent;
    }
    return place;
}

Buffer::Buffer(Device device, MemoryTag tag, std::size_t bytes, std::string_view holder) {
    if (bytes == 0) return;
    reservation_ = device.budget.reserve(tag, bytes, holder);
    try {
        pointer_ = device.backend.allocate(bytes);
    } catch (const std::bad_alloc&) {
        throw OutOfMemory(
            std::string(holder),
            fmt::format("the {} backend has no {:.1f} MiB of memory left", device.backend.name(),
                        static_cast<double>(bytes) / 0x1p20),
            "lower the batch size, the size of a sample or the number of samples, or close other "
            "programs");
    }
    backend_ = &device.backend;
    bytes_ = bytes;
    backend_->fill_zero(pointer_, bytes_);
}

Buffer::Buffer(Buffer&& other) noexcept { *this = std::move(other); }

Buffer& Buffer::operator=(Buffer&& other) noexcept {
    if (this == &other) return *this;
    if (pointer_) backend_->deallocate(pointer_, bytes_);
    backend_ = std::exchange(other.backend_, nullptr);
    pointer_ = std::exchange(other.pointer_, nullptr);
    bytes_ = std::exchange(other.bytes_, 0);
    reservation_ = std::move(other.reservation_);
    return *this;
}

Buffer::~Buffer() {
    if (pointer_) backend_->deallocate(pointer_, bytes_);
}

Tensor::Tensor(Device device, MemoryTag tag, Shape shape, std::string_view holder, DType type)
    : shape_(shape),
      type_(type),
      buffer_(device, tag, static_cast<std::size_t>(shape.size()) * dtype_bytes(type), holder) {}

HostTensor Tensor::to_host(Backend& backend) const {
    require(type_ == DType::f32, "tensor", "only real tensors are copied to host arrays");
    HostTensor host{shape_, std::vector<float>(static_cast<std::size_t>(size()))};
    backend.copy_to_host(host.values.data(), data(), bytes());
    return host;
}

void Tensor::assign(Backend& backend, const HostTensor& values) {
    require(type_ == DType::f32, "tensor", "only real tensors are assigned from host arrays");
    if (!(values.shape == shape_) || static_cast<std::int64_t>(values.values.size()) != size())
        throw Error("tensor",
                    fmt::format("{} values do not fit a tensor of {}", values.shape.text(), shape_.text()));
    backend.copy_to_device(data(), values.values.data(), bytes());
}

}  // namespace spectral
