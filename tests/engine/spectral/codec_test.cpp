// Codings of indices and coefficients: exact round trips for what they keep, and damage that is noticed.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "engine/core/error.hpp"
#include "engine/core/half.hpp"
#include "engine/core/random.hpp"
#include "engine/spectral/index_codec.hpp"
#include "engine/spectral/value_codec.hpp"
#include "tests/support/arrays.hpp"
#include "tests/support/failure.hpp"

namespace spectral::test {
namespace {

using Indices = std::vector<std::uint32_t>;

Indices drawn(std::int64_t universe, double density, std::uint64_t seed) {
    Random random(seed);
    Indices indices;
    for (std::int64_t i = 0; i < universe; ++i)
        if (random.uniform() < density) indices.push_back(static_cast<std::uint32_t>(i));
    return indices;
}

TEST(IndexCodec, RoundTripsAndKnowsItsBytes) {
    for (const std::int64_t universe : {0, 1, 7, 8, 9, 1000, 70000}) {
        for (const double density : {0.0, 0.001, 0.05, 0.5, 1.0}) {
            const Indices indices = drawn(universe, density, 1);
            std::size_t least = std::numeric_limits<std::size_t>::max();
            for (const IndexCoding coding : kIndexCodings) {
                SCOPED_TRACE(index_coding_name(coding));
                const std::vector<std::byte> bytes = encode_indices(coding, indices, universe);
                EXPECT_EQ(bytes.size(), coded_index_bytes(coding, indices, universe));
                EXPECT_EQ(decode_indices(coding, bytes, static_cast<std::int64_t>(indices.size()), universe),
                          indices);
                least = std::min(least, bytes.size());
            }
            EXPECT_EQ(coded_index_bytes(smallest_index_coding(indices, universe), indices, universe), least);
        }
    }
}

TEST(IndexCodec, ReachesTheLastOfThirtyTwoBits) {
    const Indices indices{0, 127, 128, 129 + 16384, 0xFFFFFFFE};
    constexpr std::int64_t kUniverse = std::int64_t{1} << 32;
    for (const IndexCoding coding : {IndexCoding::flat, IndexCoding::delta})
        EXPECT_EQ(decode_indices(coding, encode_indices(coding, indices, kUniverse), 5, kUniverse), indices);
    EXPECT_EQ(coded_index_bytes(IndexCoding::delta, indices, kUniverse), 1U + 1 + 1 + 3 + 5);
}

TEST(IndexCodec, RefusesWhatItDidNotWrite) {
    const auto refused = [](IndexCoding coding, std::initializer_list<int> bytes, std::int64_t count,
                            std::int64_t universe) {
        std::vector<std::byte> damaged;
        for (const int byte : bytes) damaged.push_back(static_cast<std::byte>(byte));
        return failure([&] { decode_indices(coding, damaged, count, universe); });
    };
    using enum IndexCoding;
    EXPECT_EQ(refused(flat, {1, 0, 0, 0, 1, 0, 0, 0}, 2, 9), "coded indices: index 1 follows 1");
    EXPECT_EQ(refused(flat, {9, 0, 0, 0}, 1, 9), "coded indices: index 9 lies outside 9");
    EXPECT_EQ(refused(flat, {9, 0, 0}, 1, 99), "coded indices: they have 3 bytes instead of 4");
    EXPECT_EQ(refused(bitmap, {3}, 1, 8), "coded indices: 2 are marked instead of 1");
    EXPECT_EQ(refused(bitmap, {0x80}, 1, 7), "coded indices: index 7 lies outside 7");
    EXPECT_EQ(refused(delta, {0x80}, 1, 99), "coded indices: they end within a distance");
    EXPECT_EQ(refused(delta, {0x80, 0}, 1, 99), "coded indices: a distance is longer than it needs to be");
    EXPECT_EQ(refused(delta, {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1}, 1, 99),
              "coded indices: a distance has more than 32 bits");
    EXPECT_EQ(refused(delta, {0, 0}, 1, 99), "coded indices: 1 bytes are left over");
    EXPECT_EQ(refused(delta, {98, 0}, 2, 99), "coded indices: index 99 lies outside 99");
    EXPECT_EQ(refused(flat, {}, -1, 9), "coded indices: -1 indices below 9 are not in 0 bytes");
    EXPECT_NE(refused(delta, {0}, std::int64_t{1} << 40, std::int64_t{1} << 41).find("are not in 1 bytes"),
              std::string::npos);
}

/// Whatever the bytes are: indices that could have been encoded, or a refusal.
TEST(IndexCodec, SurvivesRandomBytes) {
    Random random(2);
    for (int round = 0; round < 20000; ++round) {
        std::vector<std::byte> bytes(random.below(12));
        for (std::byte& byte : bytes) byte = static_cast<std::byte>(random.below(round % 2 == 0 ? 256 : 4));
        const auto count = static_cast<std::int64_t>(random.below(8));
        const auto universe = static_cast<std::int64_t>(random.below(100));
        const IndexCoding coding = kIndexCodings[random.below(3)];
        try {
            const Indices indices = decode_indices(coding, bytes, count, universe);
            EXPECT_EQ(encode_indices(coding, indices, universe), bytes);
        } catch (const Error&) {
        }
    }
}

TEST(ValueCodec, KeepsWhatItsBitsHold) {
    for (const std::int64_t count : {0, 1, 63, 64, 65, 2001}) {
        for (const double size : {1e-30, 1e-3, 1.0, 1e3, 1e30}) {
            const std::vector<float> values = normal_values(count, 3, size);
            for (const ValueCoding coding : kValueCodings) {
                SCOPED_TRACE(value_coding_name(coding));
                const CodedValues coded = encode_values(coding, values);
                EXPECT_EQ(coded.bytes.size(), coded_value_bytes(coding, count));
                const std::vector<float> back = decode_values(coding, coded.scale, coded.bytes, count);
                // The numbers' own rounding: nothing, 2⁻¹¹ of each, or half a step of the block's largest.
                const double bound = coding == ValueCoding::f32    ? 0
                                     : coding == ValueCoding::f16  ? 1e-6
                                     : coding == ValueCoding::int8 ? 5e-4
                                                                   : 0.1;
                const std::vector<double> expected(values.begin(), values.end());
                EXPECT_LE(relative_energy_error(back, expected), bound);
                // What was decoded is exact: it codes to the same values again.
                const CodedValues again = encode_values(coding, back);
                EXPECT_EQ(decode_values(coding, again.scale, again.bytes, count), back);
            }
        }
    }
}

TEST(ValueCodec, ZerosStayZeros) {
    const std::vector<float> zeros(101);
    for (const ValueCoding coding : kValueCodings) {
        const CodedValues coded = encode_values(coding, zeros);
        EXPECT_EQ(decode_values(coding, coded.scale, coded.bytes, 101), zeros);
    }
}

TEST(ValueCodec, RefusesWhatItDidNotWrite) {
    EXPECT_EQ(failure([] {
                  encode_values(ValueCoding::int8, std::vector<float>{1, NAN});
              }),
              "coefficients: number 1 is nan");
    const std::vector<std::byte> infinity{std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0x7C}};
    EXPECT_EQ(failure([&] { decode_values(ValueCoding::f16, 1, infinity, 2); }),
              "coded coefficients: number 1 is not finite");
    EXPECT_EQ(failure([&] { decode_values(ValueCoding::f16, 1, infinity, 3); }),
              "coded coefficients: 3 numbers as f16 are not in 4 bytes");
    EXPECT_EQ(failure([&] { decode_values(ValueCoding::int8, -1, infinity, 2); }),
              "coded coefficients: a scale of -1");
    EXPECT_NE(failure([&] {
                  decode_values(ValueCoding::int4, 1, infinity, std::int64_t{1} << 60);
              }).find("are not in 4 bytes"),
              std::string::npos);
}

TEST(Half, RoundsToTheNearestEven) {
    EXPECT_EQ(to_half(1.0F), 0x3C00);
    EXPECT_EQ(from_half(0x3C01), 1 + 0x1p-10F);
    EXPECT_EQ(to_half(1 + 0x1p-11F), 0x3C00);
    EXPECT_EQ(to_half(1 + 0x3p-11F), 0x3C02);
    EXPECT_EQ(to_half(kLargestHalf), 0x7BFF);
    EXPECT_EQ(from_half(1), 0x1p-24F);
}

/// Against the compiler's type: every half, and between every two neighbours the floats beside each and in
/// the middle.
TEST(Half, IsTheCompilersOwn) {
    const auto expected = [](float value) {
        return std::bit_cast<std::uint16_t>(static_cast<_Float16>(value));
    };
    for (std::uint32_t bits = 0; bits < 1U << 16; ++bits) {
        const auto half = static_cast<std::uint16_t>(bits);
        const auto value = static_cast<float>(std::bit_cast<_Float16>(half));
        ASSERT_EQ(std::isnan(from_half(half)), std::isnan(value)) << bits;
        if (std::isnan(value)) continue;
        ASSERT_EQ(std::bit_cast<std::uint32_t>(from_half(half)), std::bit_cast<std::uint32_t>(value)) << bits;
        const std::uint32_t whole = std::bit_cast<std::uint32_t>(value);
        for (const std::uint32_t more : {0U, 1U, 0xFFFU, 0x1000U, 0x1001U, 0x1FFFU}) {
            const auto between = std::bit_cast<float>(whole + more);
            if (std::isnan(between)) continue;
            ASSERT_EQ(to_half(between), expected(between)) << between;
        }
    }
    for (std::uint32_t bits = 0; bits < 0x39000000U; bits += 0x357U) {  // below the smallest normal half
        const auto small = std::bit_cast<float>(bits);
        ASSERT_EQ(to_half(-small), expected(-small)) << small;
    }
    for (const float large : {65519.99F, 65520.0F, 65536.0F, 1e30F, INFINITY, -INFINITY})
        EXPECT_EQ(to_half(large), expected(large)) << large;
    EXPECT_TRUE(std::isnan(from_half(to_half(NAN))));
}

}  // namespace
}  // namespace spectral::test
