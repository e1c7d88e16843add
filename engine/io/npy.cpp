#include "engine/io/npy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "engine/core/places.hpp"
#include "engine/io/input_file.hpp"
#include "engine/io/zip_archive.hpp"

namespace spectral {

namespace {

constexpr std::size_t kMaxHeaderBytes = 65535;
constexpr const char* kSaveAgain = "Write it again with numpy.save, as float32.";

[[noreturn]] void refuse(const std::string& why) { throw Error("header", why, kSaveAgain); }

/// The few forms of a Python literal that a header has.
class LiteralParser {
public:
    explicit LiteralParser(std::string_view text) : rest_(text) {}

    NpyHeader header() {
        NpyHeader result;
        std::set<std::string> keys;
        expect('{');
        while (!accept('}')) {
            const std::string key = text();
            expect(':');
            if (!keys.insert(key).second) refuse("the header names '" + printable(key) + "' twice");
            if (key == "descr") {
                result.descr = descr();
            } else if (key == "fortran_order") {
                result.fortran_order = truth();
            } else if (key == "shape") {
                result.shape = extents();
            } else {
                refuse("the header has an unknown entry '" + printable(key) + "'");
            }
            if (!accept(',') && !next_is('}')) refuse("the header is no list of entries");
        }
        skip_space();
        if (!rest_.empty()) refuse("more follows the header's entries");
        if (keys.size() != 3) refuse("the header lacks one of descr, fortran_order and shape");
        return result;
    }

private:
    static std::string printable(const std::string& text) {
        const std::string quoted =
            Json(text.substr(0, 40)).dump(-1, ' ', true, Json::error_handler_t::replace);
        return quoted.substr(1, quoted.size() - 2);
    }
    void skip_space() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \n\t"), rest_.size())); }
    bool next_is(char c) {
        skip_space();
        return rest_.starts_with(c);
    }
    bool accept(char c) {
        if (!next_is(c)) return false;
        rest_.remove_prefix(1);
        return true;
    }
    void expect(char c) {
        if (!accept(c)) refuse(fmt::format("the header has no '{}' where one belongs", c));
    }
    std::string text() {
        skip_space();
        const char quote = rest_.empty() ? '\0' : rest_.front();
        if (quote != '\'' && quote != '"') refuse("the header has no text where one belongs");
        const std::size_t end = rest_.find(quote, 1);
        if (end == std::string_view::npos || rest_.substr(0, end).find('\\') != std::string_view::npos)
            refuse("the header has a broken text");
        std::string value(rest_.substr(1, end - 1));
        rest_.remove_prefix(end + 1);
        return value;
    }
    std::string descr() {
        if (next_is('[')) refuse("its values have several fields");
        return printable(text());
    }
    bool truth() {
        skip_space();
        for (const auto& [word, value] : {std::pair{std::string_view("True"), true}, {"False", false}})
            if (rest_.starts_with(word)) {
                rest_.remove_prefix(word.size());
                return value;
            }
        refuse("fortran_order is neither True nor False");
    }
    std::vector<std::int64_t> extents() {
        std::vector<std::int64_t> values;
        expect('(');
        while (!accept(')')) {
            skip_space();
            std::int64_t value = -1;
            const auto [end, failure] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
            if (failure != std::errc() || value < 0) refuse("the shape is no list of counts");
            if (values.size() == static_cast<std::size_t>(kMaxRank))
                throw Error("header", fmt::format("its rank is above {}", kMaxRank), "Reshape it.");
            values.push_back(value);
            rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
            if (!accept(',') && !next_is(')')) refuse("the shape is no list of counts");
        }
        return values;
    }

