#include "engine/spectral/value_codec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/core/error.hpp"
#include "engine/core/half.hpp"

namespace spectral {

namespace {

int largest_level(ValueCoding coding) { return coding == ValueCoding::int8 ? 127 : 7; }

std::size_t block_count_of(std::size_t parts) { return (parts + kScaleBlock - 1) / kScaleBlock; }

[[noreturn]] void refuse(const std::string& why) {
    throw Error("coded coefficients", why, "the file is damaged, or was written by another program");
}

std::span<const float> parts_of(std::span<const Complex> values) {
    return {reinterpret_cast<const float*>(values.data()), 2 * values.size()};
}

void put_half(std::vector<std::byte>& bytes, std::uint16_t half) {
    bytes.push_back(static_cast<std::byte>(half & 0xFFU));
    bytes.push_back(static_cast<std::byte>(half >> 8));
}

std::uint16_t half_at(std::span<const std::byte> bytes, std::size_t i) {
    return static_cast<std::uint16_t>(std::to_integer<unsigned>(bytes[2 * i]) |
                                      std::to_integer<unsigned>(bytes[2 * i + 1]) << 8);
}

void put_levels(ValueCoding coding, std::span<const int> levels, std::vector<std::byte>& bytes) {
    if (coding == ValueCoding::int8) {
        for (const int level : levels)
            bytes.push_back(static_cast<std::byte>(static_cast<unsigned>(level) & 0xFFU));
        return;
    }
    for (std::size_t i = 0; i < levels.size(); i += 2) {
        const auto low = static_cast<unsigned>(levels[i]) & 0xFU,
                   high = i + 1 < levels.size() ? static_cast<unsigned>(levels[i + 1]) & 0xFU : 0U;
        bytes.push_back(static_cast<std::byte>(low | high << 4));
    }
}

/// Two's complement of eight or four bits.
int level_at(ValueCoding coding, std::span<const std::byte> bytes, std::size_t i) {
    if (coding == ValueCoding::int8) return static_cast<std::int8_t>(std::to_integer<std::uint8_t>(bytes[i]));
    const unsigned four = std::to_integer<unsigned>(bytes[i / 2]) >> (i % 2 * 4) & 0xFU;
    return static_cast<int>(four ^ 8U) - 8;
}

CodedValues quantise(ValueCoding coding, std::span<const float> parts) {
    CodedValues coded;
    float largest = 0;
    for (const float part : parts) largest = std::max(largest, std::abs(part));
    const int most = largest_level(coding);
    // A power of two, so that steps and values are exact and coding them again changes nothing; the largest
    // step is near the largest half, which leaves 29 powers of two before a small block's step loses digits.
    if (largest > 0) coded.scale = std::ldexp(1, std::ilogb(static_cast<double>(largest) / most) - 14);
    coded.bytes.reserve(coded_value_bytes(coding, static_cast<std::int64_t>(parts.size() / 2)));
    std::vector<int> levels(parts.size());
    for (std::size_t first = 0; first < parts.size(); first += kScaleBlock) {
        const auto block = parts.subspan(first, std::min<std::size_t>(kScaleBlock, parts.size() - first));
        float peak = 0;
        for (const float part : block) peak = std::max(peak, std::abs(part));
        // What is stored is what is divided by: rounding of the scale costs no accuracy but its own.
        const std::uint16_t half =
            to_half(static_cast<float>(static_cast<double>(peak) / most / coded.scale));
        const double step = static_cast<double>(from_half(half)) * coded.scale;
        put_half(coded.bytes, half);
        for (std::size_t i = 0; i < block.size(); ++i)
            levels[first + i] = step > 0
                                    ? static_cast<int>(std::clamp<long>(
                                          std::lround(static_cast<double>(block[i]) / step), -most, most))
                                    : 0;
    }
    put_levels(coding, levels, coded.bytes);
    return coded;
}

}  // namespace

std::string_view value_coding_name(ValueCoding coding) {
    switch (coding) {
        case ValueCoding::f32:
            return "f32";
        case ValueCoding::f16:
            return "f16";
        case ValueCoding::int8:
            return "int8";
        case ValueCoding::int4:
            return "int4";
    }
    return "?";
}

std::size_t coded_value_bytes(ValueCoding coding, std::int64_t count) {
    const auto parts = 2 * static_cast<std::size_t>(count);
    switch (coding) {
        case ValueCoding::f32:
            return 4 * parts;
        case ValueCoding::f16:
            return 2 * parts;
        case ValueCoding::int8:
            return 2 * block_count_of(parts) + parts;
        case ValueCoding::int4:
            return 2 * block_count_of(parts) + parts / 2;
    }
    return 0;
}

CodedValues encode_values(ValueCoding coding, std::span<const Complex> values) {
    const std::span<const float> parts = parts_of(values);
    CodedValues coded;
    switch (coding) {
        case ValueCoding::f32:
            coded.bytes.resize(parts.size_bytes());
            if (!parts.empty()) std::memcpy(coded.bytes.data(), parts.data(), parts.size_bytes());
            return coded;
        case ValueCoding::f16:
            coded.bytes.reserve(2 * parts.size());
            for (const float part : parts) {
                if (std::abs(part) > kLargestHalf)
                    throw Error("coefficients", fmt::format("{:g} is beyond what f16 reaches", part),
                                "store them as f32 or int8");
                put_half(coded.bytes, to_half(part));
            }
            return coded;
        case ValueCoding::int8:
        case ValueCoding::int4:
            return quantise(coding, parts);
    }
    return coded;
}

std::vector<Complex> decode_values(ValueCoding coding, double scale, std::span<const std::byte> bytes,
                                   std::int64_t count) {
    // No coding has more than one coefficient in a byte.
    if (count < 0 || static_cast<std::uint64_t>(count) > bytes.size() ||
        bytes.size() != coded_value_bytes(coding, count))
        refuse(fmt::format("{} coefficients as {} are not in {} bytes", count, value_coding_name(coding),
                           bytes.size()));
    if (!std::isfinite(scale) || scale <= 0) refuse(fmt::format("a scale of {:g}", scale));
    std::vector<Complex> values(static_cast<std::size_t>(count));
    const std::span<float> parts{reinterpret_cast<float*>(values.data()), 2 * values.size()};
    if (coding == ValueCoding::f32) {
        if (!parts.empty()) std::memcpy(parts.data(), bytes.data(), bytes.size());
    } else if (coding == ValueCoding::f16) {
        for (std::size_t i = 0; i < parts.size(); ++i) parts[i] = from_half(half_at(bytes, i));
    } else {
        const auto levels = bytes.subspan(2 * block_count_of(parts.size()));
        for (std::size_t i = 0; i < parts.size(); ++i) {
            const double step = static_cast<double>(from_half(half_at(bytes, i / kScaleBlock))) * scale;
            parts[i] = static_cast<float>(level_at(coding, levels, i) * step);
        }
    }
    for (std::size_t i = 0; i < parts.size(); ++i)
        if (!std::isfinite(parts[i])) refuse(fmt::format("coefficient {} is not finite", i / 2));
    return values;
}

}  // namespace spectral
