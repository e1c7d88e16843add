// Writes HDF5 groups, attributes and datasets into an image in memory.
#include <zlib.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

#include "engine/core/files.hpp"
#include "engine/io/hdf5.hpp"

namespace spectral::hdf5 {

static_assert(std::endian::native == std::endian::little,
              "values are hashed and stored as they lie in memory");

namespace {

constexpr std::size_t kImageGrowth = std::size_t{1} << 20;
constexpr std::int64_t kMinChunkBytes = std::int64_t{1} << 20;
constexpr std::int64_t kMaxChunkBytes = std::int64_t{1} << 30;
/// So few chunks mostly fit one index node: small files stay small, and damage cannot send a reader around.
constexpr std::int64_t kChunksAimedAt = 8;
constexpr unsigned kHalfIndexNode = 8;
constexpr unsigned kGzipLevel = 4;
/// HDF5 makes an index of more attributes or links than that, unless told otherwise.
constexpr unsigned kMostUnindexed = 8;
/// Links that may stand one after another in a header, each looked for by going through those before it.
constexpr std::size_t kMostLinksInHeader = 1024;
constexpr unsigned kMostAttributes = 64;
/// What the index of a chunked dataset's chunks and its filters' descriptions take.
constexpr std::size_t kChunkingBytes = 700;
/// From here on those are less than a hundredth, and trying gzip takes longer than it is worth.
constexpr std::size_t kFewBytes = std::size_t{64} << 10;
/// Values that lie in the dataset's header, which is below 64 KiB: no address and size, and its checksum.
constexpr std::size_t kMostBytesInHeader = std::size_t{32} << 10;

void check(herr_t status, const char* what) {
    if (status < 0) throw Error(what, last_error());
}

Handle checked(hid_t id, Handle::Close close, const std::string& what) {
    if (id < 0) throw Error(what, last_error());
    return {id, close};
}

/// Whole slices along the leading axes, cut at the first axis whose slices are small enough.
std::array<hsize_t, kMaxRank> chunk_extents(std::span<const std::int64_t> extents, std::size_t bytes) {
    std::array<hsize_t, kMaxRank> chunk{};
    auto slice_bytes = static_cast<std::int64_t>(bytes);
    const std::int64_t target = std::clamp(slice_bytes / kChunksAimedAt, kMinChunkBytes, kMaxChunkBytes);
    for (std::size_t axis = 0; axis < extents.size(); ++axis) {
        const std::int64_t row_bytes = slice_bytes / extents[axis];
        const std::int64_t rows = std::clamp<std::int64_t>(target / row_bytes, 1, extents[axis]);
        chunk[axis] = static_cast<hsize_t>(rows);
        slice_bytes = row_bytes;
    }
    return chunk;
}

/// `count` 0: a single value.
void write_values(hid_t object, const char* name, hid_t type, hid_t memory_type, const void* value,
                  hsize_t count = 0) {
    const std::string what = std::string("attribute ") + name;
    const Handle space =
        checked(count == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &count, nullptr), H5Sclose, what);
    const Handle attribute =
        checked(H5Acreate2(object, name, type, space.id(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose, what);
    check(H5Awrite(attribute.id(), memory_type, value), name);
}

/// The first bytes of all values, then the second ones, as the filter "shuffle" has them.
std::vector<std::byte> shuffled(std::span<const std::byte> values, std::size_t width) {
    std::vector<std::byte> result(values.size());
    const std::size_t count = values.size() / width;
    for (std::size_t i = 0; i < values.size(); ++i) result[i % width * count + i / width] = values[i];
    return result;
}

/// How many bytes gzip makes of the values, counted a few at a time; as soon as they are `enough`, at least
/// that many.
std::size_t gzip_bytes(std::span<const std::byte> values, std::size_t enough) {
    z_stream stream{};
    if (deflateInit(&stream, kGzipLevel) != Z_OK) throw Error("gzip", "could not shorten a dataset");
    std::array<Bytef, 1 << 14> out{};
    std::size_t bytes = 0;
    for (std::size_t first = 0; first < values.size() && bytes < enough;) {
        const std::span<const std::byte> part =
            values.subspan(first, std::min(values.size() - first, kFewBytes));
        first += part.size();
        stream.next_in = reinterpret_cast<z_const Bytef*>(const_cast<std::byte*>(part.data()));
        stream.avail_in = static_cast<uInt>(part.size());
        do {
            stream.next_out = out.data();
            stream.avail_out = static_cast<uInt>(out.size());
            // It cannot fail: its state is sound, and there is room.
            static_cast<void>(deflate(&stream, first == values.size() ? Z_FINISH : Z_NO_FLUSH));
            bytes += out.size() - stream.avail_out;
        } while (stream.avail_out == 0);
    }
    deflateEnd(&stream);
    return bytes;
}

/// Whether filters save more than chunks cost. Few bytes are tried, and coded ones: nobody knows what gzip
/// finds in them.
bool is_worth_chunks(Element type, std::span<const std::byte> values) {
    if (values.size() < 2 * kChunkingBytes) return false;
    const std::size_t enough = values.size() - kChunkingBytes;
    if (element_bytes(type) == 1) return gzip_bytes(values, enough) < enough;
    return values.size() > kFewBytes || gzip_bytes(shuffled(values, element_bytes(type)), enough) < enough;
}

/// As many attributes as the object gets, in its header: an index of them would be longer than they are.
void expect_attributes(hid_t creation, std::size_t attributes) {
    if (attributes > kMostUnindexed)
        check(H5Pset_attr_phase_change(creation, kMostAttributes, kMostAttributes), "HDF5");
}

// The file image stays ours when HDF5 closes it; it has no initial image and therefore copies none.
using ImageStep = H5FD_file_image_op_t;

void* resize(void* old, std::size_t bytes, ImageStep, void* owner) noexcept {
    auto& buffer = *static_cast<FileImage::Buffer*>(owner);
    try {
        if (bytes > buffer.bytes) buffer.room.grow(bytes - buffer.bytes);
    } catch (...) {
        buffer.shortage = std::current_exception();
        return nullptr;
    }
    void* data = std::realloc(old, bytes);
    if (data != nullptr) {
        buffer.data = data;
        buffer.bytes = bytes;
    }
    return data;
}

void* resize_new(std::size_t bytes, ImageStep step, void* owner) noexcept {
    return resize(nullptr, bytes, step, owner);
}

void* copy(void* to, const void* from, std::size_t bytes, ImageStep, void*) noexcept {
    return std::memcpy(to, from, bytes);
}

herr_t give_up(void*, ImageStep, void*) noexcept { return 0; }
void* same_buffer(void* owner) noexcept { return owner; }
herr_t keep_buffer(void*) noexcept { return 0; }

}  // namespace

namespace {

/// Objects wait for their links. HDF5 1.10 knows of a header that left its cache, and came back, no more that
/// it has none yet, and deletes the object after all when it is closed: so none may leave.
void keep_headers(hid_t access) {
    H5AC_cache_config_t cache{};
    cache.version = H5AC__CURR_CACHE_CONFIG_VERSION;
    check(H5Pget_mdc_config(access, &cache), "HDF5");
    cache.evictions_enabled = false;
    cache.incr_mode = H5C_incr__off;
    cache.flash_incr_mode = H5C_flash_incr__off;
    cache.decr_mode = H5C_decr__off;
    check(H5Pset_mdc_config(access, &cache), "HDF5");
}

}  // namespace

FileImage::FileImage(Reservation room) : buffer_(std::make_unique<Buffer>()) {
    buffer_->room = std::move(room);
    const Handle access = checked(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, "HDF5");
    check(H5Pset_fapl_core(access.id(), kImageGrowth, false), "HDF5");
    H5FD_file_image_callbacks_t callbacks{resize_new,  copy,        resize,       give_up,
                                          same_buffer, keep_buffer, buffer_.get()};
    check(H5Pset_file_image_callbacks(access.id(), &callbacks), "HDF5");
    check(H5Pset_fclose_degree(access.id(), H5F_CLOSE_STRONG), "HDF5");
    // The 1.8 format: the oldest with checksums over its headers, and read by every h5py.
    check(H5Pset_libver_bounds(access.id(), H5F_LIBVER_V18, H5F_LIBVER_V18), "HDF5");
    // Every object at the end of the file, none in a block that is reserved for several: the last header has
    // room behind it to grow, and nothing is left over.
    check(H5Pset_meta_block_size(access.id(), 0), "HDF5");
    check(H5Pset_small_data_block_size(access.id(), 0), "HDF5");
    const Handle creation = checked(H5Pcreate(H5P_FILE_CREATE), H5Pclose, "HDF5");
    check(H5Pset_obj_track_times(creation.id(), false), "HDF5");
    check(H5Pset_istore_k(creation.id(), kHalfIndexNode), "HDF5");
    expect_attributes(creation.id(), kMostAttributes);
    keep_headers(access.id());
    const hid_t file = H5Fcreate("image", H5F_ACC_TRUNC, creation.id(), access.id());
    if (file < 0) require_room();
    handle_ = checked(file, H5Fclose, "HDF5");
}

FileImage::~FileImage() {
    // HDF5 keeps a file that it could not close, and refuses the next of that name: closing finds room.
    buffer_->room = {};
    handle_ = Handle();
    std::free(buffer_->data);
}

std::string_view FileImage::finish() {
    check(H5Fflush(handle_.id(), H5F_SCOPE_GLOBAL), "HDF5");
    // The file is whole only after closing: H5Fget_file_image leaves a wrong checksum in the superblock.
    check(handle_.close(), "HDF5");
    require_room();                              // a handle that closed by itself had nobody to tell
    constexpr std::size_t kEndOfFileField = 28;  // in the superblock of version 2
    std::uint64_t bytes = 0;
    if (buffer_->data == nullptr || buffer_->bytes < kEndOfFileField + sizeof bytes)
        throw Error("HDF5", "made no file");
    std::memcpy(&bytes, static_cast<const char*>(buffer_->data) + kEndOfFileField, sizeof bytes);
    if (bytes > buffer_->bytes) throw Error("HDF5", "made half a file");
    return {static_cast<const char*>(buffer_->data), static_cast<std::size_t>(bytes)};
}

Handle create_group(hid_t file, std::size_t links, std::size_t attributes) {
    const Handle creation = checked(H5Pcreate(H5P_GROUP_CREATE), H5Pclose, "group");
    check(H5Pset_obj_track_times(creation.id(), false), "HDF5");
    if (links > kMostUnindexed && links <= kMostLinksInHeader)
        check(H5Pset_link_phase_change(creation.id(), kMostLinksInHeader, kMostUnindexed), "HDF5");
    expect_attributes(creation.id(), attributes);
    return checked(H5Gcreate_anon(file, creation.id(), H5P_DEFAULT), H5Gclose, "group");
}

void link(hid_t group, const std::string& name, const Handle& object) {
    if (name.empty() || name == "." || name.size() > kMaxNameBytes || name.find('/') != std::string::npos ||
        name.find('\0') != std::string::npos)
        throw Error("'" + name + "'", "is a name that HDF5 cannot hold");
    check(H5Olink(object.id(), group, name.c_str(), H5P_DEFAULT, H5P_DEFAULT), name.c_str());
}

void write_attribute(hid_t object, const char* name, std::string_view text) {
    if (text.find('\0') != std::string_view::npos)
        throw Error(std::string("attribute ") + name, "holds a zero byte");
    if (text.size() > kMaxTextBytes) throw Error(std::string("attribute ") + name, "is longer than 16 MiB");
    const Handle type = checked(H5Tcopy(H5T_C_S1), H5Tclose, "HDF5");
    check(H5Tset_size(type.id(), std::max<std::size_t>(text.size(), 1)), "HDF5");
    check(H5Tset_strpad(type.id(), H5T_STR_NULLPAD), "HDF5");
    check(H5Tset_cset(type.id(), H5T_CSET_UTF8), "HDF5");
    write_values(object, name, type.id(), type.id(), text.empty() ? "" : text.data());
}

void write_attribute(hid_t object, const char* name, std::int64_t value) {
    write_values(object, name, H5T_STD_I64LE, H5T_NATIVE_INT64, &value);
}

void write_attribute(hid_t object, const char* name, std::uint64_t value) {
    write_values(object, name, H5T_STD_U64LE, H5T_NATIVE_UINT64, &value);
}

void write_attribute(hid_t object, const char* name, std::uint16_t value) {
    write_values(object, name, H5T_STD_U16LE, H5T_NATIVE_UINT16, &value);
}

void write_attribute(hid_t object, const char* name, double value) {
    write_values(object, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, &value);
}

void write_attribute(hid_t object, const char* name, std::span<const std::int64_t> values) {
    write_values(object, name, H5T_STD_I64LE, H5T_NATIVE_INT64, values.data(), values.size());
}

Handle write_dataset(hid_t file, Element type, std::span<const std::int64_t> extents,
                     std::span<const std::byte> values) {
    const std::string what = "dataset";
    if (extents.size() > kMaxRank) throw Error(what, "has a rank above 8");
    std::array<hsize_t, kMaxRank> whole{};
    std::uint64_t bytes = element_bytes(type);
    for (std::size_t axis = 0; axis < extents.size(); ++axis) {
        whole[axis] = static_cast<hsize_t>(extents[axis]);
        if (extents[axis] < 0 || __builtin_mul_overflow(bytes, whole[axis], &bytes))
            throw Error(what, "has an impossible shape");
    }
    if (bytes != values.size()) throw Error(what, "has another number of values than its shape");

    const int rank = static_cast<int>(extents.size());
    const Handle space = rank == 0 ? checked(H5Screate(H5S_SCALAR), H5Sclose, what)
                                   : checked(H5Screate_simple(rank, whole.data(), nullptr), H5Sclose, what);
    const Handle creation = checked(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, what);
    check(H5Pset_obj_track_times(creation.id(), false), "HDF5");
    if (rank > 0 && is_worth_chunks(type, values)) {
        const auto chunk = chunk_extents(extents, values.size());
        check(H5Pset_chunk(creation.id(), rank, chunk.data()), "HDF5");
        check(H5Pset_shuffle(creation.id()), "HDF5");
        check(H5Pset_deflate(creation.id(), kGzipLevel), "HDF5");
        check(H5Pset_fletcher32(creation.id()), "HDF5");
    } else if (bytes > 0 && bytes <= kMostBytesInHeader) {
        check(H5Pset_layout(creation.id(), H5D_COMPACT), "HDF5");
    }
#if H5_VERSION_GE(1, 10, 5)
    // A header of its own length: it grows with the attributes, which are known to come.
    check(H5Pset_dset_no_attrs_hint(creation.id(), true), "HDF5");
#endif
    // Each chunk is written once: kept, all chunks of the datasets that wait for their links would be.
    const Handle access = checked(H5Pcreate(H5P_DATASET_ACCESS), H5Pclose, what);
    check(H5Pset_chunk_cache(access.id(), 0, 0, 1), "HDF5");
    Handle dataset = checked(H5Dcreate_anon(file, file_type(type), space.id(), creation.id(), access.id()),
                             H5Dclose, what);
    if (bytes > 0 &&
        H5Dwrite(dataset.id(), file_type(type), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) < 0)
        throw Error(what, last_error());
    write_attribute(dataset.id(), "sha256", sha256(values));
    return dataset;
}

}  // namespace spectral::hdf5