    std::string_view rest_;
};

struct ValueType {
    FloatFormat format;
    bool skipped = false;  ///< integers, truth values, texts and dates
};

ValueType type_of(const std::string& descr) {
    const char order = descr.empty() ? '\0' : descr.front();
    const std::string_view kind = std::string_view(descr).substr(descr.empty() ? 0 : 1);
    if (std::string_view("<>=|").find(order) == std::string_view::npos || kind.empty())
        refuse("its values have an unknown type '" + descr + "'");
    if (kind.front() == 'O')
        throw Error("type", "its values are Python objects, which are never unpickled",
                    "Write plain arrays: numpy.save with allow_pickle=False.");
    if (std::string_view("biuSUMm").find(kind.front()) != std::string_view::npos) return {{}, true};
    for (const auto& [name, type] :
         {std::pair{"f2", FloatType::f16}, {"f4", FloatType::f32}, {"f8", FloatType::f64}})
        if (kind == name && order != '|') return {{type, order == '>'}, false};
    refuse("its values have the type '" + descr + "', which is not supported");
}

/// Takes an array of `bytes` bytes from `next` into `collector`; false where it was skipped, after the
/// header.
bool collect(const std::string& name, std::uint64_t bytes, const ByteSource& next, Reservation* room,
             TensorCollector& collector) {
    const NpyStart start = read_npy_start(bytes, next);
    const NpyHeader& header = start.header;
    const ValueType type = type_of(header.descr);
    if (type.skipped) {
        collector.skip(name, header.descr);
        return false;
    }
    const std::size_t count = count_npy_values(start, float_bytes(type.format.type));
    const Shape shape{std::span<const std::int64_t>(header.shape)};
    const bool turned = header.fortran_order && shape.rank() > 1;
    if (room != nullptr) room->grow(count * sizeof(float) * (turned ? 2 : 1));
    std::vector<float> values = read_floats(type.format, count, next);
    collector.add(name, {shape, turned ? by_rows(values, shape) : std::move(values)});
    return true;
}

/// Runs `body`; what it refuses without a name of the file is said of the array.
template <class Body>
void told_of(const std::string& name, const InputFile& file, const TensorCollector& collector,
             const Body& body) {
    try {
        body();
    } catch (const OutOfMemory&) {
        throw;
    } catch (const Error& failure) {
        if (failure.subject() == file.path().string()) throw;
        throw collector.error(name, "cannot be read: " + failure.why(), failure.hint());
    }
}

}  // namespace

NpyHeader parse_npy_header(std::string_view text) { return LiteralParser(text).header(); }

NpyStart read_npy_start(std::uint64_t bytes, const ByteSource& next) {
    const auto take = [&](std::size_t count) {
        if (count > bytes) throw Error("array", "it is truncated", kSaveAgain);
        bytes -= count;
        std::string text(count, '\0');
        next(std::as_writable_bytes(std::span(text)));
        return text;
    };
    const std::string magic = take(kNpyMagic.size() + 2);
    if (!magic.starts_with(kNpyMagic)) throw Error("array", "it does not begin as one", kSaveAgain);
    const int major = static_cast<unsigned char>(magic[kNpyMagic.size()]);
    if (major < 1 || major > 3)
        throw Error("array", fmt::format("its version {} is unknown", major), kSaveAgain);
    std::size_t header_bytes = 0;
    const std::string length = take(major == 1 ? 2 : 4);
    for (std::size_t i = length.size(); i-- > 0;)
        header_bytes = header_bytes << 8 | static_cast<unsigned char>(length[i]);
    if (header_bytes > kMaxHeaderBytes) refuse("the header is longer than 64 KiB");

    NpyStart start;
    start.header = parse_npy_header(take(header_bytes));
    start.value_bytes = bytes;
    return start;
}

std::size_t count_npy_values(const NpyStart& start, std::size_t bytes_each) {
    const auto value_bytes = bytes_of_shape(start.header.shape, bytes_each);
    if (!value_bytes || *value_bytes != start.value_bytes)
        throw Error("array",
                    fmt::format("{} bytes of values {} than its shape asks for", start.value_bytes,
                                value_bytes && *value_bytes < start.value_bytes ? "are more" : "are fewer"),
                    kSaveAgain);
    return static_cast<std::size_t>(*value_bytes / bytes_each);
}

ForeignTensors read_npy(const std::filesystem::path& path, Reservation* room) {
    const InputFile file(path);
    TensorCollector collector(path.string());
    const std::string name = path.stem().string();
    collector.check_name(name);
    std::uint64_t at = 0;
    const ByteSource next = [&](std::span<std::byte> target) {
        file.read(at, target);
        at += target.size();
    };
    told_of(name, file, collector, [&] { collect(name, file.bytes(), next, room, collector); });
    return collector.finish();
}

ForeignTensors read_npz(const std::filesystem::path& path, Reservation* room) {
    constexpr std::string_view kEnding = ".npy";
    const InputFile file(path);
    TensorCollector collector(path.string());
    bool any = false;
    for (const ZipMember& member : zip_members(file)) {
        if (member.name.ends_with('/')) continue;
        if (!member.name.ends_with(kEnding)) {
            collector.skip(member.name, "no array");
            continue;
        }
        any = true;
        const std::string name = member.name.substr(0, member.name.size() - kEnding.size());
        collector.check_name(name);
        ZipReader reader(file, member);
        told_of(name, file, collector, [&] {
            if (collect(
                    name, member.bytes, [&](std::span<std::byte> target) { reader.read(target); }, room,
                    collector))
                reader.finish();
        });
    }
    if (!any)
        throw file.error(
            "is a ZIP archive without NumPy arrays",
            "Give the weights as safetensors, .npz or HDF5. A .keras archive holds model.weights.h5.");
    return collector.finish();
}

}  // namespace spectral
