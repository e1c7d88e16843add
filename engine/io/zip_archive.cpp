#include "engine/io/zip_archive.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <new>
#include <string_view>

#include "engine/io/model_schema.hpp"

namespace spectral {

namespace {

constexpr std::size_t kEndBytes = 22, kEnd64Bytes = 56, kLocatorBytes = 20, kEntryBytes = 46,
                      kLocalBytes = 30;
constexpr std::uint32_t kEndMark = 0x06054b50, kEnd64Mark = 0x06064b50, kLocatorMark = 0x07064b50,
                        kEntryMark = 0x02014b50, kLocalMark = 0x04034b50;
constexpr unsigned kStored = 0, kDeflated = 8, kEncryptedFlag = 1, kZip64Field = 1;
/// Deflate cannot expand more: 258 bytes from two bits.
constexpr std::uint64_t kMaxExpansion = 1032;
constexpr std::size_t kMaxDirectoryBytes = std::size_t{64} << 20;
constexpr std::size_t kInputBytes = std::size_t{1} << 16;
constexpr const char* kDamaged = "The archive is damaged, or was changed; fetch or write it again.";

using Bytes = std::vector<std::byte>;

Bytes bytes_at(const InputFile& file, std::uint64_t offset, std::uint64_t count) {
    Bytes bytes(static_cast<std::size_t>(count));
    file.read(offset, bytes);
    return bytes;
}

/// Little-endian numbers one after another. Reading behind the end is a mistake of the caller's.
class Fields {
public:
    explicit Fields(std::span<const std::byte> bytes) : rest_(bytes) {}
    std::size_t left() const { return rest_.size(); }
    std::uint64_t take(std::size_t width) {
        std::uint64_t value = 0;
        for (std::size_t i = width; i-- > 0;) value = value << 8 | std::to_integer<std::uint64_t>(rest_[i]);
        skip(width);
        return value;
    }
    std::uint16_t u16() { return static_cast<std::uint16_t>(take(2)); }
    std::uint32_t u32() { return static_cast<std::uint32_t>(take(4)); }
    std::uint64_t u64() { return take(8); }
    void skip(std::size_t count) { rest_ = rest_.subspan(count); }
    std::span<const std::byte> part(std::size_t count) {
        const auto first = rest_.first(count);
        skip(count);
        return first;
    }

private:
    std::span<const std::byte> rest_;
};

/// Where the directory lies and how many members it names.
struct Directory {
    std::uint64_t offset = 0, bytes = 0, members = 0;
    std::uint64_t end = 0;  ///< nothing of a member or of the directory lies behind it
};

/// Behind the directory, where a number does not fit in the older record at the end.
void read_wide_end(const InputFile& file, std::uint64_t end, Directory& directory) {
    if (end < kLocatorBytes) throw file.error("its directory is damaged", kDamaged);
    const Bytes locator = bytes_at(file, end - kLocatorBytes, kLocatorBytes);
    Fields fields(locator);
    if (fields.u32() != kLocatorMark) return;  // the numbers are what they seem
    fields.skip(4);
    const std::uint64_t place = fields.u64();
    if (place > end - kLocatorBytes || end - kLocatorBytes - place < kEnd64Bytes)
        throw file.error("its directory is damaged", kDamaged);
    const Bytes record = bytes_at(file, place, kEnd64Bytes);
    Fields wide(record);
    if (wide.u32() != kEnd64Mark) throw file.error("its directory is damaged", kDamaged);
    wide.skip(8 + 2 + 2 + 4 + 4 + 8);
    directory.members = wide.u64();
    directory.bytes = wide.u64();
    directory.offset = wide.u64();
    directory.end = place;
}

Directory find_directory(const InputFile& file) {
    constexpr std::uint64_t kMaxComment = 65535;
    if (file.bytes() < kEndBytes) throw file.error("is too short for a ZIP archive", kDamaged);
    const std::uint64_t tail_bytes = std::min(file.bytes(), kEndBytes + kMaxComment);
    const Bytes tail = bytes_at(file, file.bytes() - tail_bytes, tail_bytes);
    for (std::size_t back = kEndBytes; back <= tail.size(); ++back) {
        Fields fields{std::span(tail).last(back)};
        if (fields.u32() != kEndMark) continue;
        const unsigned disk = fields.u16(), first_disk = fields.u16();
        Directory directory;
        fields.skip(2);
        directory.members = fields.u16();
        directory.bytes = fields.u32();
        directory.offset = fields.u32();
        if (fields.u16() != back - kEndBytes) continue;  // bytes of a comment that look like a record
        if ((disk != 0 && disk != UINT16_MAX) || first_disk != disk)
            throw file.error("is a part of an archive in several files", "Give the archive as one file.");
        directory.end = file.bytes() - back;
        if (directory.members == UINT16_MAX || directory.bytes == UINT32_MAX ||
            directory.offset == UINT32_MAX)
            read_wide_end(file, directory.end, directory);
        if (directory.offset > directory.end || directory.bytes > directory.end - directory.offset)
            throw file.error("its directory lies outside of it", kDamaged);
        return directory;
    }
    throw file.error("is no whole ZIP archive: the directory at its end is missing", kDamaged);
}

/// Sizes and place that do not fit in 32 bits stand in an extra field, in this order.
void read_wide_sizes(Fields extra, ZipMember& member) {
    while (extra.left() >= 4) {
        const unsigned id = extra.u16();
        const std::size_t bytes = extra.u16();
        if (bytes > extra.left()) return;
        Fields field(extra.part(bytes));
        if (id != kZip64Field) continue;
        for (std::uint64_t* number : {&member.bytes, &member.packed_bytes, &member.header})
            if (*number == UINT32_MAX && field.left() >= 8) *number = field.u64();
        return;
    }
}

/// Where the packed bytes begin: behind the member's own header, whose name must be the directory's.
std::uint64_t data_of(const InputFile& file, const ZipMember& member, std::uint64_t end) {
    const auto damaged = [&](const char* why) {
        return file.error("member '" + member.name + "' " + why, kDamaged);
    };
    if (member.header > end || end - member.header < kLocalBytes) throw damaged("lies outside the file");
    const Bytes local = bytes_at(file, member.header, kLocalBytes);
    Fields fields(local);
    if (fields.u32() != kLocalMark) throw damaged("has no header");
    fields.skip(22);
    const std::uint64_t name_bytes = fields.u16(), extra_bytes = fields.u16();
    const std::uint64_t left = end - member.header - kLocalBytes;
    if (name_bytes + extra_bytes > left || member.packed_bytes > left - name_bytes - extra_bytes)
        throw damaged("lies outside the file");
    const Bytes name = bytes_at(file, member.header + kLocalBytes, name_bytes);
    if (!std::ranges::equal(name, std::as_bytes(std::span(member.name))))
        throw damaged("has another name in its own header");
    return member.header + kLocalBytes + name_bytes + extra_bytes;
}

void check_member(const InputFile& file, const ZipMember& member, unsigned flags, unsigned method) {
    const auto refused = [&](const std::string& why, const char* hint) {
        return file.error("member '" + member.name + "' " + why, hint);
    };
    if ((flags & kEncryptedFlag) != 0) throw refused("is encrypted", "Write the archive without a password.");
    if (method != kStored && method != kDeflated)
        throw refused(fmt::format("is packed in a way that is not read here (method {})", method),
                      "Write it with numpy.savez or numpy.savez_compressed.");
    if (member.deflated ? member.bytes / kMaxExpansion > member.packed_bytes
                        : member.bytes != member.packed_bytes)
        throw refused(fmt::format("promises {} bytes out of {}", member.bytes, member.packed_bytes),
                      kDamaged);
}

}  // namespace

std::vector<ZipMember> zip_members(const InputFile& file) {
    const Directory directory = find_directory(file);
    if (directory.members > kMaxTensors || directory.bytes > kMaxDirectoryBytes)
        throw file.error(fmt::format("has more than {} members", kMaxTensors));
    const Bytes bytes = bytes_at(file, directory.offset, directory.bytes);
    Fields fields(bytes);
    std::vector<ZipMember> members;
    for (std::uint64_t i = 0; i < directory.members; ++i) {
        if (fields.left() < kEntryBytes || fields.u32() != kEntryMark)
            throw file.error("its directory is damaged", kDamaged);
        ZipMember member;
        fields.skip(4);
        const unsigned flags = fields.u16(), method = fields.u16();
        fields.skip(4);
        member.crc = fields.u32();
        member.packed_bytes = fields.u32();
        member.bytes = fields.u32();
        const std::size_t name_bytes = fields.u16(), extra_bytes = fields.u16(), comment_bytes = fields.u16();
        fields.skip(8);
        member.header = fields.u32();
        if (name_bytes + extra_bytes + comment_bytes > fields.left())
            throw file.error("its directory is damaged", kDamaged);
        const auto name = fields.part(name_bytes);
        member.name.assign(reinterpret_cast<const char*>(name.data()), name.size());
        if (std::ranges::any_of(member.name,
                                [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }))
            throw file.error("a member's name holds control characters", kDamaged);
        read_wide_sizes(Fields(fields.part(extra_bytes)), member);
        fields.skip(comment_bytes);
        member.deflated = method == kDeflated;
        check_member(file, member, flags, method);
        member.data = data_of(file, member, directory.offset);
        members.push_back(std::move(member));
    }
    if (fields.left() > 0) throw file.error("its directory is damaged", kDamaged);
    std::ranges::stable_sort(members, {}, &ZipMember::header);
    // Members that share their bytes would unpack to far more than the file is long.
    for (std::size_t i = 1; i < members.size(); ++i)
        if (members[i].header < members[i - 1].data + members[i - 1].packed_bytes)
            throw file.error("members '" + members[i - 1].name + "' and '" + members[i].name + "' overlap",
                             kDamaged);
    return members;
}

struct ZipReader::Stream {
    const InputFile& file;
    const ZipMember& member;
    std::uint64_t at = 0, packed_left = 0, left = 0;
    std::uint32_t crc = 0;
    z_stream inflater{};
    Bytes input;

