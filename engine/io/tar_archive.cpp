// A member is a header of 512 bytes and its bytes, padded to 512; two blocks of zeros end the archive.
// Header: name 0–100, size 124–136, checksum 148–156, type 156, "ustar" 257, prefix 345–500; numbers are
// octal, or of base 256 where the first bit is set.
#include "engine/io/tar_archive.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

namespace spectral {
namespace {

constexpr std::uint64_t kBlock = 512;
constexpr std::uint64_t kMaximumText = std::uint64_t{64} << 10;  ///< of a long name or a pax header
constexpr std::size_t kMaximumName = 4096;
constexpr const char* kGiveWhole = "Give a .tar or .tar.gz that is whole.";
constexpr const char* kDamaged = "Download or copy the archive again.";

std::uint64_t padding_of(std::uint64_t bytes) { return (kBlock - bytes % kBlock) % kBlock; }

}  // namespace

struct TarReader::Header {
    std::array<std::uint8_t, kBlock> raw{};
    std::uint64_t bytes = 0;

    char type() const { return static_cast<char>(raw[156]); }
    std::string field(std::size_t first, std::size_t length) const {
        const std::string_view whole(reinterpret_cast<const char*>(raw.data()) + first, length);
        return std::string(whole.substr(0, whole.find('\0')));
    }
    bool zero() const {
        return std::ranges::all_of(raw, [](std::uint8_t byte) { return byte == 0; });
    }
    std::string name() const {
        const std::string prefix = field(257, 5) == "ustar" && raw[262] == 0 ? field(345, 155) : "";
        return prefix.empty() ? field(0, 100) : prefix + "/" + field(0, 100);
    }
    /// False where it is no number.
    bool number(std::size_t first, std::size_t length, std::uint64_t& value) const {
        value = 0;
        if ((raw[first] & 0x80U) != 0) {
            for (std::size_t i = 0; i < length; ++i) {
                if (value >> 55 != 0) return false;
                value = value << 8 | (i == 0 ? raw[first] & 0x7FU : raw[first + i]);
            }
            return true;
        }
        std::size_t i = 0;
        while (i < length && raw[first + i] == ' ') ++i;
        const std::size_t digits = i;
        for (; i < length && raw[first + i] >= '0' && raw[first + i] <= '7'; ++i)
            value = value << 3 | (raw[first + i] - std::uint64_t{'0'});
        return i > digits && (i == length || raw[first + i] == ' ' || raw[first + i] == 0);
    }
    /// The sum of all bytes, those of the checksum as spaces; some old programs took them as signed.
    bool sum_is_right() const {
        std::uint64_t promised = 0;
        if (!number(148, 8, promised)) return false;
        std::int64_t plain = 0, with_sign = 0;
        for (std::size_t i = 0; i < raw.size(); ++i) {
            const std::uint8_t byte = i >= 148 && i < 156 ? std::uint8_t{' '} : raw[i];
            plain += byte;
            with_sign += static_cast<std::int8_t>(byte);
        }
        return static_cast<std::int64_t>(promised) == plain ||
               static_cast<std::int64_t>(promised) == with_sign;
    }
};

void require_relative_name(const std::string& name) {
    if (name.empty() || name.size() > kMaximumName)
        throw Error("name", "a member's name is empty or too long", kDamaged);
    if (std::ranges::any_of(name, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }))
        throw Error("name", "a member's name holds control characters", kDamaged);
    const std::string whole = "/" + name + "/";
    if (name.front() == '/' || whole.find("/../") != std::string::npos)
        throw Error("name", "the member '" + name + "' lies outside of the archive's folder",
                    "Make the archive again with relative names.");
}

Error TarReader::damaged(const std::string& why) const { return file_.error(why, kDamaged); }

Error TarReader::no_archive() const { return file_.error("is no tar archive", kGiveWhole); }

Error TarReader::too_large() const {
    return file_.error("unpacks to more than 4 GiB", "Take a part of it, or unpack it into a directory.");
}

void TarReader::take(std::span<std::uint8_t> target) {
    if (target.size() > kMaximumBytes - total_) throw too_large();
    total_ += target.size();
    if (file_.read(target) != target.size()) throw damaged("is truncated: the archive ends within a member");
}

void TarReader::pass(std::uint64_t bytes) {
    std::array<std::uint8_t, std::size_t{1} << 14> buffer;
    while (bytes > 0) {
        const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(bytes, buffer.size()));
        take(std::span(buffer).first(part));
        bytes -= part;
    }
}

void TarReader::read(std::span<std::uint8_t> target) {
    if (target.size() > left_) throw damaged("a member is shorter than it was");
    left_ -= target.size();
    // inflate() counts in 32 bits.
    constexpr std::size_t kMostAtOnce = std::size_t{1} << 30;
    for (; !target.empty(); target = target.subspan(std::min(target.size(), kMostAtOnce)))
        take(target.first(std::min(target.size(), kMostAtOnce)));
}

