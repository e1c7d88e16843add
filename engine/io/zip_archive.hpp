// ZIP archives of stored and deflated members (PKWARE APPNOTE 6.3, with its 64-bit fields), as NumPy writes
// them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/io/foreign_tensors.hpp"
#include "engine/io/input_file.hpp"

namespace spectral {

struct ZipMember {
    std::string name;
    bool deflated = false;
    std::uint32_t crc = 0;
    std::uint64_t packed_bytes = 0, bytes = 0;
    std::uint64_t header = 0;  ///< of the file: where its own header begins
    std::uint64_t data = 0;    ///< and its packed bytes
};

/// The members that the directory at the file's end names, in the order of the file. Throws Error on damage,
/// encryption, other ways of packing, members that overlap or that promise more bytes than they can unpack
/// to.
std::vector<ZipMember> zip_members(const InputFile& file);

/// The unpacked bytes of one member, in order. What it throws names the file and the member.
class ZipReader {
public:
    ZipReader(const InputFile& file, const ZipMember& member);
    ~ZipReader();
    ZipReader(const ZipReader&) = delete;
    ZipReader& operator=(const ZipReader&) = delete;

    /// Throws Error where the member has fewer.
    void read(std::span<std::byte> target);
    /// Throws Error unless all was read and the checksum is right.
    void finish();

private:
    struct Stream;
    std::unique_ptr<Stream> stream_;
};

}  // namespace spectral
