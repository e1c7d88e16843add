#include "engine/io/safetensors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/core/files.hpp"
#include "engine/io/input_file.hpp"
#include "engine/io/model_schema.hpp"

namespace spectral {

namespace {

constexpr std::uint64_t kLengthBytes = 8, kMaxHeaderBytes = 100'000'000;
constexpr std::string_view kMetadata = "__metadata__";
constexpr const char* kDamaged = "The file is damaged, or no safetensors file; fetch or write it again.";

struct DType {
    std::string_view name;
    std::size_t bytes;
    std::optional<FloatType> type;  ///< nothing: integers
};
constexpr std::array kTypes{
    DType{"F64", 8, FloatType::f64},   DType{"F32", 4, FloatType::f32}, DType{"F16", 2, FloatType::f16},
    DType{"BF16", 2, FloatType::bf16}, DType{"I64", 8, std::nullopt},   DType{"U64", 8, std::nullopt},
    DType{"I32", 4, std::nullopt},     DType{"U32", 4, std::nullopt},   DType{"I16", 2, std::nullopt},
    DType{"U16", 2, std::nullopt},     DType{"I8", 1, std::nullopt},    DType{"U8", 1, std::nullopt},
    DType{"BOOL", 1, std::nullopt}};

struct Entry {
    std::string name;
    const DType* type = nullptr;
    std::optional<std::vector<std::int64_t>> shape;
    std::optional<std::vector<std::int64_t>>
        offsets;  ///< first byte of the values, and the one behind the last
};

/// Takes the header apart as it is parsed, so that a hostile one makes nothing larger than itself.
class HeaderParser final : public nlohmann::json_sax<Json> {
public:
    HeaderParser(const InputFile& file, const TensorCollector& names) : file_(file), names_(names) {}
    std::vector<Entry> finish() { return std::move(entries_); }

    bool start_object(std::size_t) override {
        if (depth_ >= 2 || list_ != nullptr) refuse("holds an object where none belongs");
        ++depth_;
        if (depth_ == 2 && !in_metadata_) {
            if (entries_.size() == kMaxTensors) refuse(fmt::format("has more than {} tensors", kMaxTensors));
            entries_.push_back({key_, nullptr, std::nullopt, std::nullopt});
        }
        seen_fields_.clear();
        return true;
    }
    bool end_object() override {
        if (depth_ == 2 && !in_metadata_) {
            const Entry& entry = entries_.back();
            for (const auto& [there, field] : {std::pair{entry.type != nullptr, "dtype"},
                                               {entry.shape.has_value(), "shape"},
                                               {entry.offsets.has_value(), "data_offsets"}})
                if (!there) throw names_.error(entry.name, fmt::format("has no {}", field), kDamaged);
        }
        --depth_;
        return true;
    }
    bool key(std::string& text) override {
        if (!(depth_ == 1 ? seen_ : seen_fields_).insert(text).second) refuse_key(text, "is there twice");
        if (seen_fields_.size() > kMaxTensors)
            refuse(fmt::format("has more than {} texts of metadata", kMaxTensors));
        key_ = text;
        if (depth_ == 1) {
            in_metadata_ = text == kMetadata;
            if (!in_metadata_) names_.check_name(text);
        } else if (!in_metadata_ && text != "dtype" && text != "shape" && text != "data_offsets") {
            refuse_key(text, "is unknown");
        }
        return true;
    }
    bool string(std::string& text) override {
        if (depth_ == 2 && in_metadata_) return true;
        if (depth_ != 2 || list_ != nullptr || key_ != "dtype") return misplaced();
        const auto type = std::ranges::find(kTypes, text, &DType::name);
        if (type == kTypes.end())
            throw names_.error(
                entries_.back().name,
                fmt::format("holds values of the type {}, which is not supported",
                            Json(text.substr(0, 20)).dump(-1, ' ', true, Json::error_handler_t::replace)),
                "Save it as F32, F16 or BF16.");
        entries_.back().type = &*type;
        return true;
    }
    bool start_array(std::size_t) override {
        if (depth_ != 2 || in_metadata_ || list_ != nullptr || (key_ != "shape" && key_ != "data_offsets"))
            return misplaced();
        list_ = &(key_ == "shape" ? entries_.back().shape : entries_.back().offsets).emplace();
        return true;
    }
    bool end_array() override {
        if (key_ == "data_offsets" && list_->size() != 2)
            throw names_.error(entries_.back().name, "has not two data_offsets", kDamaged);
        list_ = nullptr;
        return true;
    }
    bool number_unsigned(std::uint64_t value) override {
        if (list_ == nullptr) return misplaced();
        const std::string& name = entries_.back().name;
        if (value > INT64_MAX) throw names_.error(name, fmt::format("has an impossible {}", key_), kDamaged);
        if (list_->size() == static_cast<std::size_t>(kMaxRank))
            throw names_.error(name, fmt::format("has a rank above {}", kMaxRank),
                               "Reshape it, or leave that tensor out.");
        list_->push_back(static_cast<std::int64_t>(value));
        return true;
    }
    bool number_integer(std::int64_t) override { return misplaced(); }
    bool number_float(double, const std::string&) override { return misplaced(); }
    bool null() override { return misplaced(); }
    bool boolean(bool) override { return misplaced(); }
    bool binary(Json::binary_t&) override { return misplaced(); }
    bool parse_error(std::size_t place, const std::string&, const Json::exception&) override {
        refuse(fmt::format("is not JSON at byte {}", place));
    }

private:
    [[noreturn]] void refuse(const std::string& why) const {
        throw file_.error("the header " + why, kDamaged);
    }
    [[noreturn]] void refuse_key(const std::string& text, const char* why) const {
        refuse("has a field that " + std::string(why) + ": " +
               Json(text.substr(0, 100)).dump(-1, ' ', true, Json::error_handler_t::replace));
    }
    [[noreturn]] bool misplaced() const {
        if (depth_ == 0) refuse("is no JSON object");
        if (in_metadata_) refuse("has metadata that are no texts");
        if (depth_ == 1) refuse_key(key_, "is no tensor");
        throw names_.error(entries_.back().name, "has a wrong " + key_, kDamaged);
    }

