// PNG pictures of matrices, for programs without a window.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace spectral {

/// 8-bit RGB, row-major.
struct Picture {
    std::int64_t width = 0, height = 0;
    std::vector<std::uint8_t> rgb;
};

/// Whether the file begins as one. Throws Error where it cannot be opened.
bool is_png(const std::filesystem::path& path);

/// Replaces `path` atomically; throws Error naming it.
void write_png(const std::filesystem::path& path, const Picture& picture);

}  // namespace spectral
