// Tar archives, plain or gzip, read in order: POSIX ustar and pax, and GNU's long names. Nothing is
// extracted.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "engine/io/decoded_file.hpp"

namespace spectral {

struct TarMember {
    std::string name;  ///< without parts ".": "recordings/0_george_0.wav"
    std::uint64_t bytes = 0;
};

/// Throws Error naming the archive: no tar, damaged, truncated, a name that is absolute, leads upwards or
/// holds control characters, more members or bytes than the limits below.
class TarReader {
public:
    static constexpr std::uint64_t kMaximumBytes = std::uint64_t{4} << 30;  ///< of the whole, unpacked
    static constexpr std::uint64_t kMaximumMembers = 1'000'000;

    explicit TarReader(const std::filesystem::path& path) : file_(path) {}

    /// The next regular file; directories, links and devices are passed over. False at the end.
    bool next(TarMember& member);
    /// The member's bytes that come next. Throws Error where it has fewer.
    void read(std::span<std::uint8_t> target);

private:
    struct Header;
    bool next_header(Header& header);
    void take(std::span<std::uint8_t> target);
    void pass(std::uint64_t bytes);
    std::string text(const Header& header);
    void read_pax(const Header& header, TarMember& longer, bool& has_bytes);
    void read_rest();
    Error damaged(const std::string& why) const;
    Error no_archive() const;
    Error too_large() const;

    DecodedFile file_;
    std::uint64_t total_ = 0, members_ = 0;
    std::uint64_t left_ = 0;     ///< of the member
    std::uint64_t padding_ = 0;  ///< behind it
};

/// Throws Error, whose why() says what is wrong, unless it names a place below some folder in plain text.
void require_relative_name(const std::string& name);

}  // namespace spectral
