// Shapes, host arrays as files hold them, and tensors in a backend's memory.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "engine/core/memory_budget.hpp"
#include "kernels/backend.hpp"
#include "kernels/types.hpp"

namespace spectral {

inline constexpr int kMaxRank = 8;

/// Extents of a tensor of rank 0 to 8, row-major.
class Shape {
public:
    Shape() = default;
    /// Throws Error on a rank above 8, a negative extent, or an element count past 2^62.
    Shape(std::initializer_list<std::int64_t> extents);
    explicit Shape(std::span<const std::int64_t> extents);

    int rank() const { return rank_; }
    std::int64_t operator[](int axis) const { return extents_[static_cast<std::size_t>(axis)]; }
    std::int64_t size() const;
    std::span<const std::int64_t> extents() const {
        return {extents_.data(), static_cast<std::size_t>(rank_)};
    }
    std::string text() const;  ///< "8 × 393"
    /// Where the value at a flat index is: "3, 17".
    std::string place_text(std::int64_t index) const;
    bool operator==(const Shape&) const = default;

private:
    int rank_ = 0;
    std::array<std::int64_t, kMaxRank> extents_{};
};

enum class DType { f32, complex64 };
constexpr std::size_t dtype_bytes(DType type) { return type == DType::f32 ? 4 : 8; }

/// Real values on the host, as files and snapshots hold them.
struct HostTensor {
    Shape shape;
    std::vector<float> values;
};

/// What tensors are made with: the backend that holds them and the budget that counts them.
struct Device {
    Backend& backend;
    MemoryBudget& budget;
};

/// Raw backend memory under a budget. Move only; empty when default-constructed.
class Buffer {
public:
    Buffer() = default;
    /// Zero-filled. Throws OutOfMemory when the budget or the machine has no room.
    Buffer(Device device, MemoryTag tag, std::size_t bytes, std::string_view holder);
    Buffer(Buffer&& other) noexcept;
    Buffer& operator=(Buffer&& other) noexcept;
    ~Buffer();

    void* data() const { return pointer_; }
    std::size_t bytes() const { return bytes_; }
    template <class T>
    T* as() const {
        return static_cast<T*>(pointer_);
    }

private:
    Backend* backend_ = nullptr;
    void* pointer_ = nullptr;
    std::size_t bytes_ = 0;
    Reservation reservation_;
};

/// Contiguous row-major tensor of f32 or complex64 in backend memory.
class Tensor {
public:
    Tensor() = default;
    Tensor(Device device, MemoryTag tag, Shape shape, std::string_view holder, DType type = DType::f32);

    const Shape& shape() const { return shape_; }
    DType dtype() const { return type_; }
    std::int64_t size() const { return shape_.size(); }
    std::size_t bytes() const { return static_cast<std::size_t>(size()) * dtype_bytes(type_); }
    float* data() const { return buffer_.as<float>(); }
    Complex* complex_data() const { return buffer_.as<Complex>(); }

    /// f32 only. Waits for queued operations.
    HostTensor to_host(Backend& backend) const;
    /// f32 only. Throws Error when the shapes differ.
    void assign(Backend& backend, const HostTensor& values);

private:
    Shape shape_;
    DType type_ = DType::f32;
    Buffer buffer_;
};

}  // namespace spectral
