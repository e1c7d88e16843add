// Cases of convolution, directly and in tiles, and of pooling.
#include <fmt/format.h>

#include "engine/profile/op_case.hpp"
#include "engine/spectral/convolution.hpp"
#include "kernels/ops/convolution.hpp"
#include "kernels/ops/pooling.hpp"

namespace spectral::op_case {

namespace {

struct Images {
    std::shared_ptr<Inputs> inputs;
    ConvolutionShape shape;
    SignalShape tile;

    Images(Device device, const Json& sizes) : inputs(std::make_shared<Inputs>(device)) {
        const std::int64_t side = size_of(sizes, "side"), kernel = size_of(sizes, "kernel"),
                           channels = size_of(sizes, "channels"), before = (kernel - 1) / 2;
        shape = {2,
                 size_of(sizes, "images"),
                 channels,
                 channels,
                 {side, side},
                 {kernel, kernel},
                 {side, side},
                 {before, before}};
        tile = convolution_tile(shape);
    }

    std::string text() const {
        return fmt::format("{3} of {0} × {0} by {1} × {1}, {2} to {2} channels", shape.input[0],
                           shape.kernel[0], shape.in_channels, shape.images);
    }
    const float* image() const {
        return inputs->normal(shape.images * shape.in_channels * shape.input_size(), 1);
    }
    const float* kernels() const { return inputs->normal(weights(), 2); }
    std::int64_t weights() const { return shape.in_channels * shape.out_channels * shape.kernel_size(); }
    std::int64_t values() const { return shape.images * shape.out_channels * shape.output_size(); }
    int threads() const { return inputs->device().backend.threads(); }
};

template <class Op, class Value>
OpCase make_case(const Images& image, const Op& op, const Value* result, std::int64_t size) {
    return {image.text(),
            op.cost(),
            {},
            [image, op](Level level) { image.inputs->device().backend.run(op, level); },
            [image, result, size] { return image.inputs->host(result, size); }};
}

OpCase convolve(Device device, const Json& sizes) {
    const Images image(device, sizes);
    const Convolve op{image.shape, image.image(), image.kernels(), image.inputs->zeros(image.values())};
    return make_case(image, op, op.y, image.values());
}

OpCase convolve_weight_gradient(Device device, const Json& sizes) {
    const Images image(device, sizes);
    const ConvolveWeightGradient op{image.shape, image.image(), image.inputs->normal(image.values(), 3),
                                    image.inputs->zeros(image.weights()),
                                    image.inputs->zeros(image.shape.out_channels)};
    return make_case(image, op, op.dw, image.weights());
}

ConvolutionSpectrum spectrum_of(const Images& image) {
    Inputs& inputs = *image.inputs;
    return {image.shape, image.tile, image.kernels(),
            inputs.complex_zeros(ConvolutionSpectrum::spectrum_size(image.shape, image.tile)),
            inputs.complex_zeros(ConvolutionSpectrum::scratch_size(image.tile, image.threads()))};
}

OpCase convolution_spectrum(Device device, const Json& sizes) {
    const Images image(device, sizes);
    const ConvolutionSpectrum op = spectrum_of(image);
    return make_case(image, op, op.spectrum, image.tile.size());
}

OpCase tiled_convolve(Device device, const Json& sizes) {
    const Images image(device, sizes);
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

PoolShape pool_shape(const Json& sizes) {
    const std::int64_t side = size_of(sizes, "side"), window = size_of(sizes, "window"),
                       stride = size_of(sizes, "stride");
    return {2, size_of(sizes, "planes"), {side, side}, {window, window}, {stride, stride}};
}

std::string pool_text(const PoolShape& s) {
    return fmt::format("{0} of {1} × {1}, windows of {2} × {2} every {3}", s.planes, s.input[0], s.window[0],
                       s.stride[0]);
}

OpCase max_pool(Device device, const Json& sizes) {
    const auto inputs = std::make_shared<Inputs>(device);
    const PoolShape shape = pool_shape(sizes);
    const std::int64_t values = shape.planes * shape.output_size();
    const MaxPool op{
        shape, inputs->normal(shape.planes * shape.input_size(), 1), inputs->zeros(values),
        static_cast<std::uint32_t*>(inputs->bytes(static_cast<std::size_t>(values) * sizeof(std::uint32_t)))};
    return simple(inputs, pool_text(shape), op, op.y, values);
}

OpCase max_pool_backward(Device device, const Json& sizes) {
    const auto inputs = std::make_shared<Inputs>(device);
    const PoolShape shape = pool_shape(sizes);
    const std::int64_t values = shape.planes * shape.output_size(),
                       samples = shape.planes * shape.input_size();
    auto* place =
        static_cast<std::uint32_t*>(inputs->bytes(static_cast<std::size_t>(values) * sizeof(std::uint32_t)));
    device.backend.run(MaxPool{shape, inputs->normal(samples, 1), inputs->zeros(values), place});
    const MaxPoolBackward op{shape, place, inputs->normal(values, 2), inputs->zeros(samples)};
    return simple(inputs, pool_text(shape), op, op.dx, samples);
}

OpCase average_pool(Device device, const Json& sizes) {
    const auto inputs = std::make_shared<Inputs>(device);
    const PoolShape shape = pool_shape(sizes);
    const std::int64_t values = shape.planes * shape.output_size();
    const AveragePool op{shape, inputs->normal(shape.planes * shape.input_size(), 1), inputs->zeros(values)};
    return simple(inputs, pool_text(shape), op, op.y, values);
}

OpCase average_pool_backward(Device device, const Json& sizes) {
    const auto inputs = std::make_shared<Inputs>(device);
    const PoolShape shape = pool_shape(sizes);
    const std::int64_t samples = shape.planes * shape.input_size();
    const AveragePoolBackward op{shape, inputs->normal(shape.planes * shape.output_size(), 2),
                                 inputs->zeros(samples)};
    return simple(inputs, pool_text(shape), op, op.dx, samples);
}

}  // namespace

std::vector<OpCaseInfo> convolution_cases() {
    const auto sizes = [](std::int64_t images, std::int64_t side, std::int64_t kernel,
                          std::int64_t channels) {
        return Schema{size_field("images", images, 1 << 16), size_field("side", side, 1 << 14),
                      size_field("kernel", kernel, 1 << 12), size_field("channels", channels, 1 << 10)};
    };
    const Schema pool{size_field("planes", 512, 1 << 20), size_field("side", 56, 1 << 14),
                      size_field("window", 2, 1 << 12), size_field("stride", 2, 1 << 12)};
    return {{"convolve", sizes(4, 56, 3, 16), convolve},
            {"convolve_weight_gradient", sizes(4, 56, 3, 16), convolve_weight_gradient},
            {"convolution_spectrum", sizes(1, 512, 31, 1), convolution_spectrum},
            {"tiled_convolve", sizes(1, 512, 31, 1), tiled_convolve},
            {"max_pool", pool, max_pool},
            {"max_pool_backward", pool, max_pool_backward},
            {"average_pool", pool, average_pool},
            {"average_pool_backward", pool, average_pool_backward}};
}

}  // namespace spectral::op_case