/// What follows the end is padding; gzip's checksum stands behind it.
void TarReader::read_rest() {
    std::array<std::uint8_t, std::size_t{1} << 14> buffer;
    while (const std::size_t got = file_.read(buffer)) {
        total_ += got;
        if (total_ > kMaximumBytes) throw too_large();
    }
}

bool TarReader::next_header(Header& header) {
    pass(left_ + padding_);
    left_ = padding_ = 0;
    if (kBlock > kMaximumBytes - total_) throw too_large();
    const std::size_t got = file_.read(header.raw);
    // Some programs leave out the zeros that end an archive, and GNU tar takes it so.
    if (got == 0 && total_ > 0) return false;
    if (got < kBlock && total_ == 0) throw no_archive();
    if (got < kBlock) throw damaged("is truncated: the archive ends within a member");
    total_ += got;
    if (header.zero()) {
        read_rest();
        return false;
    }
    if (!header.sum_is_right())
        throw members_ == 0 ? no_archive() : file_.error("a member's header is damaged", kGiveWhole);
    if (!header.number(124, 12, header.bytes)) throw damaged("a member's size is no number");
    if (++members_ > kMaximumMembers) throw damaged("has more than 1,000,000 members");
    left_ = header.bytes;
    padding_ = padding_of(header.bytes);
    return true;
}

std::string TarReader::text(const Header& header) {
    if (header.bytes > kMaximumText) throw damaged("a member's name or header is too long");
    std::string text(static_cast<std::size_t>(header.bytes), '\0');
    read({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
    return text;
}

/// Records "LENGTH KEY=VALUE\n", of which path and size matter here.
void TarReader::read_pax(const Header& header, TarMember& longer, bool& has_bytes) {
    const std::string records = text(header);
    std::string_view rest = records;
    while (!rest.empty()) {
        std::size_t length = 0;
        const auto [end, failure] = std::from_chars(rest.data(), rest.data() + rest.size(), length);
        const auto digits = static_cast<std::size_t>(end - rest.data());
        if (failure != std::errc() || length > rest.size() || length < digits + 3 || rest[digits] != ' ' ||
            rest[length - 1] != '\n')
            throw damaged("a pax header is damaged");
        const std::string_view record = rest.substr(digits + 1, length - digits - 2);
        const std::size_t equal = record.find('=');
        if (equal == std::string_view::npos) throw damaged("a pax header is damaged");
        const std::string_view key = record.substr(0, equal), value = record.substr(equal + 1);
        if (key == "path") longer.name = value;
        if (key == "size") {
            const auto [last, wrong] =
                std::from_chars(value.data(), value.data() + value.size(), longer.bytes);
            if (wrong != std::errc() || last != value.data() + value.size())
                throw damaged("a pax header has a size that is no number");
            has_bytes = true;
        }
        rest.remove_prefix(length);
    }
}

bool TarReader::next(TarMember& member) {
    Header header;
    TarMember longer;  // what pax and GNU say of the next member
    bool has_bytes = false;
    while (next_header(header)) {
        switch (header.type()) {
            case 'x':
                read_pax(header, longer, has_bytes);
                continue;
            case 'L':
                longer.name = text(header);
                longer.name.resize(std::min(longer.name.find('\0'), longer.name.size()));
                continue;
            case '0':
            case '\0':
            case '7':
                break;
            case 'S':
                throw file_.error("holds a sparse file", "Make the archive again without --sparse.");
            default:
                // Directories, links, global headers: their bytes are passed over, what was said of them with
                // them. A link's header may state the size of what it leads to, and has no bytes.
                if (header.type() >= '1' && header.type() <= '6') left_ = padding_ = 0;
                if (header.type() != 'g' && header.type() != 'K') {
                    longer = {};
                    has_bytes = false;
                }
                continue;
        }
        if (has_bytes) {
            left_ = longer.bytes;
            if (left_ > kMaximumBytes) throw too_large();
            padding_ = padding_of(left_);
        }
        member.name = longer.name.empty() ? header.name() : longer.name;
        member.bytes = left_;
        try {
            require_relative_name(member.name);
        } catch (const Error& failure) {
            throw file_.error(failure.why(), failure.hint());
        }
        member.name = std::filesystem::path(member.name).lexically_normal().generic_string();
        if (!member.name.ends_with('/') && member.name != ".") return true;  // else a directory of old
        longer = {};
        has_bytes = false;
    }
    if (has_bytes || !longer.name.empty())
        throw damaged("is truncated: it ends where a member should follow");
    return false;
}

}  // namespace spectral
