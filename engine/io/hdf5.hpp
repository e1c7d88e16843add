// HDF5 for untrusted files: handles that close themselves, attributes and plain arrays, every size checked
// before it is believed.
#pragma once

#include <hdf5.h>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/core/error.hpp"
#include "engine/core/memory_budget.hpp"

namespace spectral::hdf5 {

/// While it lives, HDF5 prints nothing on its own on this thread.
class Quiet {
public:
    Quiet();
    ~Quiet();
    Quiet(const Quiet&) = delete;
    Quiet& operator=(const Quiet&) = delete;

private:
    H5E_auto2_t function_ = nullptr;
    void* data_ = nullptr;
};

/// The reason of the last failed HDF5 call on this thread, as the library tells it.
std::string last_error();

/// Owns one identifier. Move only.
class Handle {
public:
    using Close = herr_t (*)(hid_t);
    Handle() = default;
    Handle(hid_t id, Close closer) : id_(id), close_(closer) {}
    Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, H5I_INVALID_HID)), close_(other.close_) {}
    Handle& operator=(Handle&& other) noexcept {
        if (this == &other) return *this;
        if (id_ >= 0) close_(id_);
        id_ = std::exchange(other.id_, H5I_INVALID_HID);
        close_ = other.close_;
        return *this;
    }
    ~Handle() {
        if (id_ >= 0) close_(id_);
    }
    hid_t id() const noexcept { return id_; }
    bool valid() const noexcept { return id_ >= 0; }
    /// For who needs to know whether it worked.
    herr_t close() { return close_(std::exchange(id_, H5I_INVALID_HID)); }

private:
    hid_t id_ = H5I_INVALID_HID;
    Close close_ = nullptr;
};

/// Element types of datasets; little-endian in the file. Complex ones are compounds {r, i}; of
/// 16-bit floats there are none, because h5py cannot read them.
enum class Element { f32, f64, i8, i16, i32, i64, u8, u16, u32, u64, f16, complex_f32 };
/// The one whose values lie in memory as T does; those of half precision are raw bits.
template <class T>
inline constexpr Element kElementOf = Element::f32;
template <>
inline constexpr Element kElementOf<double> = Element::f64;
template <>
inline constexpr Element kElementOf<std::int64_t> = Element::i64;
template <>
inline constexpr Element kElementOf<std::byte> = Element::u8;
template <>
inline constexpr Element kElementOf<std::uint8_t> = Element::u8;
template <>
inline constexpr Element kElementOf<std::uint32_t> = Element::u32;
std::size_t element_bytes(Element type);
/// "32-bit floats".
std::string_view element_name(Element type);

// Reading
// ------------------------------------------------------------------------------------------------------

inline constexpr int kMaxRank = 8;
inline constexpr std::size_t kMaxNameBytes = 255;
inline constexpr std::size_t kMaxTextBytes = std::size_t{16} << 20;

/// Whether every dataset must have, and match, its SHA-256: other programs' files have none.
enum class Hashes { required, ignored };

/// An open file as its objects see it.
struct Source {
    std::string file;              ///< for messages
    std::uint64_t file_bytes = 0;  ///< size on disk
    std::uint64_t bytes_left = 0;  ///< what may still be unpacked from it
    Reservation* room = nullptr;   ///< grows with what is unpacked; null: nobody counts
    Hashes hashes = Hashes::required;
    Handle handle;
    Error error(const std::string& object, const std::string& why, std::string hint = {}) const;
};

/// A group or a dataset. Its readers throw Error naming the file and the object.
class Object {
public:
    Object(std::shared_ptr<Source> source, Handle handle, std::string path)
        : source_(std::move(source)), handle_(std::move(handle)), path_(std::move(path)) {}
    const std::string& path() const { return path_; }
    bool has_attribute(const char* name) const;
    /// Fixed-length strings only: HDF5 1.10 crashes on damaged variable-length ones.
    std::string text(const char* name, std::size_t max_bytes = kMaxTextBytes) const;
    std::int64_t integer(const char* name) const;
    std::uint64_t unsigned_integer(const char* name) const;
    double real(const char* name) const;
    /// A list of integers, at most kMaxRank of them.
    std::vector<std::int64_t> integers(const char* name) const;
    Error error(const std::string& why, std::string hint = {}) const {
        return source_->error(path_, why, hint);
    }

protected:
    Handle open_attribute(const char* name, hssize_t max_values = 1) const;
    std::shared_ptr<Source> source_;
    Handle handle_;
    std::string path_;
};

