#include "engine/spectral/index_codec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "engine/core/error.hpp"

namespace spectral {

namespace {

constexpr unsigned kVarintBits = 7, kMore = 0x80;

std::size_t bitmap_bytes(std::int64_t universe) { return static_cast<std::size_t>((universe + 7) / 8); }

/// Calls body(distance) for every index: how many lie between it and the one before.
template <class Body>
void for_distances(std::span<const std::uint32_t> indices, const Body& body) {
    std::uint64_t next = 0;
    for (const std::uint32_t index : indices) {
        body(index - next);
        next = std::uint64_t{index} + 1;
    }
}

std::size_t varint_bytes(std::uint64_t value) {
    return (static_cast<unsigned>(std::bit_width(value | 1)) + kVarintBits - 1) / kVarintBits;
}

[[noreturn]] void refuse(const std::string& why) {
    throw Error("coded indices", why, "the file is damaged, or was written by another program");
}

std::uint32_t flat_index(std::span<const std::byte> bytes, std::size_t i) {
    std::uint32_t index = 0;
    for (std::size_t j = 4; j-- > 0;) index = index << 8 | std::to_integer<std::uint32_t>(bytes[4 * i + j]);
    return index;
}

/// The varint at `at`, which moves behind it.
std::uint64_t read_varint(std::span<const std::byte> bytes, std::size_t& at) {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift <= 4 * kVarintBits; shift += kVarintBits) {
        if (at >= bytes.size()) refuse("they end within a distance");
        const auto byte = std::to_integer<unsigned>(bytes[at++]);
        value |= std::uint64_t{byte & (kMore - 1)} << shift;
        if ((byte & kMore) != 0) continue;
        if (byte == 0 && shift > 0) refuse("a distance is longer than it needs to be");
        return value;
    }
    refuse("a distance has more than 32 bits");
}

}  // namespace

std::string_view index_coding_name(IndexCoding coding) {
    switch (coding) {
        case IndexCoding::flat:
            return "flat-u32";
        case IndexCoding::bitmap:
            return "bitmap";
        case IndexCoding::delta:
            return "delta-varint";
    }
    return "?";
}

std::size_t coded_index_bytes(IndexCoding coding, std::span<const std::uint32_t> indices,
                              std::int64_t universe) {
    if (coding == IndexCoding::flat) return 4 * indices.size();
    if (coding == IndexCoding::bitmap) return bitmap_bytes(universe);
    std::size_t sum = 0;
    for_distances(indices, [&](std::uint64_t distance) { sum += varint_bytes(distance); });
    return sum;
}

IndexCoding smallest_index_coding(std::span<const std::uint32_t> indices, std::int64_t universe) {
    return *std::ranges::min_element(
        kIndexCodings, {}, [&](IndexCoding coding) { return coded_index_bytes(coding, indices, universe); });
}

std::vector<std::byte> encode_indices(IndexCoding coding, std::span<const std::uint32_t> indices,
                                      std::int64_t universe) {
    std::vector<std::byte> bytes;
    bytes.reserve(coded_index_bytes(coding, indices, universe));
    switch (coding) {
        case IndexCoding::flat:
            for (const std::uint32_t index : indices)
                for (int shift = 0; shift < 32; shift += 8)
                    bytes.push_back(static_cast<std::byte>(index >> shift & 0xFFU));
            break;
        case IndexCoding::bitmap:
            bytes.resize(bitmap_bytes(universe));
            for (const std::uint32_t index : indices) bytes[index / 8] |= std::byte{1} << index % 8;
            break;
        case IndexCoding::delta:
            for_distances(indices, [&](std::uint64_t distance) {
                for (; distance >= kMore; distance >>= kVarintBits)
                    bytes.push_back(static_cast<std::byte>(kMore | (distance & (kMore - 1))));
                bytes.push_back(static_cast<std::byte>(distance));
            });
            break;
    }
    return bytes;
}

std::vector<std::uint32_t> decode_indices(IndexCoding coding, std::span<const std::byte> bytes,
                                          std::int64_t count, std::int64_t universe) {
    // Before anything is allocated: no coding has more indices than eight in a byte.
    if (count < 0 || count > universe || static_cast<std::uint64_t>(count) > 8 * bytes.size())
        refuse(fmt::format("{} indices below {} are not in {} bytes", count, universe, bytes.size()));
    std::vector<std::uint32_t> indices;
    indices.reserve(static_cast<std::size_t>(count));
    std::uint64_t next = 0;
    const auto add = [&](std::uint64_t index) {
        if (index < next) refuse(fmt::format("index {} follows {}", index, next - 1));
        if (index >= static_cast<std::uint64_t>(universe))
            refuse(fmt::format("index {} lies outside {}", index, universe));
        indices.push_back(static_cast<std::uint32_t>(index));
        next = index + 1;
    };
    const auto expect_bytes = [&](std::size_t expected) {
        if (bytes.size() != expected)
            refuse(fmt::format("they have {} bytes instead of {}", bytes.size(), expected));
    };
    switch (coding) {
        case IndexCoding::flat:
            expect_bytes(4 * static_cast<std::size_t>(count));
            for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) add(flat_index(bytes, i));
            break;
        case IndexCoding::bitmap: {
            expect_bytes(bitmap_bytes(universe));
            std::int64_t marked = 0;
            for (const std::byte byte : bytes) marked += std::popcount(std::to_integer<unsigned>(byte));
            if (marked != count) refuse(fmt::format("{} are marked instead of {}", marked, count));
            for (std::size_t i = 0; i < bytes.size(); ++i)
                for (auto left = std::to_integer<unsigned>(bytes[i]); left != 0; left &= left - 1)
                    add(8 * i + static_cast<unsigned>(std::countr_zero(left)));
            break;
        }
        case IndexCoding::delta: {
            std::size_t at = 0;
            for (std::int64_t i = 0; i < count; ++i) add(next + read_varint(bytes, at));
            if (at != bytes.size()) refuse(fmt::format("{} bytes are left over", bytes.size() - at));
            break;
        }
    }
    return indices;
}

}  // namespace spectral
