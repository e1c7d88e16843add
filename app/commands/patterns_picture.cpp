#include "app/commands/patterns_picture.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "engine/core/error.hpp"
#include "engine/io/png.hpp"

namespace spectral::app {

namespace {

constexpr std::int64_t kWidth = 1200, kMargin = 12, kRowPixels = 24, kMaxStripPixels = 480;

/// value in [−1, 1]: blue, white, red.
std::array<std::uint8_t, 3> diverging(float value) {
    constexpr std::array<std::array<float, 3>, 3> kColours{{{33, 102, 172}, {247, 247, 247}, {178, 24, 43}}};
    const float position = (std::clamp(value, -1.0F, 1.0F) + 1) * 0.9999F;
    const auto index = static_cast<std::size_t>(position);
    const float fraction = position - static_cast<float>(index);
    std::array<std::uint8_t, 3> result{};
    for (std::size_t c = 0; c < 3; ++c)
        result[c] = static_cast<std::uint8_t>(
            std::lround(kColours[index][c] + fraction * (kColours[index + 1][c] - kColours[index][c])));
    return result;
}

/// The 99th percentile of the magnitudes: one outlier must not turn the rest white.
float colour_range(std::vector<float> values) {
    for (float& value : values) value = std::isfinite(value) ? std::abs(value) : 0;
    const auto at = values.begin() + static_cast<std::ptrdiff_t>(values.size() * 99 / 100);
    std::nth_element(values.begin(), at, values.end());
    return *at > 0 ? *at : 1;
}

void paint(Picture& picture, std::int64_t top, std::int64_t height, const HostTensor& matrix) {
    const std::int64_t rows = matrix.shape[0], columns = matrix.shape[1], width = kWidth - 2 * kMargin;
    const float range = colour_range(matrix.values);
    for (std::int64_t y = 0; y < height; ++y) {
        for (std::int64_t x = 0; x < width; ++x) {
            const std::int64_t row = y * rows / height, column = x * columns / width;
            const auto colour =
                diverging(matrix.values[static_cast<std::size_t>(row * columns + column)] / range);
            std::ranges::copy(colour, picture.rgb.begin() + 3 * ((top + y) * kWidth + kMargin + x));
        }
    }
}

}  // namespace

void write_patterns_picture(const ModelFile& file, const std::string& path) {
    std::vector<const HostTensor*> matrices;
    std::int64_t height = kMargin;
    const auto strip = [](const HostTensor& m) { return std::min(m.shape[0] * kRowPixels, kMaxStripPixels); };
    for (const LayerRecord& layer : file.layers) {
        for (const NamedTensor& each : layer.tensors) {
            if (each.tensor.shape.rank() != 2 || each.tensor.shape.size() == 0) continue;
            matrices.push_back(&each.tensor);
            height += strip(each.tensor) + kMargin;
        }
    }
    require(!matrices.empty(), "patterns picture", "the model has no matrix to show");
    Picture picture{kWidth, height,
                    std::vector<std::uint8_t>(static_cast<std::size_t>(3 * kWidth * height), 255)};
    std::int64_t top = kMargin;
    for (const HostTensor* matrix : matrices) {
        paint(picture, top, strip(*matrix), *matrix);
        top += strip(*matrix) + kMargin;
    }
    write_png(path, picture);
}

}  // namespace spectral::app
