// PNG through libpng's simplified interface, which keeps its longjmp to itself.
#include "engine/io/png.hpp"

#include <png.h>

#include <cstring>
#include <string>
#include <string_view>

#include "engine/core/error.hpp"
#include "engine/core/files.hpp"
#include "engine/io/input_file.hpp"

namespace spectral {

bool is_png(const std::filesystem::path& path) { return starts_with(path, "\x89PNG\r\n\x1a\n"); }

void write_png(const std::filesystem::path& path, const Picture& picture) {
    constexpr std::int64_t kMaxPixels = 1'000'000;  // along one side, libpng's own limit
    if (picture.width <= 0 || picture.height <= 0 || picture.width > kMaxPixels ||
        picture.height > kMaxPixels)
        throw Error(path.string(), "a picture needs 1 to 1,000,000 pixels a side");
    if (picture.rgb.size() !=
        3 * static_cast<std::size_t>(picture.width) * static_cast<std::size_t>(picture.height))
        throw Error(path.string(), "the picture has another number of bytes than its size asks for");

    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    image.width = static_cast<png_uint_32>(picture.width);
    image.height = static_cast<png_uint_32>(picture.height);
    image.format = PNG_FORMAT_RGB;
    png_alloc_size_t bytes = PNG_IMAGE_PNG_SIZE_MAX(image);
    std::string contents(bytes, '\0');
    if (png_image_write_to_memory(&image, contents.data(), &bytes, 0, picture.rgb.data(), 0, nullptr) == 0)
        throw Error(path.string(), std::string("cannot be made a PNG: ") + image.message);
    replace_file(path, std::string_view(contents).substr(0, bytes));
}

Picture read_png(std::span<const std::uint8_t> bytes, const MakePicture& make) {
    struct Image : png_image {
        Image() : png_image{} { version = PNG_IMAGE_VERSION; }
        ~Image() { png_image_free(this); }
        Image(const Image&) = delete;
        Image& operator=(const Image&) = delete;
        /// What it warns of, such as an odd colour profile, leaves the pixels whole.
        void require(int done) const {
            if (done == 0)
                throw Error("picture", std::string("is damaged or truncated: ") + message,
                            "Fetch the picture again, or save it anew.");
        }
    } image;
    image.require(png_image_begin_read_from_memory(&image, bytes.data(), bytes.size()));
    image.format = PNG_FORMAT_RGB;
    Picture picture = make(image.width, image.height, 0);
    const png_color black{0, 0, 0};
    image.require(png_image_finish_read(&image, &black, picture.rgb.data(), 0, nullptr));
    return picture;
}

}  // namespace spectral
