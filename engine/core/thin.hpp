// Fewer of what there is too much to keep.
#pragma once

#include <cstddef>
#include <vector>

namespace spectral {

/// Every second value goes; the newest, the last, stays.
template <class T>
void halve(std::vector<T>& values) {
    const std::size_t keep = (values.size() + 1) % 2;
    std::size_t place = 0;
    std::erase_if(values, [&](const T&) { return place++ % 2 != keep; });
}

}  // namespace spectral
