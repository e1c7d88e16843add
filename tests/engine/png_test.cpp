// write_png: what libpng reads back is what was painted; impossible pictures and targets are errors.
#include "engine/io/png.hpp"

#include <gtest/gtest.h>
#include <png.h>

#include "engine/core/error.hpp"
#include "sample_model.hpp"

namespace spectral::test {
namespace {

Picture painted(std::int64_t width, std::int64_t height) {
    Random random(5);
    Picture picture{width, height, std::vector<std::uint8_t>(static_cast<std::size_t>(3 * width * height))};
    for (auto& value : picture.rgb) value = static_cast<std::uint8_t>(random.below(256));
    return picture;
}

TEST(Png, RoundTrip) {
    const ScratchFolder folder;
    for (const auto& [width, height] :
         {std::pair{1, 1}, std::pair{3, 1}, std::pair{1, 97}, std::pair{641, 7}}) {
        const Picture picture = painted(width, height);
        write_png(folder / "picture.png", picture);
        png_image image{};
        image.version = PNG_IMAGE_VERSION;
        ASSERT_NE(png_image_begin_read_from_file(&image, (folder / "picture.png").c_str()), 0);
        image.format = PNG_FORMAT_RGB;
        ASSERT_EQ(image.width, picture.width);
        ASSERT_EQ(image.height, picture.height);
        std::vector<std::uint8_t> seen(PNG_IMAGE_SIZE(image));
        ASSERT_NE(png_image_finish_read(&image, nullptr, seen.data(), 0, nullptr), 0);
        EXPECT_EQ(seen, picture.rgb);
    }
}

TEST(Png, Refusals) {
    const ScratchFolder folder;
    EXPECT_THROW(write_png(folder / "picture.png", Picture{}), Error);
    EXPECT_THROW(write_png(folder / "picture.png", Picture{1'000'001, 1, {}}), Error);
    Picture picture = painted(4, 4);
    EXPECT_THROW(write_png("/dev/full", picture), Error);
    EXPECT_THROW(write_png(folder / "none/picture.png", picture), Error);
    picture.rgb.pop_back();
    EXPECT_THROW(write_png(folder / "picture.png", picture), Error);
    EXPECT_FALSE(fs::exists(folder / "picture.png"));
}

}  // namespace
}  // namespace spectral::test
