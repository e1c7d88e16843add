// Unpacks the chunks of an HDF5 dataset (fletcher32, gzip, shuffle) with every bound checked.
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "engine/io/hdf5.hpp"

namespace spectral::hdf5 {

namespace {

using Bytes = std::vector<std::byte>;
using Extents = std::array<hsize_t, kMaxRank>;

constexpr std::uint64_t kMaxChunks = 1 << 16;
/// Checksums that other filter orders put inside the gzip stream.
constexpr std::size_t kFilterSlackBytes = 64;

[[noreturn]] void damaged(const std::string& why) {
    throw Error("chunk", why, "The file is damaged; use a copy or an earlier checkpoint.");
}

struct Filter {
    H5Z_filter_t id;
    std::size_t element_bytes;  ///< of shuffle
};

std::vector<Filter> filters_of(hid_t creation_properties) {
    const int count = H5Pget_nfilters(creation_properties);
    if (count < 0) damaged(last_error());
    std::vector<Filter> filters;
    for (unsigned i = 0; i < static_cast<unsigned>(count); ++i) {
        unsigned flags = 0, config = 0;
        std::array<unsigned, 8> parameters{};
        std::size_t parameter_count = parameters.size();
        const H5Z_filter_t id = H5Pget_filter2(creation_properties, i, &flags, &parameter_count,
                                               parameters.data(), 0, nullptr, &config);
        if (id < 0) damaged(last_error());
        filters.push_back({id, parameters[0]});
    }
    return filters;
}

/// As HDF5 computes it: big-endian 16-bit words, sums folded every 360 words.
std::uint32_t fletcher32(std::span<const std::byte> bytes) {
    const auto fold = [](std::uint32_t sum) { return (sum & 0xffffU) + (sum >> 16U); };
    const auto word = [&](std::size_t i) { return std::to_integer<std::uint32_t>(bytes[i]); };
    std::uint32_t sum1 = 0, sum2 = 0;
    std::size_t i = 0;
    for (std::size_t words = bytes.size() / 2; words > 0;) {
        const std::size_t block = std::min<std::size_t>(words, 360);
        for (std::size_t k = 0; k < block; ++k, i += 2) {
            sum1 += word(i) << 8U | word(i + 1);
            sum2 += sum1;
        }
        sum1 = fold(sum1);
        sum2 = fold(sum2);
        words -= block;
    }
    if (i < bytes.size()) {
        sum1 = fold(sum1 + (word(i) << 8U));
        sum2 = fold(sum2 + sum1);
    }
    return fold(sum2) << 16U | fold(sum1);
}

void check_fletcher32(Bytes& bytes) {
    std::uint32_t stored = 0;
    if (bytes.size() < sizeof stored) damaged("is too short for its checksum");
    const std::size_t size = bytes.size() - sizeof stored;
    for (std::size_t i = 0; i < sizeof stored; ++i)
        stored |= std::to_integer<std::uint32_t>(bytes[size + i]) << (8U * i);
    bytes.resize(size);
    if (fletcher32(bytes) != stored) damaged("fails its fletcher32 checksum");
}

Bytes inflated(const Bytes& packed, std::size_t max_bytes) {
    Bytes plain(max_bytes);
    z_stream stream{};
    if (inflateInit(&stream) != Z_OK) damaged("cannot be unpacked");
    stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(packed.data()));
    stream.avail_in = static_cast<uInt>(packed.size());
    stream.next_out = reinterpret_cast<Bytef*>(plain.data());
    stream.avail_out = static_cast<uInt>(plain.size());
    const int result = inflate(&stream, Z_FINISH);
    plain.resize(plain.size() - stream.avail_out);
    inflateEnd(&stream);
    if (result != Z_STREAM_END) damaged("holds a broken gzip stream");
    return plain;
}

Bytes unshuffled(const Bytes& planes, std::size_t element_bytes) {
    if (element_bytes <= 1) return planes;
    const std::size_t count = planes.size() / element_bytes;
    Bytes plain = planes;
    for (std::size_t plane = 0; plane < element_bytes; ++plane)
        for (std::size_t i = 0; i < count; ++i) plain[i * element_bytes + plane] = planes[plane * count + i];
    return plain;
}

Bytes unpacked(Bytes bytes, const std::vector<Filter>& filters, std::uint32_t skipped,
               std::size_t chunk_bytes) {
    for (std::size_t i = filters.size(); i-- > 0;) {
        if (i < 32 && (skipped >> i & 1U) != 0) continue;
        switch (filters[i].id) {
            case H5Z_FILTER_FLETCHER32:
                check_fletcher32(bytes);
                break;
            case H5Z_FILTER_DEFLATE:
                bytes = inflated(bytes, chunk_bytes + kFilterSlackBytes);
                break;
            case H5Z_FILTER_SHUFFLE:
                bytes = unshuffled(bytes, filters[i].element_bytes);
                break;
            default:
                damaged("uses an unknown filter");
        }
    }
    if (bytes.size() != chunk_bytes) damaged("unpacks to another size than promised");
    return bytes;
}

/// How a dataset is cut: extents and chunk extents in elements, strides of the whole in elements.
struct Cut {
    std::size_t rank = 0;
    Extents extents{}, chunk{};
    std::size_t element_bytes = 0;

