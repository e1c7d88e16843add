// Numbers as bytes, little-endian: f32, f16, or whole numbers of eight or four bits times a scale for every
// block of kScaleBlock of them. A block's scale is a half-precision multiple of the list's, a power of two:
// the size of the numbers does not matter. Complex ones are their real and imaginary parts in turn.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "kernels/types.hpp"

namespace spectral {

enum class ValueCoding { f32, f16, int8, int4 };
inline constexpr ValueCoding kValueCodings[] = {ValueCoding::f32, ValueCoding::f16, ValueCoding::int8,
                                                ValueCoding::int4};
std::string_view value_coding_name(ValueCoding coding);

/// Numbers that share a scale.
inline constexpr std::int64_t kScaleBlock = 64;

/// Steps from zero to the largest number of a block; 0 for codings without blocks.
int coding_levels(ValueCoding coding);

/// Bytes of `count` numbers, scales included. The list's own scale is not among them.
std::size_t coded_value_bytes(ValueCoding coding, std::int64_t count);

struct CodedValues {
    double scale = 1;  ///< of the list, a power of two; 1 for f32, and for f16 where halves reach the numbers
    std::vector<std::byte> bytes;
};

/// Throws Error where one is not finite.
CodedValues encode_values(ValueCoding coding, std::span<const float> values);
/// Throws Error where the bytes are not those of `count` numbers, or give one that is not finite.
std::vector<float> decode_values(ValueCoding coding, double scale, std::span<const std::byte> bytes,
                                 std::int64_t count);

inline std::span<const float> parts_of(std::span<const Complex> values) {
    return {reinterpret_cast<const float*>(values.data()), 2 * values.size()};
}

}  // namespace spectral
