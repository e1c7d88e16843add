// A file from outside, read at places: what it promises is checked against its size first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "engine/core/error.hpp"

namespace spectral {

/// Bytes of a regular file. Throws Error naming it where there is none, or something else stands there.
std::uint64_t require_regular_file(const std::filesystem::path& path);

class InputFile {
public:
    /// Throws as require_regular_file(), and where the file cannot be opened.
    explicit InputFile(const std::filesystem::path& path);
    InputFile(const InputFile&) = delete;
    InputFile& operator=(const InputFile&) = delete;
    ~InputFile();

    const std::filesystem::path& path() const { return path_; }
    std::uint64_t bytes() const { return bytes_; }
    /// Fills `target` from `offset` on. Throws Error where the file ends before, and where reading fails.
    void read(std::uint64_t offset, std::span<std::byte> target) const;
    Error error(std::string why, std::string hint = {}) const {
        return {path_.string(), std::move(why), std::move(hint)};
    }

private:
    std::filesystem::path path_;
    std::uint64_t bytes_ = 0;
    int descriptor_ = -1;
};

/// Whether the file begins so. Throws as InputFile.
bool starts_with(const std::filesystem::path& path, std::string_view start);

}  // namespace spectral
