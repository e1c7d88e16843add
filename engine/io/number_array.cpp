#include "engine/io/number_array.hpp"

#include <fmt/format.h>

#include <algorithm>
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

constexpr std::size_t kBlockBytes = std::size_t{1} << 16;

struct IntegerFormat {
    std::size_t bytes = 8;
    bool with_sign = true, big_endian = false;
};

/// Whose memory is counted, and under which name.
struct Counter {
    MemoryBudget* budget = nullptr;
    std::string array;

    Reservation kept(std::size_t bytes) const {
        return budget ? budget->reserve(MemoryTag::data, bytes, "array " + array) : Reservation{};
    }
    Reservation passing(std::size_t bytes) const {
        return budget ? budget->reserve(MemoryTag::workspace, bytes, "array being read") : Reservation{};
    }
};

/// Throws Error where an unsigned one is past what 64 bits with a sign hold.
std::vector<std::int64_t> read_integers(const IntegerFormat& format, std::size_t count,
                                        const ByteSource& next) {
    std::vector<std::int64_t> values(count);
    const auto unused = static_cast<unsigned>(64 - 8 * format.bytes);
    std::vector<std::byte> block(std::min(kBlockBytes, count * format.bytes));
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t place = i * format.bytes % kBlockBytes;
        if (place == 0) next(std::span(block).first(std::min(block.size(), (count - i) * format.bytes)));
        const auto bytes = std::span(block).subspan(place, format.bytes);
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

template <class Value>
std::vector<Value> in_order(std::vector<Value> values, const NpyHeader& header, const Counter& counter) {
    if (!header.fortran_order || header.shape.size() < 2) return values;
    const Reservation both = counter.passing(values.size() * sizeof(Value));
    return by_rows(values, Shape(std::span<const std::int64_t>(header.shape)));
}

/// Out of the bytes that `next` gives.
NumberArray read_array(std::uint64_t bytes, const ByteSource& next, const Counter& counter) {
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
    const bool floats = kind == 'f', small = width == 1 && kind != 'i';
    NumberArray array;
    array.extents = header.shape;
    array.room = counter.kept(count * (small    ? sizeof(std::uint8_t)
                                       : floats ? sizeof(float)
                                                : sizeof(std::int64_t)));
    if (small) {
        std::vector<std::uint8_t> values(count);
        next(std::as_writable_bytes(std::span(values)));
        array.values = in_order(std::move(values), header, counter);
    } else if (floats) {
        const FloatType type = width == 2 ? FloatType::f16 : width == 4 ? FloatType::f32 : FloatType::f64;
        array.values = in_order(read_floats({type, big_endian}, count, next), header, counter);
    } else {
        array.values =
            in_order(read_integers({width, kind == 'i', big_endian}, count, next), header, counter);
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

/// `unpacked` is what the file's reader makes grow.
NumberArray read_dataset(const hdf5::Dataset& dataset, const Counter& counter, Reservation& unpacked) {
    using hdf5::Element;
    NumberArray array;
    const auto read_as_is = [&]<class Value>(Value) {
        if (!dataset.holds(hdf5::kElementOf<Value>)) return false;
        unpacked = counter.kept(0);
        array.extents = dataset.extents(hdf5::kElementOf<Value>);
        array.values = dataset.values<Value>();
        array.room = std::move(unpacked);
        return true;
    };
    const auto read_as = [&](Element element, std::size_t value_bytes, const auto& convert) {
        if (!dataset.holds(element)) return false;
        unpacked = counter.passing(0);
        array.extents = dataset.extents(element);
        const std::vector<std::byte> bytes = dataset.bytes(element);
        const std::size_t count = bytes.size() / hdf5::element_bytes(element);
        array.room = counter.kept(count * value_bytes);
        std::span<const std::byte> rest = bytes;
        array.values = convert(count, [&](std::span<std::byte> target) {
            std::ranges::copy(rest.first(target.size()), target.begin());
            rest = rest.subspan(target.size());
        });
        return true;
    };
    if (read_as_is(std::uint8_t{}) || read_as_is(float{}) || read_as_is(std::int64_t{})) return array;
    for (const auto& [element, type] :
         {std::pair{Element::f16, FloatType::f16}, {Element::f64, FloatType::f64}})
        if (read_as(element, sizeof(float), [type = type](std::size_t count, const ByteSource& next) {
                return read_floats({type, false}, count, next);
            }))
            return array;
    for (const auto& [element, with_sign] : {std::pair{Element::i8, true},
                                             {Element::i16, true},
                                             {Element::i32, true},
                                             {Element::u16, false},
                                             {Element::u32, false},
                                             {Element::u64, false}}) {
        const IntegerFormat format{hdf5::element_bytes(element), with_sign, false};
        if (read_as(element, sizeof(std::int64_t), [&](std::size_t count, const ByteSource& next) {
                return read_integers(format, count, next);
            }))
            return array;
    }
    throw dataset.error("does not hold little-endian numbers", kSaveAgain);
}

/// `there` lists what the file has instead.
Error no_such_array(const std::filesystem::path& path, const std::string& name, const std::string& there) {
    return {path.string(),
            "holds no array '" + name + "', but " + (there.empty() ? "nothing" : there.substr(0, 200)),
            "Name its arrays: --train-features NAME, and so on."};
}

}  // namespace

NumberArray read_npy_numbers(const std::filesystem::path& path, MemoryBudget* budget) {
    const InputFile file(path);
    std::uint64_t at = 0;
    return told_of(path, "", [&] {
        return read_array(
            file.bytes(),
            [&](std::span<std::byte> target) {
                file.read(at, target);
                at += target.size();
            },
            Counter{budget, path.stem().string()});
    });
}

NumberArray read_npz_numbers(const std::filesystem::path& path, const std::string& name,
                             MemoryBudget* budget) {
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
                member.bytes, [&](std::span<std::byte> target) { reader.read(target); },
                Counter{budget, name});
            reader.finish();
            return array;
        });
    }
    throw no_such_array(path, name, there);
}

NumberArray read_hdf5_numbers(const std::filesystem::path& path, const std::string& name,
                              MemoryBudget* budget) {
    const hdf5::Quiet quiet;
    const Counter counter{budget, name};
    Reservation unpacked = counter.passing(0);
    hdf5::Group group = hdf5::open_file(path, "Give an HDF5 file.", &unpacked, hdf5::Hashes::ignored);
    return told_of(path, name, [&] {
        constexpr std::size_t kMostListed = 100'000;
        const auto require = [&](const std::string& entry) {
            if (!group.has(entry))
                throw no_such_array(path, name, fmt::format("{}", fmt::join(group.names(kMostListed), ", ")));
        };
        std::string_view rest = name;
        while (rest.starts_with('/')) rest.remove_prefix(1);
        for (std::size_t slash = 0; (slash = rest.find('/')) != std::string_view::npos;
             rest.remove_prefix(slash + 1)) {
            require(std::string(rest.substr(0, slash)));
            group = group.group(std::string(rest.substr(0, slash)));
        }
        if (rest.empty()) throw Error("array", "its name is empty", "Name a dataset of the file.");
        require(std::string(rest));
        return read_dataset(group.dataset(std::string(rest)), counter, unpacked);
    });
}

}  // namespace spectral
