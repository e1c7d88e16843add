#include "engine/spectral/convolution.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace spectral {

namespace {

constexpr const char* kHolder = "convolution";

std::size_t axes(const ConvolutionShape& shape) { return static_cast<std::size_t>(shape.rank); }

/// Extents for a tile of at least `kernel` samples, no larger than what the whole output needs in one tile.
std::vector<std::int64_t> tile_extents(std::int64_t kernel, std::int64_t output) {
    const std::int64_t whole = output + kernel - 1;
    std::vector<std::int64_t> result;
    for (std::int64_t extent = 1;; extent = extent == 128 ? 160 : 2 * extent) {
        if (extent < kernel) continue;
        result.push_back(extent);
        if (extent >= whole) return result;
    }
}

bool is_power_of_two(std::int64_t extent) { return (extent & (extent - 1)) == 0; }

/// Operations of a transform, weighted by how fast FFTW was measured to be: the axes but the last are cheap
/// as powers of two, the last one as a multiple of 160, and beyond the second-level cache all of it takes
/// longer.
double weighted_transform(const SignalShape& tile) {
    constexpr std::int64_t kCached = 1 << 17;
    const auto size = static_cast<double>(tile.size());
    const auto last = static_cast<std::size_t>(tile.rank - 1);
    double operations = 5 * size * std::log2(std::max(size, 2.0));
    if (is_power_of_two(tile.extent[last])) operations *= 1.15;
    if (!std::all_of(tile.extent.begin(), tile.extent.begin() + last, is_power_of_two)) operations *= 1.5;
    return tile.size() > kCached ? 2 * operations : operations;
}

/// On one thread, as measured; tests/bench/README.md has the figures.
double milliseconds_in_tiles(const ConvolutionShape& shape, const SignalShape& tile) {
    constexpr double kTransforms = 40e6, kProducts = 7.5e6;  // operations in a millisecond
    const auto in = static_cast<double>(shape.in_channels), out = static_cast<double>(shape.out_channels);
    return static_cast<double>(TiledConvolve::pairs(shape, tile)) *
           ((in + out) * weighted_transform(tile) / kTransforms +
            8 * in * out * static_cast<double>(tile.size()) / kProducts);
}

double milliseconds_directly(const ConvolutionShape& shape) {
    // The library fills its vectors with channels, sixteen at most.
    const auto channels = static_cast<double>(std::clamp<std::int64_t>(shape.in_channels, 1, 16));
    return Convolve{.shape = shape}.cost().flops / (7e6 * channels);
}

Tensor complex_values(Device device, std::int64_t size) {
    return {device, MemoryTag::workspace, {size}, kHolder, DType::complex64};
}

Tensor spectrum_of(Device device, const ConvolutionShape& shape, const SignalShape& tile, const Tensor& w) {
    Tensor spectrum = complex_values(device, ConvolutionSpectrum::spectrum_size(shape, tile));
    const Tensor scratch =
        complex_values(device, ConvolutionSpectrum::scratch_size(tile, device.backend.threads()));
    device.backend.run(
        ConvolutionSpectrum{shape, tile, w.data(), spectrum.complex_data(), scratch.complex_data()});
    return spectrum;
}

}  // namespace

ConvolutionShape convolution_shape(const Shape& x, const Shape& w, Padding padding, KernelOrder order) {
    const auto refuse = [&](const char* why) {
        throw Error("convolution", fmt::format("{} by {}: {}", x.text(), w.text(), why),
                    "give images × channels × space and output channels × channels × space");
    };
    const int rank = x.rank() - 2;
    if (rank < 1 || rank > kMaxConvolutionRank) refuse("there are not one to three axes of space");
    if (w.rank() != x.rank()) refuse("the kernel has other axes");
    if (w[1] != x[1]) refuse("the channels differ");
    ConvolutionShape shape;
    shape.rank = rank;
    shape.images = x[0];
    shape.in_channels = x[1];
    shape.out_channels = w[0];
    shape.flipped = order == KernelOrder::convolution;
    for (int axis = 0; axis < rank; ++axis) {
        const auto a = static_cast<std::size_t>(axis);
        const std::int64_t n = shape.input[a] = x[axis + 2], k = shape.kernel[a] = w[axis + 2];
        if (n == 0 || k == 0) refuse("an axis is empty");
        switch (padding) {
            case Padding::full:
                shape.output[a] = n + k - 1;
                shape.before[a] = k - 1;
                break;
            case Padding::same:
                // Of an even kernel the one sample more lies behind; from the other end, in front.
                shape.output[a] = n;
                shape.before[a] = shape.flipped ? k - 1 - (k - 1) / 2 : (k - 1) / 2;
                break;
            case Padding::valid:
                if (k > n) refuse("the kernel is larger than the image");
                shape.output[a] = n - k + 1;
                shape.before[a] = 0;
                break;
        }
    }
    return shape;
}

