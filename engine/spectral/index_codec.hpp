// Ascending indices below a universe as bytes: flat little-endian u32, a bitmap, or the distances between
// them as varints (LEB128: seven bits a byte, the lowest first). Decoders take hostile bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace spectral {

enum class IndexCoding { flat, bitmap, delta };
inline constexpr IndexCoding kIndexCodings[] = {IndexCoding::flat, IndexCoding::bitmap, IndexCoding::delta};
std::string_view index_coding_name(IndexCoding coding);  ///< "delta-varint"

/// Bytes that encode_indices() gives.
std::size_t coded_index_bytes(IndexCoding coding, std::span<const std::uint32_t> indices,
                              std::int64_t universe);
/// The one of fewest bytes; of equal ones the first.
IndexCoding smallest_index_coding(std::span<const std::uint32_t> indices, std::int64_t universe);

/// `indices` ascending without duplicates, below `universe` ≤ 2^32.
std::vector<std::byte> encode_indices(IndexCoding coding, std::span<const std::uint32_t> indices,
                                      std::int64_t universe);
/// Throws Error where the bytes are not what encode_indices() gives for `count` indices below `universe`.
std::vector<std::uint32_t> decode_indices(IndexCoding coding, std::span<const std::byte> bytes,
                                          std::int64_t count, std::int64_t universe);

}  // namespace spectral
