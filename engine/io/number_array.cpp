#include "engine/io/number_array.hpp"

#include <fmt/format.h>

#include <cstring>
#include <span>
#include <string_view>
#include <utility>

#include "engine/core/places.hpp"
#include "engine/io/hdf5.hpp"
#include "engine/io/input_file.hpp"
#include "engine/io/npy.hpp"
#include "engine/io/zip_archive.hpp"

namespace spectral {
namespace {

constexpr const char* kSaveAgain = "Write it again as whole numbers, bytes or floats of 32 bits.";

struct IntegerFormat {
    std::size_t bytes = 8;
    bool with_sign = true, big_endian = false;
};

/// Throws Error where an unsigned one is past what 64 bits with a sign hold.
std::vector<std::int64_t> integers(std::span<const std::byte> raw, const IntegerFormat& format) {
    std::vector<std::int64_t> values(raw.size() / format.bytes);
    const auto unused = static_cast<unsigned>(64 - 8 * format.bytes);
    for (std::size_t i = 0; i < values.size(); ++i) {
        const auto bytes = raw.subspan(i * format.bytes, format.bytes);
        std::uint64_t bits = 0;
        for (std::size_t k = 0; k < format.bytes; ++k)
            bits = bits << 8 |
                   std::to_integer<std::uint64_t>(bytes[format.big_endian ? k : format.bytes - 1 - k]);
        if (!format.with_sign && bits > INT64_MAX)
            throw Error("array", fmt::format("value {} at place {} is too large", bits, i), kSaveAgain);
        // The sign goes to the highest bit and comes back from there.
        values[i] = format.with_sign ? static_cast<std::int64_t>(bits << unused) >> unused
                                     : static_cast<std::int64_t>(bits);
    }
    return values;
}

/// Out of the bytes that `next` gives. The caller has compared their number with what there is.
template <class Value>
std::vector<Value> in_order(std::vector<Value> values, const NpyHeader& header, Reservation* room) {
    if (!header.fortran_order || header.shape.size() < 2) return values;
    if (room != nullptr) room->grow(values.size() * sizeof(Value));
    return by_rows(values, Shape(std::span<const std::int64_t>(header.shape)));
}

NumberArray read_array(std::uint64_t bytes, const ByteSource& next, Reservation* room) {
    const NpyStart start = read_npy_start(bytes, next);
    const NpyHeader& header = start.header;
    const std::string& descr = header.descr;
    const char kind = descr.size() == 3 ? descr[1] : ' ';
    const auto width = static_cast<std::size_t>(descr.size() == 3 ? descr[2] - '0' : 0);
    const bool power = width == 1 || width == 2 || width == 4 || width == 8;
    const bool known =
        std::string_view("<>=|").find(descr.empty() ? ' ' : descr[0]) != std::string_view::npos;
    if (!known || !power || std::string_view("biuf").find(kind) == std::string_view::npos ||
        (kind == 'b' && width != 1) || (kind == 'f' && width == 1))
        throw Error("array", "its values have the type '" + descr + "', which is not read here", kSaveAgain);
    const bool big_endian = descr[0] == '>';
    const std::size_t count = count_npy_values(start, width);
    NumberArray array;
    array.extents = header.shape;
    if (kind == 'f') {
        if (room != nullptr) room->grow(count * sizeof(float));
        const FloatType type = width == 2 ? FloatType::f16 : width == 4 ? FloatType::f32 : FloatType::f64;
        array.values = in_order(read_floats({type, big_endian}, count, next), header, room);
        return array;
    }
    const bool small = width == 1 && kind != 'i';
    if (room != nullptr) room->grow(count * (small ? 1 : width + sizeof(std::int64_t)));
    std::vector<std::byte> raw(count * width);
    next(raw);
    if (small) {
        const auto* first = reinterpret_cast<const std::uint8_t*>(raw.data());
        array.values = in_order(std::vector<std::uint8_t>(first, first + raw.size()), header, room);
    } else {
        array.values = in_order(integers(raw, {width, kind == 'i', big_endian}), header, room);
    }
    return array;
}

/// What is refused without a name is said of the array in its file.
template <class Body>
auto told_of(const std::filesystem::path& path, const std::string& name, const Body& body) {
    try {
        return body();
    } catch (const OutOfMemory&) {
        throw;
    } catch (const Error& failure) {
        if (failure.subject() == path.string()) throw;
        throw Error(path.string(), (name.empty() ? "" : "array '" + name + "': ") + failure.why(),
                    failure.hint());
    }
}

NumberArray read_dataset(const hdf5::Dataset& dataset) {
    using hdf5::Element;
    NumberArray array;
    const auto read_as_floats = [&](Element element, FloatType type) {
        array.extents = dataset.extents(element);
        const std::vector<std::byte> bytes = dataset.bytes(element);
        std::span<const std::byte> rest = bytes;
        array.values =
            read_floats({type, false}, bytes.size() / float_bytes(type), [&](std::span<std::byte> target) {
                std::memcpy(target.data(), rest.data(), target.size());
                rest = rest.subspan(target.size());
            });
        return array;
    };
    if (dataset.holds(Element::f16)) return read_as_floats(Element::f16, FloatType::f16);
    if (dataset.holds(Element::f32)) return read_as_floats(Element::f32, FloatType::f32);
    if (dataset.holds(Element::f64)) return read_as_floats(Element::f64, FloatType::f64);
    if (dataset.holds(Element::u8)) {
        array.extents = dataset.extents(Element::u8);
        const std::vector<std::byte> bytes = dataset.bytes(Element::u8);
        const auto* first = reinterpret_cast<const std::uint8_t*>(bytes.data());
        array.values = std::vector<std::uint8_t>(first, first + bytes.size());
        return array;
    }
    for (const auto& [element, with_sign] : {std::pair{Element::i8, true},
                                             {Element::i16, true},
                                             {Element::i32, true},
                                             {Element::i64, true},
                                             {Element::u16, false},
                                             {Element::u32, false},
                                             {Element::u64, false}})
        if (dataset.holds(element)) {
            array.extents = dataset.extents(element);
            array.values = integers(dataset.bytes(element), {hdf5::element_bytes(element), with_sign, false});
            return array;
        }
    throw dataset.error("does not hold little-endian numbers", kSaveAgain);
}

}  // namespace

NumberArray read_npy_numbers(const std::filesystem::path& path, Reservation* room) {
    const InputFile file(path);
    std::uint64_t at = 0;
    return told_of(path, "", [&] {
        return read_array(
            file.bytes(),
            [&](std::span<std::byte> target) {
                file.read(at, target);
                at += target.size();
            },
            room);
    });
}

NumberArray read_npz_numbers(const std::filesystem::path& path, const std::string& name, Reservation* room) {
    const InputFile file(path);
    std::string there;
    for (const ZipMember& member : zip_members(file)) {
        if (member.name != name + ".npy") {
            there += (there.empty() ? "" : ", ") + member.name;
            continue;
        }
        ZipReader reader(file, member);
        return told_of(path, name, [&] {
            NumberArray array = read_array(
                member.bytes, [&](std::span<std::byte> target) { reader.read(target); }, room);
            reader.finish();
            return array;
        });
    }
    throw file.error(
        "holds no array '" + name + "', but " + (there.empty() ? "nothing" : there.substr(0, 200)),
        "Name its arrays: --train-features NAME, and so on.");
}

NumberArray read_hdf5_numbers(const std::filesystem::path& path, const std::string& name, Reservation* room) {
    const hdf5::Quiet quiet;
    hdf5::Group group = hdf5::open_file(path, "Give an HDF5 file.", room, hdf5::Hashes::ignored);
    return told_of(path, name, [&] {
        std::string_view rest = name;
        while (rest.starts_with('/')) rest.remove_prefix(1);
        for (std::size_t slash = 0; (slash = rest.find('/')) != std::string_view::npos;
             rest.remove_prefix(slash + 1))
            group = group.group(std::string(rest.substr(0, slash)));
        if (rest.empty()) throw Error("array", "its name is empty", "Name a dataset of the file.");
        return read_dataset(group.dataset(std::string(rest)));
    });
}

}  // namespace spectral
