// Files that are either the old one or the whole new one, and hashes of what was read.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace spectral {

/// Calls `write` with a temporary name beside `path`, flushes what it wrote to the disk and renames it to
/// `path`. When anything fails the temporary file is removed, the file that stood at `path` is untouched, and
/// Error is thrown. A `path` that exists and is no regular file (a device, a pipe) is refused.
void replace_file(const std::filesystem::path& path,
                  const std::function<void(const std::filesystem::path&)>& write);

/// Throws as replace_file() would where nothing can be written; changes nothing. For long work that ends with
/// a file.
void require_replaceable(const std::filesystem::path& path);

/// replace_file with these bytes.
void replace_file(const std::filesystem::path& path, std::string_view contents);

/// Hex SHA-256.
std::string sha256(std::span<const std::byte> bytes);
/// Of what is in the file. Throws Error naming it where it cannot be read.
std::string sha256_of_file(const std::filesystem::path& path);

/// SHA-256 over several pieces.
class Sha256 {
public:
    Sha256();
    Sha256(const Sha256&) = delete;
    Sha256& operator=(const Sha256&) = delete;
    ~Sha256();
    void update(std::span<const std::byte> bytes);
    std::string hex();  ///< once, at the end

private:
    void* context_;
};

}  // namespace spectral