    /// Copies the part of `chunk_values` that lies inside the extents, row by row along the last axis.
    void paste(const Bytes& chunk_values, const Extents& offset, std::span<std::byte> target) const {
        Extents index{};
        const std::size_t last = rank - 1;
        const hsize_t run = std::min(chunk[last], extents[last] - offset[last]);
        for (bool more = true; more;) {
            hsize_t from = 0, to = 0;
            for (std::size_t axis = 0; axis < rank; ++axis) {
                from = from * chunk[axis] + index[axis];
                to = to * extents[axis] + offset[axis] + index[axis];
            }
            std::memcpy(target.data() + to * element_bytes, chunk_values.data() + from * element_bytes,
                        run * element_bytes);
            more = false;
            for (std::size_t axis = last; axis-- > 0 && !more;) {
                if (++index[axis] < chunk[axis] && offset[axis] + index[axis] < extents[axis])
                    more = true;
                else
                    index[axis] = 0;
            }
        }
    }

    /// Steps to the next chunk; false after the last.
    bool next(Extents& offset) const {
        for (std::size_t axis = rank; axis-- > 0;) {
            offset[axis] += chunk[axis];
            if (offset[axis] < extents[axis]) return true;
            offset[axis] = 0;
        }
        return false;
    }
};

}  // namespace

void read_chunks(hid_t dataset, hid_t creation_properties, std::span<const std::int64_t> extents,
                 std::size_t element_bytes, std::uint64_t file_bytes, std::span<std::byte> target) {
    Cut cut;
    cut.rank = extents.size();
    cut.element_bytes = element_bytes;
    if (cut.rank == 0 ||
        H5Pget_chunk(creation_properties, kMaxRank, cut.chunk.data()) != static_cast<int>(cut.rank))
        damaged("has another rank than its dataset");
    std::uint64_t chunk_bytes = element_bytes, chunk_count = 1;
    for (std::size_t axis = 0; axis < cut.rank; ++axis) {
        cut.extents[axis] = static_cast<hsize_t>(extents[axis]);
        const hsize_t chunk = cut.chunk[axis];
        // The format holds chunk extents in 32 bits, and zlib counts in 32 bits too.
        if (chunk == 0 || __builtin_mul_overflow(chunk_bytes, chunk, &chunk_bytes) ||
            chunk_bytes > UINT32_MAX - kFilterSlackBytes)
            damaged("has an impossible size");
        const hsize_t along = cut.extents[axis] / chunk + (cut.extents[axis] % chunk != 0 ? 1 : 0);
        if (__builtin_mul_overflow(chunk_count, along, &chunk_count) || chunk_count > kMaxChunks)
            damaged("is one of too many");
    }
    // A resizable dataset of another writer may be smaller than its chunk, but not by orders of magnitude.
    if (chunk_bytes > target.size() + (std::uint64_t{64} << 20)) damaged("is larger than its dataset");
    if (target.empty()) return;

    const std::vector<Filter> filters = filters_of(creation_properties);
    Extents offset{};
    do {
        unsigned skipped = 0;
        haddr_t address = HADDR_UNDEF;
        hsize_t stored_bytes = 0;
        if (H5Dget_chunk_info_by_coord(dataset, offset.data(), &skipped, &address, &stored_bytes) < 0)
            damaged(last_error());
        if (address == HADDR_UNDEF || stored_bytes == 0) damaged("is missing");
        if (address > file_bytes || stored_bytes > file_bytes - address) damaged("lies outside the file");
        // The next call looks the chunk up by another way through the index, which a damaged one may lead to
        // another chunk: of a size that is asked for by the same way.
        hsize_t read_bytes = 0;
        if (H5Dget_chunk_storage_size(dataset, offset.data(), &read_bytes) < 0) damaged(last_error());
        if (read_bytes != stored_bytes) damaged("has two sizes");
        Bytes bytes(static_cast<std::size_t>(stored_bytes));
        std::uint32_t mask = 0;
        if (H5Dread_chunk(dataset, H5P_DEFAULT, offset.data(), &mask, bytes.data()) < 0)
            damaged(last_error());
        cut.paste(unpacked(std::move(bytes), filters, mask, static_cast<std::size_t>(chunk_bytes)), offset,
                  target);
    } while (cut.next(offset));
}

}  // namespace spectral::hdf5
