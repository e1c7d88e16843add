#include "engine/io/foreign_tensors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "engine/core/half.hpp"
#include "engine/io/hdf5.hpp"
#include "engine/io/model_schema.hpp"

namespace spectral {

namespace {

constexpr std::size_t kBlockBytes = std::size_t{1} << 20;

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

bool is_utf8(const std::string& text) {
    try {
        static_cast<void>(Json(text).dump());
        return true;
    } catch (const Json::exception&) {
        return false;
    }
}

template <class Bits>
Bits bits_at(const std::byte* bytes, bool big_endian) {
    Bits bits = 0;
    for (std::size_t i = 0; i < sizeof(Bits); ++i) {
        const std::size_t place = big_endian ? sizeof(Bits) - 1 - i : i;
        bits = static_cast<Bits>(bits | static_cast<Bits>(std::to_integer<Bits>(bytes[place]) << (8 * i)));
    }
    return bits;
}

float float_at(FloatFormat format, const std::byte* bytes, std::size_t number) {
    switch (format.type) {
        case FloatType::f16:
            return from_half(bits_at<std::uint16_t>(bytes, format.big_endian));
        case FloatType::bf16:
            return std::bit_cast<float>(std::uint32_t{bits_at<std::uint16_t>(bytes, format.big_endian)}
                                        << 16);
        case FloatType::f32:
            return std::bit_cast<float>(bits_at<std::uint32_t>(bytes, format.big_endian));
        case FloatType::f64:
            break;
    }
    const auto wide = std::bit_cast<double>(bits_at<std::uint64_t>(bytes, format.big_endian));
    if (std::isfinite(wide) && std::abs(wide) > static_cast<double>(std::numeric_limits<float>::max()))
        throw Error("values", fmt::format("number {} is {:g}, beyond what 32-bit floats hold", number, wide),
                    "Scale the weights, or leave that tensor out.");
    return static_cast<float>(wide);
}

}  // namespace

void TensorCollector::check_name(const std::string& name) const {
    if (std::ranges::any_of(name, is_control) || !is_utf8(name))
        throw Error(file_, "a tensor's name holds control characters, or is no UTF-8",
                    "Give the tensors plain names.");
    const std::size_t cut = name.find_last_of("./");
    if (name.empty() || cut == 0 || cut == name.size() - 1)
        throw Error(file_, "a tensor's name has an empty part: '" + name + "'",
                    "Give the tensors plain names.");
    const std::size_t layer = cut == std::string::npos ? 0 : cut;
    if (std::max(layer, name.size() - layer) > hdf5::kMaxNameBytes)
        throw Error(file_, "a tensor's name is too long: '" + name.substr(0, 40) + "…'",
                    "Give the tensors shorter names.");
}

void TensorCollector::add(const std::string& name, HostTensor tensor) {
    check_name(name);
    const std::size_t cut = name.find_last_of("./");
    const std::string layer = cut == std::string::npos ? std::string(kUnnamedLayer) : name.substr(0, cut);
    const std::string leaf = cut == std::string::npos ? name : name.substr(cut + 1);
    if (!seen_.insert(layer + "/" + leaf).second)
        throw error(name, "is there twice, as layer '" + layer + "'", "Give the tensors names of their own.");
    if (seen_.size() > kMaxTensors) throw Error(file_, fmt::format("has more than {} tensors", kMaxTensors));
    const auto [found, is_new] = layers_.try_emplace(layer, result_.model.layers.size());
    if (is_new) result_.model.layers.push_back({layer, std::string(kImportedKind), Json::object(), {}});
    result_.model.layers[found->second].tensors.push_back({leaf, std::move(tensor)});
}

void TensorCollector::skip(const std::string& name, std::string_view why) {
    check_name(name);
    if (result_.skipped.size() == kMaxTensors)
        throw Error(file_, fmt::format("has more than {} tensors", kMaxTensors));
    result_.skipped.push_back(fmt::format("{} ({})", name, why));
}

std::size_t float_bytes(FloatType type) {
    if (type == FloatType::f64) return 8;
    return type == FloatType::f32 ? 4 : 2;
}

std::vector<float> read_floats(FloatFormat format, std::size_t count, const ByteSource& next) {
    std::vector<float> values(count);
    if (format.type == FloatType::f32 && format.big_endian == (std::endian::native == std::endian::big)) {
        next(std::as_writable_bytes(std::span(values)));
        return values;
    }
    const std::size_t width = float_bytes(format.type);
    std::vector<std::byte> block(std::min(kBlockBytes, count * width));
    for (std::size_t done = 0; done < count;) {
        const std::size_t part = std::min(count - done, block.size() / width);
        next(std::span(block).first(part * width));
        for (std::size_t i = 0; i < part; ++i)
            values[done + i] = float_at(format, block.data() + i * width, done + i);
        done += part;
    }
    return values;
}

std::optional<std::uint64_t> bytes_of_shape(std::span<const std::int64_t> extents, std::size_t value_bytes) {
    std::uint64_t bytes = value_bytes;
    if (std::ranges::find(extents, 0) != extents.end()) return 0;
    for (const std::int64_t extent : extents)
        if (extent < 0 || __builtin_mul_overflow(bytes, static_cast<std::uint64_t>(extent), &bytes))
            return std::nullopt;
    return bytes;
}

}  // namespace spectral