    const InputFile& file_;
    const TensorCollector& names_;
    std::vector<Entry> entries_;
    std::set<std::string, std::less<>> seen_, seen_fields_;
    int depth_ = 0;
    bool in_metadata_ = false;
    std::string key_;
    std::vector<std::int64_t>* list_ = nullptr;
};

std::uint64_t header_bytes(const InputFile& file) {
    std::array<std::byte, kLengthBytes> raw{};
    file.read(0, raw);
    std::uint64_t length = 0;
    for (std::size_t i = kLengthBytes; i-- > 0;)
        length = length << 8 | std::to_integer<std::uint64_t>(raw[i]);
    return length;
}

/// In the order of their values, which must follow each other from the first byte to the last.
void check_places(std::vector<Entry>& entries, std::uint64_t data_bytes, const InputFile& file,
                  const TensorCollector& names) {
    std::ranges::stable_sort(entries, {}, [](const Entry& each) { return *each.offsets; });
    std::uint64_t end = 0;
    for (const Entry& each : entries) {
        const auto from = static_cast<std::uint64_t>((*each.offsets)[0]),
                   to = static_cast<std::uint64_t>((*each.offsets)[1]);
        const auto told = [&](const std::string& why) { return names.error(each.name, why, kDamaged); };
        if (to < from || to > data_bytes)
            throw told(fmt::format("lies at bytes {} to {} of {}", from, to, data_bytes));
        if (from < end) throw told("overlaps another one");
        if (from > end) throw told(fmt::format("leaves a hole of {} bytes in front of it", from - end));
        const auto bytes = bytes_of_shape(*each.shape, each.type->bytes);
        if (bytes != to - from)
            throw told(fmt::format("has {} bytes, which its shape and type {} do not fit", to - from,
                                   each.type->name));
        end = to;
    }
    if (end != data_bytes)
        throw file.error(fmt::format("has {} bytes of values where its header names {}", data_bytes, end),
                         kDamaged);
}

}  // namespace

bool is_safetensors(const std::filesystem::path& path) {
    const InputFile file(path);
    if (file.bytes() < kLengthBytes + 2) return false;
    std::array<std::byte, 1> first{};
    file.read(kLengthBytes, first);
    return first[0] == std::byte{'{'} && header_bytes(file) <= file.bytes() - kLengthBytes;
}

ForeignTensors read_safetensors(const std::filesystem::path& path, Reservation* room) {
    const InputFile file(path);
    if (file.bytes() < kLengthBytes) throw file.error("is too short for a safetensors file", kDamaged);
    const std::uint64_t length = header_bytes(file);
    if (length > kMaxHeaderBytes)
        throw file.error(
            fmt::format("promises a header of {} bytes; at most {} are allowed", length, kMaxHeaderBytes),
            kDamaged);
    if (length > file.bytes() - kLengthBytes)
        throw file.error(fmt::format("is truncated: its header has {} bytes", length), kDamaged);
    const auto take = [&](std::uint64_t bytes) {
        if (room != nullptr) room->grow(static_cast<std::size_t>(bytes));
    };
    take(length);
    std::string text(static_cast<std::size_t>(length), '\0');
    file.read(kLengthBytes, std::as_writable_bytes(std::span(text)));
    if (!text.starts_with('{')) throw file.error("the header is no JSON object", kDamaged);

    TensorCollector collector(path.string());
    HeaderParser parser(file, collector);
    Json::sax_parse(text, &parser);
    std::vector<Entry> entries = parser.finish();
    const std::uint64_t first = kLengthBytes + length;
    check_places(entries, file.bytes() - first, file, collector);
    for (const Entry& each : entries) {
        if (!each.type->type) {
            collector.skip(each.name, each.type->name);
            continue;
        }
        const Shape shape{std::span<const std::int64_t>(*each.shape)};
        take(static_cast<std::uint64_t>(shape.size()) * sizeof(float));
        std::uint64_t at = first + static_cast<std::uint64_t>((*each.offsets)[0]);
        const ByteSource next = [&](std::span<std::byte> target) {
            file.read(at, target);
            at += target.size();
        };
        try {
            collector.add(each.name, {shape, read_floats({*each.type->type, false},
                                                         static_cast<std::size_t>(shape.size()), next)});
        } catch (const OutOfMemory&) {
            throw;
        } catch (const Error& failure) {
            if (failure.subject() == path.string()) throw;
            throw collector.error(each.name, "cannot be read: " + failure.why(), failure.hint());
        }
    }
    return collector.finish();
}

void write_safetensors(const std::filesystem::path& path, const ModelFile& model,
                       const std::map<std::string, std::string>& metadata) {
    std::string header = "{" + Json(kMetadata).dump() + ":" + Json(metadata).dump();
    std::set<std::string, std::less<>> names{std::string(kMetadata)};
    std::int64_t end = 0;
    for (const LayerRecord& layer : model.layers)
        for (const NamedTensor& each : layer.tensors) {
            const bool unnamed = layer.kind == kImportedKind && layer.name == kUnnamedLayer;
            const std::string name = unnamed ? each.name : layer.name + "." + each.name;
            if (!names.insert(name).second)
                throw Error(path.string(), "two tensors have the name '" + name + "'");
            if (std::ssize(each.tensor.values) != each.tensor.shape.size())
                throw Error(path.string(), "the values of tensor '" + name + "' are not there");
            const std::int64_t first = end;
            end += each.tensor.shape.size() * static_cast<std::int64_t>(sizeof(float));
            header +=
                "," + Json(name).dump() + ":" +
                Json{{"dtype", "F32"}, {"shape", each.tensor.shape.extents()}, {"data_offsets", {first, end}}}
                    .dump();
        }
    header += "}";
    // Values on whole multiples of eight bytes, so that readers may map them.
    header.resize((header.size() + kLengthBytes - 1) / kLengthBytes * kLengthBytes, ' ');
    if (header.size() > kMaxHeaderBytes) throw Error(path.string(), "the header would be above 100 MB");

    replace_file(path, [&](const std::filesystem::path& temporary) {
        std::ofstream file(temporary, std::ios::binary | std::ios::trunc);
        std::array<char, kLengthBytes> length{};
        for (std::size_t i = 0; i < kLengthBytes; ++i)
            length[i] = static_cast<char>(header.size() >> (8 * i) & 0xFFU);
        file.write(length.data(), length.size()).write(header.data(), std::ssize(header));
        for (const LayerRecord& layer : model.layers)
            for (const NamedTensor& each : layer.tensors) {
                const auto bytes = std::as_bytes(std::span(each.tensor.values));
                file.write(reinterpret_cast<const char*>(bytes.data()), std::ssize(bytes));
            }
        if (!file.flush())
            throw FailedRun(path.string(), "cannot be written", "Free some space, or choose another disk.");
    });
}

}  // namespace spectral
