// Opens HDF5 files and reads attributes and datasets, believing nothing that was not checked.
#include "engine/io/hdf5.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <random>
#include <system_error>

#include "engine/core/files.hpp"
#include "engine/io/input_file.hpp"

namespace spectral::hdf5 {

namespace {

/// gzip shrinks by 1032 at most.
constexpr std::uint64_t kMaxExpansion = 1100;
constexpr std::uint64_t kMaxUnpackedBytes = std::uint64_t{64} << 30;
constexpr const char* kDamageHint = "The file is damaged; use a copy or an earlier checkpoint.";

herr_t keep_innermost(unsigned position, const H5E_error2_t* entry, void* text) noexcept {
    try {
        if (position == 0 && entry->desc != nullptr) *static_cast<std::string*>(text) = entry->desc;
    } catch (const std::bad_alloc&) {
    }
    return 0;
}

struct LinkList {
    std::vector<std::string> names;
    std::string refused;  ///< a link that must not be followed
    std::size_t max_count = 0;
};

herr_t collect_link(hid_t, const char* name, const H5L_info_t* info, void* list) noexcept {
    auto& links = *static_cast<LinkList*>(list);
    try {
        if (links.names.size() == links.max_count) return 1;
        if (info->type != H5L_TYPE_HARD || std::strlen(name) > kMaxNameBytes) {
            links.refused.assign(name, strnlen(name, kMaxNameBytes));
            return 1;
        }
        links.names.emplace_back(name);
    } catch (const std::bad_alloc&) {
        return -1;
    }
    return 0;
}

std::string link_why(H5L_type_t type) {
    if (type == H5L_TYPE_EXTERNAL) return "is a link to another file";
    return type == H5L_TYPE_SOFT ? "is a soft link" : "is a link of an unknown kind";
}

/// A name that no file can know, and so none holds.
const std::string& absent_name() {
    static const std::string name = [] {
        std::random_device random;
        std::string text = "absent";
        for (int i = 0; i < 4; ++i) text += "-" + std::to_string(random());
        return text;
    }();
    return name;
}

constexpr const char* kLinkHint =
    "Links are not followed, so that a file cannot reach for others; copy the data into the file.";

}  // namespace

Quiet::Quiet() {
    // Every file is closed by its owner. HDF5's own clean-up at exit prints complaints after a damaged file.
    static const herr_t no_clean_up = H5dont_atexit();
    static_cast<void>(no_clean_up);
    H5Eget_auto2(H5E_DEFAULT, &function_, &data_);
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

Quiet::~Quiet() { H5Eset_auto2(H5E_DEFAULT, function_, data_); }

std::string last_error() {
    std::string text;
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_innermost, &text);
    return text.empty() ? "HDF5 gave no reason" : text;
}

namespace {

/// IEEE 754 binary16: HDF5 1.10 has no constant for it.
hid_t make_half() {
    const hid_t type = H5Tcopy(H5T_IEEE_F32LE);
    H5Tset_fields(type, 15, 10, 5, 0, 10);
    H5Tset_size(type, 2);
    H5Tset_ebias(type, 15);
    return type;
}

hid_t make_complex() {
    const hid_t type = H5Tcreate(H5T_COMPOUND, 8);
    H5Tinsert(type, "r", 0, H5T_IEEE_F32LE);
    H5Tinsert(type, "i", 4, H5T_IEEE_F32LE);
    return type;
}

}  // namespace

hid_t file_type(Element type) {
    static const hid_t half = make_half(), complex_float = make_complex();
    switch (type) {
        case Element::f32:
            return H5T_IEEE_F32LE;
        case Element::f64:
            return H5T_IEEE_F64LE;
        case Element::i8:
            return H5T_STD_I8LE;
        case Element::i16:
            return H5T_STD_I16LE;
        case Element::i32:
            return H5T_STD_I32LE;
        case Element::i64:
            return H5T_STD_I64LE;
        case Element::u8:
            return H5T_STD_U8LE;
        case Element::u16:
            return H5T_STD_U16LE;
        case Element::u32:
            return H5T_STD_U32LE;
        case Element::u64:
            return H5T_STD_U64LE;
        case Element::f16:
            return half;
        case Element::complex_f32:
            return complex_float;
    }
    return H5I_INVALID_HID;
}

std::size_t element_bytes(Element type) {
    switch (type) {
        case Element::i8:
        case Element::u8:
            return 1;
        case Element::i16:
        case Element::u16:
        case Element::f16:
            return 2;
        case Element::f32:
        case Element::i32:
        case Element::u32:
            return 4;
        case Element::f64:
        case Element::i64:
        case Element::u64:
        case Element::complex_f32:
            return 8;
    }
    return 0;
}

std::string_view element_name(Element type) {
    switch (type) {
        case Element::f32:
            return "32-bit floats";
        case Element::f64:
            return "64-bit floats";
        case Element::i8:
            return "8-bit integers";
        case Element::i16:
            return "16-bit integers";
        case Element::i32:
            return "32-bit integers";
        case Element::i64:
            return "64-bit integers";
        case Element::u8:
            return "bytes";
        case Element::u16:
            return "unsigned 16-bit integers";
        case Element::u32:
            return "unsigned 32-bit integers";
        case Element::u64:
            return "unsigned 64-bit integers";
        case Element::f16:
            return "16-bit floats";
        case Element::complex_f32:
            return "pairs {r, i} of 32-bit floats";
    }
    return "values";
}

Error Source::error(const std::string& object, const std::string& why, std::string hint) const {
    return {file, object + " " + why, std::move(hint)};
}

// Attributes
// -----------------------------------------------------------------------------------------------------

bool Object::has_attribute(const char* name) const { return H5Aexists(handle_.id(), name) > 0; }

Handle Object::open_attribute(const char* name, hssize_t max_values) const {
    const htri_t exists = H5Aexists(handle_.id(), name);
    if (exists < 0) throw error("cannot be read: " + last_error(), kDamageHint);
    if (exists == 0) throw error(std::string("lacks the attribute ") + name);
    Handle attribute(H5Aopen(handle_.id(), name, H5P_DEFAULT), H5Aclose);
    if (!attribute.valid())
        throw error(std::string("has an unreadable attribute ") + name + ": " + last_error());
    const Handle space(H5Aget_space(attribute.id()), H5Sclose);
    const H5S_class_t kind = H5Sget_simple_extent_type(space.id());
    const hssize_t values = H5Sget_simple_extent_npoints(space.id());
    if ((kind != H5S_SCALAR && kind != H5S_SIMPLE) || values < 1 || values > max_values)
        throw error(std::string("has an attribute ") + name +
                    (max_values == 1 ? " that is not a single value" : " that is no short list"));
    return attribute;
}

std::string Object::text(const char* name, std::size_t max_bytes) const {
    const Handle attribute = open_attribute(name);
    const Handle type(H5Aget_type(attribute.id()), H5Tclose);
    const std::string which = std::string("has an attribute ") + name;
    if (H5Tget_class(type.id()) != H5T_STRING) throw error(which + " that is not a text");
    if (H5Tis_variable_str(type.id()) != 0)
        throw error(which + " of variable length",
                    "Write texts with a fixed length: in h5py, numpy.bytes_(text.encode()).");
    const std::size_t bytes = H5Tget_size(type.id());
    if (bytes == 0 || bytes > max_bytes || bytes > source_->file_bytes)
        throw error(which + " that is too long");
    std::string value(bytes, '\0');
    if (H5Aread(attribute.id(), type.id(), value.data()) < 0)
        throw error(which + " that cannot be read: " + last_error(), kDamageHint);
    value.resize(strnlen(value.data(), value.size()));
    return value;
}

std::int64_t Object::integer(const char* name) const {
    const Handle attribute = open_attribute(name);
    const Handle type(H5Aget_type(attribute.id()), H5Tclose);
    const std::string which = std::string("has an attribute ") + name;
    if (H5Tget_class(type.id()) != H5T_INTEGER || H5Tget_size(type.id()) > sizeof(std::int64_t))
        throw error(which + " that is not an integer");
    std::int64_t value = 0;
    // HDF5 clamps what does not fit; asking for the other sign shows what was stored.
    if (H5Tget_sign(type.id()) == H5T_SGN_NONE && unsigned_integer(name) > INT64_MAX)
        throw error(which + " that is too large");
    if (H5Aread(attribute.id(), H5T_NATIVE_INT64, &value) < 0)
        throw error(which + " that cannot be read: " + last_error(), kDamageHint);
    return value;
}

std::uint64_t Object::unsigned_integer(const char* name) const {
    const Handle attribute = open_attribute(name);
    const Handle type(H5Aget_type(attribute.id()), H5Tclose);
    const std::string which = std::string("has an attribute ") + name;
    if (H5Tget_class(type.id()) != H5T_INTEGER || H5Tget_size(type.id()) > sizeof(std::uint64_t))
        throw error(which + " that is not an integer");
    if (H5Tget_sign(type.id()) != H5T_SGN_NONE && integer(name) < 0) throw error(which + " that is negative");
    std::uint64_t value = 0;
    if (H5Aread(attribute.id(), H5T_NATIVE_UINT64, &value) < 0)
        throw error(which + " that cannot be read: " + last_error(), kDamageHint);
    return value;
}

double Object::real(const char* name) const {
    const Handle attribute = open_attribute(name);
    const Handle type(H5Aget_type(attribute.id()), H5Tclose);
    const std::string which = std::string("has an attribute ") + name;
    if (H5Tequal(type.id(), H5T_IEEE_F64LE) <= 0 && H5Tequal(type.id(), H5T_IEEE_F32LE) <= 0)
        throw error(which + " that is not a real number");
    double value = 0;
    if (H5Aread(attribute.id(), H5T_NATIVE_DOUBLE, &value) < 0)
        throw error(which + " that cannot be read: " + last_error(), kDamageHint);
    return value;
}

std::vector<std::int64_t> Object::integers(const char* name) const {
    const Handle attribute = open_attribute(name, kMaxRank);
    const Handle type(H5Aget_type(attribute.id()), H5Tclose), space(H5Aget_space(attribute.id()), H5Sclose);
    const std::string which = std::string("has an attribute ") + name;
    if (H5Tequal(type.id(), H5T_STD_I64LE) <= 0) throw error(which + " that is no list of 64-bit integers");
    std::vector<std::int64_t> values(static_cast<std::size_t>(H5Sget_simple_extent_npoints(space.id())));
    if (H5Aread(attribute.id(), H5T_NATIVE_INT64, values.data()) < 0)
        throw error(which + " that cannot be read: " + last_error(), kDamageHint);
    return values;
}

// Datasets
// -------------------------------------------------------------------------------------------------------

bool Dataset::holds(Element type) const {
    const Handle found(H5Dget_type(handle_.id()), H5Tclose);
    return H5Tequal(found.id(), file_type(type)) > 0;
}

bool Dataset::holds_floats() const {
    const Handle found(H5Dget_type(handle_.id()), H5Tclose);
    return H5Tget_class(found.id()) == H5T_FLOAT;
}

std::vector<std::int64_t> Dataset::extents(Element expected) const {
    if (!holds(expected)) throw error("does not hold little-endian " + std::string(element_name(expected)));
    const Handle space(H5Dget_space(handle_.id()), H5Sclose);
    const H5S_class_t kind = H5Sget_simple_extent_type(space.id());
    const int rank = H5Sget_simple_extent_ndims(space.id());
    if ((kind != H5S_SCALAR && kind != H5S_SIMPLE) || rank < 0) throw error("has no shape");
    if (rank > kMaxRank) throw error("has a rank above 8");
    std::array<hsize_t, kMaxRank> raw{};
    if (H5Sget_simple_extent_dims(space.id(), raw.data(), nullptr) != rank) throw error("has no shape");
    std::vector<std::int64_t> result;
    for (std::size_t axis = 0; axis < static_cast<std::size_t>(rank); ++axis) {
        if (raw[axis] > INT64_MAX) throw error("has an impossible shape");
        result.push_back(static_cast<std::int64_t>(raw[axis]));
    }

    const Handle creation(H5Dget_create_plist(handle_.id()), H5Pclose);
    const H5D_layout_t layout = H5Pget_layout(creation.id());
    if (layout == H5D_VIRTUAL)
        throw error("is a virtual dataset, whose values lie elsewhere", "Copy the data into the file.");
    if (layout != H5D_CHUNKED && layout != H5D_CONTIGUOUS && layout != H5D_COMPACT)
        throw error("has an unknown layout");
    if (H5Pget_external_count(creation.id()) != 0)
        throw error("keeps its values in another file", "Copy the data into the file.");
    const int filters = H5Pget_nfilters(creation.id());
    if (filters < 0) throw error("cannot be read: " + last_error(), kDamageHint);
    for (unsigned i = 0; i < static_cast<unsigned>(filters); ++i) {
        unsigned flags = 0, config = 0;
        std::size_t parameters = 0;
        const H5Z_filter_t id =
            H5Pget_filter2(creation.id(), i, &flags, &parameters, nullptr, 0, nullptr, &config);
        if (id != H5Z_FILTER_DEFLATE && id != H5Z_FILTER_SHUFFLE && id != H5Z_FILTER_FLETCHER32)
            throw error("uses a filter other than gzip, shuffle and fletcher32",
                        "Write it again with gzip, or without a filter.");
    }
    return result;
}

std::size_t Dataset::take_from_budget(Element type) const {
    std::uint64_t bytes = element_bytes(type);
    const auto shape = extents(type);
    for (const std::int64_t extent : shape)
        if (__builtin_mul_overflow(bytes, static_cast<std::uint64_t>(extent), &bytes)) {
            // A zero further on makes it empty after all.
            if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return 0;
            throw error("promises more values than any file can hold", kDamageHint);
        }
    if (bytes > source_->bytes_left)
        throw error(
            "promises more values than a file of " + std::to_string(source_->file_bytes) + " bytes can hold",
            kDamageHint);
    source_->bytes_left -= bytes;
    if (source_->room != nullptr) source_->room->grow(static_cast<std::size_t>(bytes));
    return static_cast<std::size_t>(bytes / element_bytes(type));
}

void Dataset::read(Element type, std::span<std::byte> target) const {
    const Handle creation(H5Dget_create_plist(handle_.id()), H5Pclose);
    if (H5Pget_layout(creation.id()) == H5D_CHUNKED) {
        try {
            read_chunks(handle_.id(), creation.id(), extents(type), element_bytes(type), source_->file_bytes,
                        target);
        } catch (const Error& failure) {
            throw error(std::string("has a chunk that ") + failure.why(), failure.hint());
        }
    } else {
        read_whole(target);
    }
    if (source_->hashes == Hashes::required && sha256(target) != text("sha256", 100))
        throw error("does not match its SHA-256", kDamageHint);
}

void Dataset::read_whole(std::span<std::byte> target) const {
    if (target.empty()) return;
    const Handle creation(H5Dget_create_plist(handle_.id()), H5Pclose);
    if (H5Dget_storage_size(handle_.id()) != target.size()) throw error("is not stored whole", kDamageHint);
    if (H5Pget_layout(creation.id()) == H5D_CONTIGUOUS) {
        const haddr_t address = H5Dget_offset(handle_.id());
        if (address == HADDR_UNDEF || address > source_->file_bytes ||
            target.size() > source_->file_bytes - address)
            throw error("lies outside the file", kDamageHint);
    }
    const Handle type(H5Dget_type(handle_.id()), H5Tclose);
    if (H5Dread(handle_.id(), type.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, target.data()) < 0)
        throw error("cannot be read: " + last_error(), kDamageHint);
}

// Groups
// ---------------------------------------------------------------------------------------------------------

std::vector<std::string> Group::names(std::size_t max_count) const {
    // HDF5 1.10 makes a table of the links of a small group and, where one of them cannot be understood,
    // frees what it did not fill. Looking for a link makes no table and understands every one until it is
    // found.
    if (H5Lexists(handle_.id(), absent_name().c_str(), H5P_DEFAULT) < 0)
        throw error("cannot be listed: " + last_error(), kDamageHint);
    LinkList list;
    list.max_count = max_count;
    hsize_t position = 0;
    // In native order: for any other HDF5 makes a table first, and frees it uninitialised when the file is
    // damaged.
    const herr_t status =
        H5Literate(handle_.id(), H5_INDEX_NAME, H5_ITER_NATIVE, &position, collect_link, &list);
    if (!list.refused.empty())
        throw error("holds '" + list.refused + "', which is no plain entry of this file", kLinkHint);
    if (status < 0) throw error("cannot be listed: " + last_error(), kDamageHint);
    if (status > 0) throw error("holds more than " + std::to_string(max_count) + " entries");
    std::sort(list.names.begin(), list.names.end());
    return std::move(list.names);
}

bool Group::has(const std::string& name) const {
    const htri_t exists = H5Lexists(handle_.id(), name.c_str(), H5P_DEFAULT);
    if (exists < 0) throw error("cannot be read: " + last_error(), kDamageHint);
    return exists > 0;
}

Handle Group::open(const std::string& name, H5I_type_t kind) const {
    const std::string path = path_ == "/" ? "/" + name : path_ + "/" + name;
    if (!has(name)) throw source_->error(path, "is missing");
    H5L_info_t link{};
    if (H5Lget_info(handle_.id(), name.c_str(), &link, H5P_DEFAULT) < 0)
        throw source_->error(path, "cannot be read: " + last_error(), kDamageHint);
    if (link.type != H5L_TYPE_HARD) throw source_->error(path, link_why(link.type), kLinkHint);
    Handle object(H5Oopen(handle_.id(), name.c_str(), H5P_DEFAULT), H5Oclose);
    if (!object.valid()) throw source_->error(path, "cannot be read: " + last_error(), kDamageHint);
    if (kind != H5I_BADID && H5Iget_type(object.id()) != kind)
        throw source_->error(path, kind == H5I_GROUP ? "is not a group" : "is not a dataset");
    return object;
}

bool Group::is_dataset(const std::string& name) const {
    return H5Iget_type(open(name, H5I_BADID).id()) == H5I_DATASET;
}

Group Group::group(const std::string& name) const {
    return {source_, open(name, H5I_GROUP), path_ == "/" ? "/" + name : path_ + "/" + name};
}

Dataset Group::dataset(const std::string& name) const {
    return {source_, open(name, H5I_DATASET), path_ == "/" ? "/" + name : path_ + "/" + name};
}

bool is_hdf5(const std::filesystem::path& path) {
    const Quiet quiet;
    return H5Fis_hdf5(path.c_str()) > 0;
}

Group open_file(const std::filesystem::path& path, const std::string& hint, Reservation* room,
                Hashes hashes) {
    auto source = std::make_shared<Source>();
    source->room = room;
    source->hashes = hashes;
    source->file = path.string();
    source->file_bytes = require_regular_file(path);
    source->bytes_left = std::min(kMaxUnpackedBytes, source->file_bytes > kMaxUnpackedBytes
                                                         ? kMaxUnpackedBytes
                                                         : source->file_bytes * kMaxExpansion);
    errno = 0;
    const htri_t format = H5Fis_hdf5(source->file.c_str());
    if (format < 0) {
        const std::error_code why(errno, std::generic_category());
        throw Error(source->file, why ? "cannot be opened: " + why.message() : last_error());
    }
    if (format == 0) throw Error(source->file, "is not an HDF5 file", hint);

    const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
    H5Pset_fclose_degree(access.id(), H5F_CLOSE_STRONG);
    // Files are replaced whole and never changed in place; locks would only fail on read-only file systems.
    H5Pset_file_locking(access.id(), false, true);
    source->handle = Handle(H5Fopen(source->file.c_str(), H5F_ACC_RDONLY, access.id()), H5Fclose);
    if (!source->handle.valid()) throw Error(source->file, "cannot be opened: " + last_error(), kDamageHint);
    Handle root(H5Gopen2(source->handle.id(), "/", H5P_DEFAULT), H5Gclose);
    if (!root.valid()) throw Error(source->file, "cannot be opened: " + last_error(), kDamageHint);
    return {std::move(source), std::move(root), "/"};
}

}  // namespace spectral::hdf5
