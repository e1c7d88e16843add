// Complex coefficients as bytes, real and imaginary parts in turn, little-endian: f32, f16, or whole numbers
// of eight or four bits times a scale for every block of kScaleBlock parts. A block's scale is a
// half-precision multiple of the tensor's, a power of two: the size of the numbers does not matter.
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

/// Real parts that share a scale.
inline constexpr std::int64_t kScaleBlock = 64;

/// Bytes of `count` coefficients, scales included. The tensor's own scale is not among them.
std::size_t coded_value_bytes(ValueCoding coding, std::int64_t count);

struct CodedValues {
    double scale = 1;  ///< of the tensor, a power of two; 1 for f32 and f16
    std::vector<std::byte> bytes;
};

/// Finite values. Throws Error where f16 does not reach one.
CodedValues encode_values(ValueCoding coding, std::span<const Complex> values);
/// Throws Error where the bytes are not those of `count` coefficients, or give a value that is not finite.
std::vector<Complex> decode_values(ValueCoding coding, double scale, std::span<const std::byte> bytes,
                                   std::int64_t count);

}  // namespace spectral
