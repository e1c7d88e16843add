#include "engine/io/image.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "engine/core/error.hpp"
#include "engine/io/jpeg.hpp"

namespace spectral {
namespace {

using Bytes = std::span<const std::uint8_t>;

/// What each of the `side` outputs takes of the inputs from `first` on.
struct Weights {
    std::int64_t first = 0;
    std::vector<double> values;
};

std::vector<Weights> triangle(std::int64_t inputs, std::int64_t outputs) {
    const double scale = static_cast<double>(inputs) / static_cast<double>(outputs);
    const double width = std::max(1.0, scale);
    std::vector<Weights> all(static_cast<std::size_t>(outputs));
    for (std::int64_t i = 0; i < outputs; ++i) {
        const double centre = (static_cast<double>(i) + 0.5) * scale - 0.5;
        const auto first = std::max<std::int64_t>(static_cast<std::int64_t>(std::ceil(centre - width)), 0);
        const auto last = std::min(static_cast<std::int64_t>(std::floor(centre + width)), inputs - 1);
        Weights& weights = all[static_cast<std::size_t>(i)];
        weights.first = first;
        double sum = 0;
        for (std::int64_t n = first; n <= last; ++n) {
            weights.values.push_back(1 - std::abs(centre - static_cast<double>(n)) / width);
            sum += weights.values.back();
        }
        for (double& value : weights.values) value /= sum;
    }
    return all;
}

}  // namespace

bool is_image_name(std::string_view name) {
    const std::size_t dot = name.rfind('.');
    if (dot == std::string_view::npos) return false;
    std::string ending(name.substr(dot + 1));
    for (char& c : ending)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return ending == "png" || ending == "jpg" || ending == "jpeg";
}

Picture read_image(Bytes bytes, MemoryBudget& budget, Reservation& room) {
    const auto make_room = [&](std::int64_t width, std::int64_t height, std::size_t besides) {
        if (width <= 0 || height <= 0) throw Error("picture", "has no pixels", "Leave it out.");
        if (width > kImageMaximumPixels / height)
            throw Error(
                "picture",
                fmt::format("has {} × {} pixels; at most {} can be read", width, height, kImageMaximumPixels),
                "Make it smaller.");
        const auto size = static_cast<std::size_t>(3 * width * height);
        room = budget.reserve(MemoryTag::workspace, size + besides, "picture being read");
        return Picture{width, height, std::vector<std::uint8_t>(size)};
    };
    constexpr std::string_view kPngMagic = "\x89PNG", kJpegMagic = "\xff\xd8";
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (text.starts_with(kPngMagic)) return read_png(bytes, make_room);
    if (text.starts_with(kJpegMagic)) return read_jpeg(bytes, make_room);
    throw Error("picture", bytes.empty() ? "is empty" : "is neither PNG nor JPEG", "Save it as PNG.");
}

std::size_t fitting_bytes(const Picture& picture, std::int64_t side) {
    return static_cast<std::size_t>(std::min(picture.width, picture.height) * side) * 3 * sizeof(double);
}

Picture fitted(const Picture& picture, std::int64_t side) {
    const std::int64_t square = std::min(picture.width, picture.height);
    const std::int64_t left = (picture.width - square) / 2, top = (picture.height - square) / 2;
    const std::vector<Weights> weights = triangle(square, side);
    const auto columns = static_cast<std::size_t>(side);
    // Along x first: square rows of side columns.
    std::vector<double> narrow(static_cast<std::size_t>(square) * columns * 3);
    for (std::int64_t row = 0; row < square; ++row) {
        const std::uint8_t* pixels = picture.rgb.data() + 3 * ((top + row) * picture.width + left);
        double* out = narrow.data() + static_cast<std::size_t>(row) * columns * 3;
        for (const Weights& each : weights)
            for (std::int64_t colour = 0; colour < 3; ++colour) {
                const std::uint8_t* from = pixels + 3 * each.first + colour;
                double sum = 0;
                for (const double weight : each.values) {
                    sum += weight * *from;
                    from += 3;
                }
                *out++ = sum;
            }
    }
    Picture result{side, side, std::vector<std::uint8_t>(columns * columns * 3)};
    auto out = result.rgb.begin();
    for (const Weights& each : weights)
        for (std::size_t i = 0; i < columns * 3; ++i) {
            double sum = 0;
            auto row = static_cast<std::size_t>(each.first);
            for (const double weight : each.values) sum += weight * narrow[row++ * columns * 3 + i];
            *out++ = static_cast<std::uint8_t>(std::clamp(std::floor(sum + 0.5), 0.0, 255.0));
        }
    return result;
}

}  // namespace spectral