    Error error(const std::string& why) const {
        return file.error("member '" + member.name + "' " + why, kDamaged);
    }

    void refill() {
        const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(packed_left, input.size()));
        file.read(at, std::span(input).first(part));
        at += part;
        packed_left -= part;
        inflater.next_in = reinterpret_cast<Bytef*>(input.data());
        inflater.avail_in = static_cast<uInt>(part);
    }

    /// Unpacks into at most UINT_MAX bytes; gives how many were there.
    std::size_t inflate_into(std::span<std::byte> target) {
        inflater.next_out = reinterpret_cast<Bytef*>(target.data());
        inflater.avail_out = static_cast<uInt>(target.size());
        for (;;) {
            if (inflater.avail_in == 0 && packed_left > 0) refill();
            const int code = inflate(&inflater, Z_NO_FLUSH);
            if (code == Z_MEM_ERROR) throw std::bad_alloc();
            if (code == Z_STREAM_END || inflater.avail_out == 0) break;
            if (code != Z_OK || (inflater.avail_in == 0 && packed_left == 0)) break;
        }
        return target.size() - inflater.avail_out;
    }
};

ZipReader::ZipReader(const InputFile& file, const ZipMember& member)
    : stream_(std::make_unique<Stream>(
          Stream{file, member, member.data, member.packed_bytes, member.bytes, 0, {}, {}})) {
    if (!member.deflated) return;
    stream_->input.resize(kInputBytes);
    if (inflateInit2(&stream_->inflater, -MAX_WBITS) != Z_OK) throw std::bad_alloc();
}

ZipReader::~ZipReader() {
    if (stream_->member.deflated) inflateEnd(&stream_->inflater);
}

void ZipReader::read(std::span<std::byte> target) {
    constexpr std::size_t kMostAtOnce = std::size_t{1} << 30;  // zlib counts in 32 bits
    Stream& s = *stream_;
    if (target.size() > s.left) throw s.error("ends before all of its values are there");
    s.left -= target.size();
    while (!target.empty()) {
        const auto part = target.first(std::min(target.size(), kMostAtOnce));
        if (!s.member.deflated) {
            s.file.read(s.at, part);
            s.at += part.size();
        } else if (s.inflate_into(part) != part.size()) {
            throw s.error("cannot be unpacked");
        }
        s.crc = static_cast<std::uint32_t>(
            crc32(s.crc, reinterpret_cast<const Bytef*>(part.data()), static_cast<uInt>(part.size())));
        target = target.subspan(part.size());
    }
}

void ZipReader::finish() {
    Stream& s = *stream_;
    if (s.left > 0) throw s.error(fmt::format("has {} bytes more than its values", s.left));
    if (s.crc != s.member.crc) throw s.error("fails its checksum");
}

}  // namespace spectral
