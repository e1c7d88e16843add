#include "engine/spectral/value_codec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <optional>

#include "engine/core/error.hpp"
#include "engine/core/finite.hpp"
#include "engine/core/half.hpp"

namespace spectral {

namespace {

/// Lists whose largest number is smaller are stored as multiples of a power of two.
constexpr float kSmallForHalves = 0x1p-12F;

std::size_t block_count_of(std::size_t values) { return (values + kScaleBlock - 1) / kScaleBlock; }

[[noreturn]] void refuse(const std::string& why) {
    throw Error("coded coefficients", why, "the file is damaged, or was written by another program");
}

std::uint16_t half_at(const std::byte* bytes, std::size_t i) {
    return static_cast<std::uint16_t>(std::to_integer<unsigned>(bytes[2 * i]) |
                                      std::to_integer<unsigned>(bytes[2 * i + 1]) << 8);
}

/// The whole number nearest to value, halves away from zero, at most `most` in magnitude.
int nearest_level(double value, double most) {
    const double bounded = std::min(std::max(value, -most), most);
    const int towards_zero = static_cast<int>(bounded);
    const double rest = bounded - towards_zero;  // exact
    return towards_zero + (rest >= 0.5 ? 1 : 0) - (rest <= -0.5 ? 1 : 0);
}

/// Two's complement of eight or four bits.
int level_at(ValueCoding coding, std::span<const std::byte> bytes, std::size_t i) {
    if (coding == ValueCoding::int8) return static_cast<std::int8_t>(std::to_integer<std::uint8_t>(bytes[i]));
    const unsigned four = std::to_integer<unsigned>(bytes[i / 2]) >> (i % 2 * 4) & 0xFU;
    return static_cast<int>(four ^ 8U) - 8;
}

CodedValues quantise(ValueCoding coding, std::span<const float> values) {
    CodedValues coded;
    const float largest = largest_magnitude(values);
    const int most = coding_levels(coding);
    // A power of two, so that steps and values are exact and coding them again changes nothing; the largest
    // step is near the largest half, which leaves 29 powers of two before a small block's step loses digits.
    if (largest > 0) coded.scale = std::ldexp(1, std::ilogb(static_cast<double>(largest) / most) - 14);
    coded.bytes.resize(coded_value_bytes(coding, std::ssize(values)));
    std::byte* scales = coded.bytes.data();
    std::byte* levels = scales + 2 * block_count_of(values.size());
    std::array<std::uint8_t, kScaleBlock + 1> block{};  // a zero follows the last level, in its byte
    for (std::size_t first = 0; first < values.size(); first += kScaleBlock) {
        const std::size_t size = std::min<std::size_t>(kScaleBlock, values.size() - first);
        const float* from = values.data() + first;
        const float peak = largest_magnitude({from, size});
        // What is stored is what is divided by: rounding of the scale costs no accuracy but its own.
        const std::uint16_t half =
            to_half(static_cast<float>(static_cast<double>(peak) / most / coded.scale));
        const double step = static_cast<double>(from_half(half)) * coded.scale;
        *scales++ = static_cast<std::byte>(half & 0xFFU);
        *scales++ = static_cast<std::byte>(half >> 8);
        for (std::size_t i = 0; i < size; ++i)
            block[i] = static_cast<std::uint8_t>(
                step > 0 ? nearest_level(static_cast<double>(from[i]) / step, most) : 0);
        if (coding == ValueCoding::int8) {
            std::memcpy(levels + first, block.data(), size);
            continue;
        }
        block[size] = 0;
        for (std::size_t i = 0; i < size; i += 2)
            levels[(first + i) / 2] = static_cast<std::byte>((block[i] & 0xFU) | (block[i + 1] & 0xFU) << 4);
    }
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
    if (const auto bad = first_not_finite(values))
        throw Error("coefficients", fmt::format("number {} is {}", *bad, values[*bad]));
    CodedValues coded;
    switch (coding) {
        case ValueCoding::f32:
            coded.bytes.resize(values.size_bytes());
            if (!values.empty()) std::memcpy(coded.bytes.data(), values.data(), values.size_bytes());
            return coded;
        case ValueCoding::f16: {
            const float largest = largest_magnitude(values);
            // Halves reach neither far up nor far down; where they do, the numbers are stored as they are.
            if (largest > kLargestHalf || (largest > 0 && largest < kSmallForHalves))
                coded.scale = std::ldexp(1, std::ilogb(largest));
            const double factor = 1 / coded.scale;  // exact
            coded.bytes.resize(2 * values.size());
            std::byte* to = coded.bytes.data();
            for (std::size_t i = 0; i < values.size(); ++i) {
                const std::uint16_t half =
                    to_half(static_cast<float>(static_cast<double>(values[i]) * factor));
                to[2 * i] = static_cast<std::byte>(half & 0xFFU);
                to[2 * i + 1] = static_cast<std::byte>(half >> 8);
            }
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
            values[i] = static_cast<float>(static_cast<double>(from_half(half_at(bytes.data(), i))) * scale);
    } else {
        const auto levels = bytes.subspan(2 * block_count_of(values.size()));
        for (std::size_t first = 0; first < values.size(); first += kScaleBlock) {
            const std::size_t end = std::min<std::size_t>(first + kScaleBlock, values.size());
            const double step =
                static_cast<double>(from_half(half_at(bytes.data(), first / kScaleBlock))) * scale;
            for (std::size_t i = first; i < end; ++i)
                values[i] = static_cast<float>(level_at(coding, levels, i) * step);
        }
    }
    if (const auto bad = first_not_finite(values)) refuse(fmt::format("number {} is not finite", *bad));
    return values;
}

}  // namespace spectral
