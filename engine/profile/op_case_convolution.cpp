// Cases of convolution: an image of one channel, directly and in tiles.
#include <fmt/format.h>

#include "engine/profile/op_case.hpp"
#include "engine/spectral/convolution.hpp"
#include "kernels/ops/convolution.hpp"

namespace spectral::op_case {

namespace {

struct Image {
    std::shared_ptr<Inputs> inputs;
    ConvolutionShape shape;
    SignalShape tile;

    Image(Device device, const Json& sizes) : inputs(std::make_shared<Inputs>(device)) {
        const std::int64_t side = size_of(sizes, "side"), kernel = size_of(sizes, "kernel"),
                           channels = size_of(sizes, "channels"), before = (kernel - 1) / 2;
        shape = {2, 1, channels, channels, {side, side}, {kernel, kernel}, {side, side}, {before, before}};
        tile = convolution_tile(shape);
    }

    std::string text() const {
        return fmt::format("{0} × {0} by {1} × {1}, {2} to {2} channels", shape.input[0], shape.kernel[0],
                           shape.in_channels);
    }
    const float* image() const { return inputs->normal(shape.in_channels * shape.input_size(), 1); }
    const float* kernels() const {
        return inputs->normal(shape.in_channels * shape.out_channels * shape.kernel_size(), 2);
    }
    std::int64_t values() const { return shape.out_channels * shape.output_size(); }
    int threads() const { return inputs->device().backend.threads(); }
};

template <class Op, class Value>
OpCase make_case(const Image& image, const Op& op, const Value* result, std::int64_t size) {
    return {image.text(),
            op.cost(),
            {},
            [image, op](Level level) { image.inputs->device().backend.run(op, level); },
            [image, result, size] { return image.inputs->host(result, size); }};
}

OpCase convolve(Device device, const Json& sizes) {
    const Image image(device, sizes);
    const Convolve op{image.shape, image.image(), image.kernels(), image.inputs->zeros(image.values())};
    return make_case(image, op, op.y, image.values());
}

ConvolutionSpectrum spectrum_of(const Image& image) {
    Inputs& inputs = *image.inputs;
    return {image.shape, image.tile, image.kernels(),
            inputs.complex_zeros(ConvolutionSpectrum::spectrum_size(image.shape, image.tile)),
            inputs.complex_zeros(ConvolutionSpectrum::scratch_size(image.tile, image.threads()))};
}

OpCase convolution_spectrum(Device device, const Json& sizes) {
    const Image image(device, sizes);
    const ConvolutionSpectrum op = spectrum_of(image);
    return make_case(image, op, op.spectrum, image.tile.size());
}

OpCase tiled_convolve(Device device, const Json& sizes) {
    const Image image(device, sizes);
    const ConvolutionSpectrum spectrum = spectrum_of(image);
    device.backend.run(spectrum);
    const TiledConvolve op{
        image.shape,
        image.tile,
        image.image(),
        spectrum.spectrum,
        image.inputs->zeros(image.values()),
        image.inputs->complex_zeros(TiledConvolve::scratch_size(image.shape, image.tile, image.threads()))};
    return make_case(image, op, op.y, image.values());
}

}  // namespace

std::vector<OpCaseInfo> convolution_cases() {
    const auto sizes = [](std::int64_t side, std::int64_t kernel) {
        return Schema{size_field("side", side, 1 << 14), size_field("kernel", kernel, 1 << 12),
                      size_field("channels", 1, 1 << 10)};
    };
    return {{"convolve", sizes(256, 15), convolve},
            {"convolution_spectrum", sizes(512, 31), convolution_spectrum},
            {"tiled_convolve", sizes(512, 31), tiled_convolve}};
}

}  // namespace spectral::op_case
