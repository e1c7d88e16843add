// The bytes of a file in order, unpacked where it is gzip.
#pragma once

#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/core/error.hpp"

namespace spectral {

/// Deflate cannot expand more: 258 bytes from two bits.
inline constexpr std::uint64_t kMaximumExpansion = 1032;

/// What it throws is an Error that names the file: not there, not a regular file, damaged, truncated.
class DecodedFile {
public:
    explicit DecodedFile(const std::filesystem::path& path);
    DecodedFile(const DecodedFile&) = delete;
    DecodedFile& operator=(const DecodedFile&) = delete;
    ~DecodedFile();

    bool gzip() const { return gzip_; }
    /// On the disk.
    std::uint64_t file_bytes() const { return size_; }
    /// Fills `out` as far as the file goes; returns the bytes written.
    std::size_t read(std::span<std::uint8_t> out) { return gzip_ ? read_gzip(out) : read_file(out); }
    Error error(std::string why, std::string hint) const {
        return {path_.string(), std::move(why), std::move(hint)};
    }

private:
    std::size_t read_file(std::span<std::uint8_t> out);
    std::size_t read_gzip(std::span<std::uint8_t> out);
    void refill();
    bool next_member();

    struct Close {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    std::filesystem::path path_;
    std::unique_ptr<std::FILE, Close> file_;
    std::uint64_t size_ = 0, consumed_ = 0;
    bool gzip_ = false, inflating_ = false, member_ended_ = false;
    z_stream stream_{};
    std::vector<std::uint8_t> input_;
};

}  // namespace spectral
