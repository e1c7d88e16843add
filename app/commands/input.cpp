#include "app/commands/input.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdio>

namespace spectral::app {

Input::Input(const std::string& path, PackedTensors packed)
    : budget_(available_memory()),
      room_(budget_.reserve(MemoryTag::data, 0, path)),
      file_(read_tensor_file(path, &room_, packed)) {
    if (!file_.skipped.empty())
        fmt::print(stderr, "note: {}: left out, as no weights: {}\n", path, fmt::join(file_.skipped, ", "));
}

}  // namespace spectral::app
