// Host arrays of plain values copied into buffers of a backend, and back.
#pragma once

#include <cstdint>
#include <string_view>
#include <type_traits>
#include <vector>

#include "engine/core/tensor.hpp"

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

}  // namespace spectral
