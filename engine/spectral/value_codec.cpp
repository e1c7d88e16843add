#include "engine/spectral/value_codec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/core/error.hpp"
#include "engine/core/half.hpp"

namespace spectral {

namespace {

/// Lists whose largest number is smaller are stored as multiples of a power of two.
constexpr float kSmallForHalves = 0x1p-12F;

std::size_t block_count_of(std::size_t values) { return (values + kScaleBlock - 1) / kScaleBlock; }

[[noreturn]] void refuse(const std::string& why) {
    throw Error("coded coefficients", why, "the file is damaged, or was written by another program");
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

CodedValues quantise(ValueCoding coding, std::span<const float> values) {
    CodedValues coded;
    float largest = 0;
    for (const float value : values) largest = std::max(largest, std::abs(value));
    const int most = coding_levels(coding);
    // A power of two, so that steps and values are exact and coding them again changes nothing; the largest
    // step is near the largest half, which leaves 29 powers of two before a small block's step loses digits.
    if (largest > 0) coded.scale = std::ldexp(1, std::ilogb(static_cast<double>(largest) / most) - 14);
    coded.bytes.reserve(coded_value_bytes(coding, static_cast<std::int64_t>(values.size())));
    std::vector<int> levels(values.size());
    for (std::size_t first = 0; first < values.size(); first += kScaleBlock) {
        const auto block = values.subspan(first, std::min<std::size_t>(kScaleBlock, values.size() - first));
        float peak = 0;
        for (const float value : block) peak = std::max(peak, std::abs(value));
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

int coding_levels(ValueCoding coding) {
    if (coding == ValueCoding::int8) return 127;
    return coding == ValueCoding::int4 ? 7 : 0;
}

std::size_t coded_value_bytes(ValueCoding coding, std::int64_t count) {
    const auto values = static_cast<std::size_t>(count);
    switch (coding) {
        case ValueCoding::f32:
            return 4 * values;
        case ValueCoding::f16:
            return 2 * values;
        case ValueCoding::int8:
            return 2 * block_count_of(values) + values;
        case ValueCoding::int4:
            return 2 * block_count_of(values) + (values + 1) / 2;
    }
    return 0;
}

CodedValues encode_values(ValueCoding coding, std::span<const float> values) {
    for (std::size_t i = 0; i < values.size(); ++i)
        if (!std::isfinite(values[i]))
            throw Error("coefficients", fmt::format("number {} is {}", i, values[i]));
    CodedValues coded;
    switch (coding) {
        case ValueCoding::f32:
            coded.bytes.resize(values.size_bytes());
            if (!values.empty()) std::memcpy(coded.bytes.data(), values.data(), values.size_bytes());
            return coded;
        case ValueCoding::f16: {
            float largest = 0;
            for (const float value : values) largest = std::max(largest, std::abs(value));
            // Halves reach neither far up nor far down; where they do, the numbers are stored as they are.
            if (largest > kLargestHalf || (largest > 0 && largest < kSmallForHalves))
                coded.scale = std::ldexp(1, std::ilogb(largest));
            coded.bytes.reserve(2 * values.size());
            for (const float value : values)
                put_half(coded.bytes, to_half(static_cast<float>(static_cast<double>(value) / coded.scale)));
            return coded;
        }
        case ValueCoding::int8:
        case ValueCoding::int4:
            return quantise(coding, values);
    }
    return coded;
}

std::vector<float> decode_values(ValueCoding coding, double scale, std::span<const std::byte> bytes,
                                 std::int64_t count) {
    // No coding has more than two numbers in a byte.
    if (count < 0 || static_cast<std::uint64_t>(count) / 2 > bytes.size() ||
        bytes.size() != coded_value_bytes(coding, count))
        refuse(fmt::format("{} numbers as {} are not in {} bytes", count, value_coding_name(coding),
                           bytes.size()));
    if (!std::isfinite(scale) || scale <= 0) refuse(fmt::format("a scale of {:g}", scale));
    std::vector<float> values(static_cast<std::size_t>(count));
    if (coding == ValueCoding::f32) {
        if (!values.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
    } else if (coding == ValueCoding::f16) {
        for (std::size_t i = 0; i < values.size(); ++i)
            values[i] = static_cast<float>(static_cast<double>(from_half(half_at(bytes, i))) * scale);
    } else {
        const auto levels = bytes.subspan(2 * block_count_of(values.size()));
        for (std::size_t i = 0; i < values.size(); ++i) {
            const double step = static_cast<double>(from_half(half_at(bytes, i / kScaleBlock))) * scale;
            values[i] = static_cast<float>(level_at(coding, levels, i) * step);
        }
    }
    for (std::size_t i = 0; i < values.size(); ++i)
        if (!std::isfinite(values[i])) refuse(fmt::format("number {} is not finite", i));
    return values;
}

}  // namespace spectral
