#include "engine/io/decoded_file.hpp"

#include <fmt/core.h>

#include <array>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <new>

namespace spectral {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kInputBytes = std::size_t{1} << 18;
constexpr const char* kFetchAgain = "Download or copy the file again.";

}  // namespace

DecodedFile::DecodedFile(const fs::path& path) : path_(path) {
    std::error_code failure;
    const fs::file_status status = fs::status(path, failure);
    if (status.type() == fs::file_type::not_found)
        throw error("there is no such file", "Check the name and the directory.");
    if (!fs::is_regular_file(status)) throw error("is not a regular file", "Give a file.");
    size_ = fs::file_size(path, failure);
    file_.reset(failure ? nullptr : std::fopen(path.c_str(), "rb"));
    if (!file_)
        throw error(fmt::format("cannot be opened ({})", failure ? failure.message() : std::strerror(errno)),
                    "Check that you may read the file.");
    // The content says whether it is compressed: downloads often lose or keep a ".gz" wrongly.
    std::array<std::uint8_t, 2> magic{};
    gzip_ = read_file(magic) == 2 && magic[0] == 0x1f && magic[1] == 0x8b;
    std::rewind(file_.get());
    consumed_ = 0;
    if (!gzip_) return;
    input_.resize(kInputBytes);
    if (inflateInit2(&stream_, 16 + MAX_WBITS) != Z_OK) throw std::bad_alloc();
    inflating_ = true;
}

DecodedFile::~DecodedFile() {
    if (inflating_) inflateEnd(&stream_);
}

std::size_t DecodedFile::read_file(std::span<std::uint8_t> out) {
    const std::size_t got = std::fread(out.data(), 1, out.size(), file_.get());
    if (std::ferror(file_.get()) != 0) throw error("reading failed", "Check the disk, then try again.");
    consumed_ += got;
    return got;
}

void DecodedFile::refill() {
    const std::size_t got = read_file(input_);
    stream_.next_in = input_.data();
    stream_.avail_in = static_cast<uInt>(got);
}

std::size_t DecodedFile::read_gzip(std::span<std::uint8_t> out) {
    assert(out.size() <= UINT32_MAX);
    stream_.next_out = out.data();
    stream_.avail_out = static_cast<uInt>(out.size());
    while (stream_.avail_out > 0 && next_member()) {
        if (stream_.avail_in == 0) refill();
        const bool end_of_file = stream_.avail_in == 0;
        const int code = inflate(&stream_, Z_NO_FLUSH);
        if (code == Z_STREAM_END) {
            member_ended_ = true;
        } else if (code == Z_MEM_ERROR) {
            throw std::bad_alloc();
        } else if (code == Z_DATA_ERROR || code == Z_NEED_DICT || code == Z_STREAM_ERROR) {
            throw error(
                fmt::format("the gzip data is damaged ({})", stream_.msg ? stream_.msg : "wrong stream"),
                kFetchAgain);
        } else if (end_of_file && stream_.avail_out > 0) {
            throw error(fmt::format("the gzip data is truncated after {} bytes", consumed_), kFetchAgain);
        }
    }
    return out.size() - stream_.avail_out;
}

/// False at the end of the last gzip member; several may follow each other (RFC 1952, 2.2).
bool DecodedFile::next_member() {
    if (!member_ended_) return true;
    if (stream_.avail_in == 0) refill();
    if (stream_.avail_in == 0) return false;
    if (*stream_.next_in != 0x1f) throw error("other bytes follow the end of the gzip data", kFetchAgain);
    inflateReset(&stream_);
    member_ended_ = false;
    return true;
}

}  // namespace spectral
