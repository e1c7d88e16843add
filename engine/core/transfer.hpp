// Host arrays of plain values copied into buffers of a backend, and back; and within a backend, apart.
#pragma once

#include <cstdint>
#include <string_view>
#include <type_traits>
#include <vector>

#include "engine/core/tensor.hpp"
#include "kernels/ops/gather.hpp"

namespace spectral {

/// Throws OutOfMemory as Buffer does.
template <class T>
Buffer upload(Device device, const std::vector<T>& values, MemoryTag tag, std::string_view holder) {
    static_assert(std::is_trivially_copyable_v<T>);
    Buffer buffer(device, tag, values.size() * sizeof(T), holder);
    if (!values.empty()) device.backend.copy_to_device(buffer.data(), values.data(), buffer.bytes());
    return buffer;
}

/// Waits for queued operations.
template <class T>
std::vector<T> download(Backend& backend, const void* from, std::int64_t count) {
    static_assert(std::is_trivially_copyable_v<T>);
    std::vector<T> values(static_cast<std::size_t>(count));
    if (count > 0) backend.copy_to_host(values.data(), from, values.size() * sizeof(T));
    return values;
}

/// to[i·to_stride] = from[i·from_stride]: with strides of 2 real parts out of complex values, or into them.
inline void copy_apart(Backend& backend, std::int64_t size, const float* from, std::int64_t from_stride,
                       float* to, std::int64_t to_stride) {
    backend.run(GatherRows{size, 1, from, from_stride, nullptr, to, to_stride});
}

}  // namespace spectral