class Dataset : public Object {
public:
    using Object::Object;
    bool holds(Element type) const;
    /// Of whatever width and byte order.
    bool holds_floats() const;
    /// Checks type, shape, storage and filters; nothing is allocated for the values yet.
    std::vector<std::int64_t> extents(Element expected) const;
    /// Unpacks, and compares with the attribute `sha256` where hashes are required.
    template <class T>
    std::vector<T> values() const {
        std::vector<T> result(take_from_budget(kElementOf<T>));
        read(kElementOf<T>, std::as_writable_bytes(std::span(result)));
        return result;
    }
    /// The same, as the bytes of values of whatever type.
    std::vector<std::byte> bytes(Element type) const {
        std::vector<std::byte> result(take_from_budget(type) * element_bytes(type));
        read(type, result);
        return result;
    }

private:
    std::size_t take_from_budget(Element type) const;
    void read(Element type, std::span<std::byte> target) const;
    void read_whole(std::span<std::byte> target) const;
};

class Group : public Object {
public:
    using Object::Object;
    /// Names of the links, sorted. Throws on more than `max_count`, and on a link that is not a hard one.
    std::vector<std::string> names(std::size_t max_count) const;
    bool has(const std::string& name) const;
    bool is_dataset(const std::string& name) const;
    Group group(const std::string& name) const;
    Dataset dataset(const std::string& name) const;
    /// All values of a list. Throws when the dataset has another rank than 1.
    template <class T>
    std::vector<T> list(const std::string& name) const {
        const Dataset data = dataset(name);
        if (data.extents(kElementOf<T>).size() != 1) throw data.error("is not a list");
        return data.values<T>();
    }

private:
    Handle open(const std::string& name, H5I_type_t kind) const;
};

/// Whether the library takes it for one; a block of another program may stand in front. Never throws.
bool is_hdf5(const std::filesystem::path& path);

/// The root group. Throws Error when `path` is no readable HDF5 file. `hint` goes with "not an HDF5 file".
/// What is unpacked from it makes `room` grow, where there is one, before it is allocated.
Group open_file(const std::filesystem::path& path, const std::string& hint, Reservation* room = nullptr,
                Hashes hashes = Hashes::required);

// Writing
// ------------------------------------------------------------------------------------------------------

/// A file being made in memory, so that a full disk meets plain bytes and not a half-flushed library. `room`
/// grows with it; where that fails, so does the HDF5 call, and require_room() says why.
class FileImage {
public:
    struct Buffer {
        void* data = nullptr;
        std::size_t bytes = 0;
        Reservation room;
        std::exception_ptr shortage;
    };
    explicit FileImage(Reservation room = {});
    FileImage(const FileImage&) = delete;
    FileImage& operator=(const FileImage&) = delete;
    ~FileImage();
    hid_t root() const { return handle_.id(); }
    /// The finished file, valid as long as this object; once.
    std::string_view finish();
    /// Throws what the budget threw, if it did.
    void require_room() const {
        if (buffer_->shortage) std::rethrow_exception(buffer_->shortage);
    }

private:
    std::unique_ptr<Buffer> buffer_;
    Handle handle_;
};

// A header grows in place while it is the last thing in the file; later it is continued elsewhere, at a cost.
// So objects are made from the leaves up: each gets its attributes and links before the next is made, and is
// linked once its group is there. `file`: any object of it.

/// Of so many links and attributes, which HDF5 may put into an index where it does not expect them.
Handle create_group(hid_t file, std::size_t links = 0, std::size_t attributes = 0);
/// Throws Error on a name that HDF5 cannot hold.
void link(hid_t group, const std::string& name, const Handle& object);
/// Fixed-length UTF-8. Throws on a text that holds a zero byte.
void write_attribute(hid_t object, const char* name, std::string_view text);
void write_attribute(hid_t object, const char* name, std::int64_t value);
void write_attribute(hid_t object, const char* name, std::uint64_t value);
void write_attribute(hid_t object, const char* name, std::uint16_t value);
void write_attribute(hid_t object, const char* name, double value);
void write_attribute(hid_t object, const char* name, std::span<const std::int64_t> values);

/// Chunked with shuffle, gzip and fletcher32 where that makes it shorter; else few values lie in its header,
/// many as they are. Attribute `sha256` over the raw values.
Handle write_dataset(hid_t file, Element type, std::span<const std::int64_t> extents,
                     std::span<const std::byte> values);

template <class T>
Handle write_list(hid_t file, const std::vector<T>& values) {
    const auto count = static_cast<std::int64_t>(values.size());
    return write_dataset(file, kElementOf<T>, std::span(&count, 1), std::as_bytes(std::span(values)));
}

// Shared by both --------------------------------------------------------------------------------------------

/// The type in the file. The caller does not close it.
hid_t file_type(Element type);

/// Unpacks every chunk of a chunked dataset into `target` (row-major). Bounds are checked here and not in the
/// library: HDF5 1.10 reads past its buffer when a chunk unpacks to fewer bytes than promised.
/// Throws Error whose why() says which chunk and how it is damaged.
void read_chunks(hid_t dataset, hid_t creation_properties, std::span<const std::int64_t> extents,
                 std::size_t element_bytes, std::uint64_t file_bytes, std::span<std::byte> target);

}  // namespace spectral::hdf5
