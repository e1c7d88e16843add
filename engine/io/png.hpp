// PNG pictures: of matrices, for programs without a window, and those that come from outside.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <vector>

namespace spectral {

/// 8-bit RGB, row-major.
struct Picture {
    std::int64_t width = 0, height = 0;
    std::vector<std::uint8_t> rgb;
};

/// Whether the file begins as one. Throws Error where it cannot be opened.
bool is_png(const std::filesystem::path& path);
/// Makes room for the pixels of a picture of this width and height, and for so many bytes that decoding takes
/// besides; throws Error where there is none.
using MakePicture = std::function<Picture(std::int64_t width, std::int64_t height, std::size_t besides)>;

/// Throws Error, whose why() says what is wrong. What is transparent becomes black.
Picture read_png(std::span<const std::uint8_t> bytes, const MakePicture& make);

/// Replaces `path` atomically; throws Error naming it.
void write_png(const std::filesystem::path& path, const Picture& picture);

}  // namespace spectral