ConvolutionShape input_gradient_shape(const ConvolutionShape& shape) {
    ConvolutionShape result = shape;
    std::swap(result.in_channels, result.out_channels);
    std::swap(result.input, result.output);
    result.flipped = !shape.flipped;
    result.swapped = !shape.swapped;
    for (std::size_t axis = 0; axis < axes(shape); ++axis)
        result.before[axis] = shape.kernel[axis] - 1 - shape.before[axis];
    return result;
}

ConvolutionShape kernel_gradient_shape(const ConvolutionShape& shape) {
    ConvolutionShape result = shape;
    result.in_channels = 1;
    result.output = shape.kernel;
    result.flipped = result.swapped = false;
    if (shape.flipped) {
        result.images = shape.out_channels;
        result.out_channels = shape.in_channels;
        result.input = shape.output;
        result.kernel = shape.input;
        for (std::size_t axis = 0; axis < axes(shape); ++axis)
            result.before[axis] = shape.kernel[axis] - 1 - shape.before[axis];
        return result;
    }
    result.images = shape.in_channels;
    result.out_channels = shape.out_channels;
    result.kernel = shape.output;
    return result;
}

SignalShape convolution_tile(const ConvolutionShape& shape) {
    std::array<std::vector<std::int64_t>, kMaxConvolutionRank> extents{{{1}, {1}, {1}}};
    for (std::size_t axis = 0; axis < axes(shape); ++axis)
        extents[axis] = tile_extents(shape.kernel[axis], shape.output[axis]);
    SignalShape best;
    double least = std::numeric_limits<double>::infinity();
    for (const std::int64_t a : extents[0])
        for (const std::int64_t b : extents[1])
            for (const std::int64_t c : extents[2]) {
                const SignalShape tile{shape.rank, {a, b, c}};
                const double time = milliseconds_in_tiles(shape, tile);
                if (time >= least) continue;
                least = time;
                best = tile;
            }
    return best;
}

ConvolutionRoute convolution_route(const ConvolutionShape& shape) {
    constexpr std::int64_t kSmall = 7;
    if (std::all_of(shape.kernel.begin(), shape.kernel.begin() + shape.rank,
                    [](std::int64_t extent) { return extent <= kSmall; }))
        return ConvolutionRoute::direct;
    return milliseconds_directly(shape) <= milliseconds_in_tiles(shape, convolution_tile(shape))
               ? ConvolutionRoute::direct
               : ConvolutionRoute::tiles;
}

Convolution::Convolution(Device device, const Tensor& w, Padding padding, KernelOrder order,
                         std::optional<ConvolutionRoute> route)
    : device_(device), w_(w), padding_(padding), order_(order), route_(route) {}

Tensor Convolution::operator()(const Tensor& x) {
    const ConvolutionShape shape = convolution_shape(x.shape(), w_.shape(), padding_, order_);
    std::vector<std::int64_t> extents{shape.images, shape.out_channels};
    extents.insert(extents.end(), shape.output.begin(), shape.output.begin() + shape.rank);
    Tensor y(device_, MemoryTag::activations, Shape(extents), kHolder);
    run(x, y);
    return y;
}

void Convolution::run(const Tensor& x, const Tensor& y) {
    const ConvolutionShape shape = convolution_shape(x.shape(), w_.shape(), padding_, order_);
    require(y.size() == shape.images * shape.out_channels * shape.output_size(), "convolution",
            "the result has another size");
    Backend& backend = device_.backend;
    if (route_.value_or(convolution_route(shape)) == ConvolutionRoute::direct) {
        backend.run(Convolve{shape, x.data(), w_.data(), y.data()});
        return;
    }
    const SignalShape tile = convolution_tile(shape);
    if (spectrum_.complex_data() == nullptr || tile.rank != tile_.rank || tile.extent != tile_.extent) {
        spectrum_ = spectrum_of(device_, shape, tile, w_);
        tile_ = tile;
    }
    const std::int64_t needed = TiledConvolve::scratch_size(shape, tile, backend.threads());
    if (scratch_.complex_data() == nullptr || scratch_.size() < needed)
        scratch_ = complex_values(device_, needed);
    backend.run(
        TiledConvolve{shape, tile, x.data(), spectrum_.complex_data(), y.data(), scratch_.complex_data()});
}

Tensor convolve_once(Device device, const ConvolutionShape& shape, const Tensor& x, const Tensor& w,
                     const Shape& result) {
    require(result.size() == shape.images * shape.out_channels * shape.output_size(), "convolution",
            "the result has another size");
    Tensor y(device, MemoryTag::workspace, result, kHolder);
    Backend& backend = device.backend;
    if (convolution_route(shape) == ConvolutionRoute::direct) {
        backend.run(Convolve{shape, x.data(), w.data(), y.data()});
        return y;
    }
    const SignalShape tile = convolution_tile(shape);
    const Tensor spectrum = spectrum_of(device, shape, tile, w),
                 scratch =
                     complex_values(device, TiledConvolve::scratch_size(shape, tile, backend.threads()));
    backend.run(
        TiledConvolve{shape, tile, x.data(), spectrum.complex_data(), y.data(), scratch.complex_data()});
    return y;
}

}  // namespace spectral
