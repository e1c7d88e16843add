// Pictures from outside: what write_png() wrote comes back, damage is told of, and fitting is its definition.
// JPEG against a writer of its own: tests/cli/test_datasets.py.
#include "engine/io/image.hpp"

#include <gtest/gtest.h>
#include <jpeglib.h>  // needs FILE, which the header above knows

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <set>

#include "engine/core/random.hpp"
#include "engine/data/split.hpp"
#include "tests/engine/sample_model.hpp"
#include "tests/support/failure.hpp"

namespace spectral::test {
namespace {

Picture noise(std::int64_t width, std::int64_t height) {
    Picture picture{width, height, std::vector<std::uint8_t>(static_cast<std::size_t>(3 * width * height))};
    Random random(9);
    for (std::uint8_t& value : picture.rgb) value = static_cast<std::uint8_t>(random.next());
    return picture;
}

Picture read(const std::string& bytes, MemoryBudget& budget) {
    Reservation room;
    return read_image({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}, budget, room);
}

TEST(Images, WhatWasWrittenComesBack) {
    const ScratchFolder folder;
    MemoryBudget budget;
    for (const auto& [width, height] :
         std::vector<std::pair<std::int64_t, std::int64_t>>{{1, 1}, {1, 17}, {13, 1}, {31, 29}}) {
        const Picture picture = noise(width, height);
        write_png(folder / "some.png", picture);
        const std::string bytes = file_bytes(folder / "some.png");
        const Picture found = read(bytes, budget);
        EXPECT_EQ(found.width, width);
        EXPECT_EQ(found.height, height);
        EXPECT_EQ(found.rgb, picture.rgb);
        for (std::size_t length = 0; length + 12 < bytes.size(); length += 5)
            EXPECT_NE(failure([&] { read(bytes.substr(0, length), budget); }), "nothing was thrown")
                << length;
        MemoryBudget small(static_cast<std::size_t>(3 * width * height) - 1);
        EXPECT_THROW(read(bytes, small), OutOfMemory);
    }
}

std::string jpeg(int width, int height, bool progressive) {
    jpeg_compress_struct info{};
    jpeg_error_mgr errors{};
    info.err = jpeg_std_error(&errors);
    jpeg_create_compress(&info);
    unsigned char* bytes = nullptr;
    unsigned long size = 0;
    jpeg_mem_dest(&info, &bytes, &size);
    info.image_width = static_cast<JDIMENSION>(width);
    info.image_height = static_cast<JDIMENSION>(height);
    info.input_components = 3;
    info.in_color_space = JCS_RGB;
    jpeg_set_defaults(&info);
    if (progressive) jpeg_simple_progression(&info);
    jpeg_start_compress(&info, TRUE);
    std::vector<unsigned char> row(static_cast<std::size_t>(3 * width), 100);
    for (int y = 0; y < height; ++y) {
        JSAMPROW rows = row.data();
        jpeg_write_scanlines(&info, &rows, 1);
    }
    jpeg_finish_compress(&info);
    std::string text(reinterpret_cast<const char*>(bytes), size);
    jpeg_destroy_compress(&info);
    std::free(bytes);
    return text;
}

TEST(Images, CoefficientsOfSeveralScansAreCounted) {
    // Colours at half the resolution: Y has 5 × 3 blocks, in whole units 6 × 4, and each colour 3 × 2.
    constexpr std::size_t kPixels = std::size_t{3} * 40 * 24, kCoefficients = (6 * 4 + 2 * 3 * 2) * 64 * 2;
    for (const bool progressive : {false, true}) {
        const std::string bytes = jpeg(40, 24, progressive);
        const std::size_t least = kPixels + (progressive ? kCoefficients : 0);
        MemoryBudget enough(least), small(least - 1);
        EXPECT_EQ(read(bytes, enough).rgb, std::vector<std::uint8_t>(kPixels, 100));
        EXPECT_THROW(read(bytes, small), OutOfMemory);
    }
    MemoryBudget wide;
    EXPECT_EQ(read(jpeg(6001, 1203, true), wide).width, 6001);
}

TEST(Images, NamesAreToldByTheirEnding) {
    for (const char* name : {"a.png", "b/c.JPG", "d.e.JpEg"}) EXPECT_TRUE(is_image_name(name)) << name;
    for (const char* name : {"", "png", "a.gif", "a.png.txt", "a."})
        EXPECT_FALSE(is_image_name(name)) << name;
}

TEST(Images, FittingIsItsDefinition) {
    for (const auto& [width, height, side] : std::vector<std::array<std::int64_t, 3>>{
             {1, 1, 1}, {1, 1, 5}, {7, 7, 7}, {13, 29, 5}, {29, 13, 31}, {64, 64, 1}, {11, 12, 3}}) {
        SCOPED_TRACE(side);
        const Picture picture = noise(width, height);
        const Picture found = fitted(picture, side);
        ASSERT_EQ(std::ssize(found.rgb), 3 * side * side);
        const std::int64_t square = std::min(width, height), left = (width - square) / 2,
                           top = (height - square) / 2;
        const double scale = static_cast<double>(square) / static_cast<double>(side);
        const auto weight = [&](std::int64_t i, std::int64_t n) {
            const double t = (static_cast<double>(i) + 0.5) * scale - 0.5 - static_cast<double>(n);
            return std::max(0.0, 1 - std::abs(t) / std::max(1.0, scale));
        };
        for (std::int64_t y = 0; y < side; ++y)
            for (std::int64_t x = 0; x < side; ++x)
                for (std::int64_t colour = 0; colour < 3; ++colour) {
                    double sum = 0, weights = 0;
                    for (std::int64_t v = 0; v < square; ++v)
                        for (std::int64_t u = 0; u < square; ++u) {
                            const double w = weight(y, v) * weight(x, u);
                            weights += w;
                            sum += w * picture.rgb[static_cast<std::size_t>(
                                           3 * ((top + v) * width + left + u) + colour)];
                        }
                    EXPECT_NEAR(found.rgb[static_cast<std::size_t>(3 * (y * side + x) + colour)],
                                sum / weights, 0.5001);
                }
        if (square == side) {
            EXPECT_EQ(found.rgb[0], picture.rgb[static_cast<std::size_t>(3 * (top * width + left))]);
        }
    }
}

TEST(Splits, AreStableAndOfTheShare) {
    std::int64_t kept = 0;
    for (int i = 0; i < 2000; ++i) {
        const std::string name = "class/" + std::to_string(i) + ".png";
        kept += hashed_to_test(name, 0.2);
        EXPECT_LE(hashed_to_test(name, 0.1), hashed_to_test(name, 0.2));  // a larger share keeps what it had
    }
    EXPECT_NEAR(static_cast<double>(kept), 400, 60);
    for (const std::int64_t count : {2, 3, 10, 97})
        for (const double share : {0.001, 0.1, 0.5, 0.9}) {
            const std::vector<std::uint32_t> rows = draw_test_rows(count, share);
            EXPECT_TRUE(std::is_sorted(rows.begin(), rows.end()));
            EXPECT_EQ(std::set(rows.begin(), rows.end()).size(), rows.size());
            EXPECT_LT(rows.back(), count);
            const auto expected = std::llround(share * static_cast<double>(count));
            EXPECT_EQ(std::ssize(rows), std::clamp<std::int64_t>(expected, 1, count - 1));
            EXPECT_EQ(rows, draw_test_rows(count, share));
        }
}

}  // namespace
}  // namespace spectral::test
