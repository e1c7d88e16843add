#include "app/commands/input.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>

namespace spectral::app {

Input::Input(const std::string& path, PackedTensors packed)
    : budget_(available_memory()),
      room_(budget_.reserve(MemoryTag::data, 0, path)),
      file_(read_tensor_file(path, &room_, packed)) {
    constexpr std::size_t kMostNamed = 20;
    const std::size_t count = file_.skipped.size(), named = std::min(count, kMostNamed);
    if (count > 0)
        fmt::print(stderr, "note: {}: left out, as no weights: {}{}\n", path,
                   fmt::join(file_.skipped.begin(),
                             file_.skipped.begin() + static_cast<std::ptrdiff_t>(named), ", "),
                   count > named ? fmt::format(" and {} more", count - named) : "");
}

}  // namespace spectral::app
