// Cases of filters between channels of spectra.
#include <fmt/format.h>

#include "engine/profile/op_case.hpp"
#include "kernels/ops/fft.hpp"
#include "kernels/ops/fourier_mix.hpp"
#include "kernels/ops/spectral_filter.hpp"

namespace spectral::op_case {

namespace {

/// Images of side × side.
SignalShape signal_of(const Json& sizes) {
    const std::int64_t side = size_of(sizes, "side");
    return {2, {side, side}};
}

struct Filter {
    std::shared_ptr<Inputs> inputs;
    SpectralFilterShape shape;

    Filter(Device device, const Json& sizes)
        : inputs(std::make_shared<Inputs>(device)),
          shape{size_of(sizes, "batch"), size_of(sizes, "inputs"), size_of(sizes, "outputs"), 1,
                signal_of(sizes).spectrum_size()} {}

    template <class Op>
    OpCase make(const Op& op, const Complex* result, std::int64_t size) const {
        const std::string text = fmt::format("{} × {} → {} channels, {} bins", shape.batch, shape.in_channels,
                                             shape.out_channels, shape.bins);
        return {text,
                op.cost(),
                {},
                [op, in = inputs](Level level) { in->device().backend.run(op, level); },
                [in = inputs, result, size] { return in->host(result, size); }};
    }
};

OpCase spectral_filter(Device device, const Json& sizes) {
    const Filter f(device, sizes);
    const SpectralFilter op{f.shape, f.inputs->complex_normal(f.shape.input_size(), 1),
                            f.inputs->complex_normal(f.shape.weight_size(), 2),
                            f.inputs->complex_zeros(f.shape.output_size())};
    return f.make(op, op.y, f.shape.output_size());
}

OpCase spectral_filter_backward(Device device, const Json& sizes) {
    const Filter f(device, sizes);
    const SpectralFilterBackward op{f.shape, f.inputs->complex_normal(f.shape.output_size(), 1),
                                    f.inputs->complex_normal(f.shape.weight_size(), 2),
                                    f.inputs->complex_zeros(f.shape.input_size())};
    return f.make(op, op.dx, f.shape.input_size());
}

OpCase spectral_filter_gradient(Device device, const Json& sizes) {
    const Filter f(device, sizes);
    const SpectralFilterGradient op{f.shape, false, f.inputs->complex_normal(f.shape.input_size(), 1),
                                    f.inputs->complex_normal(f.shape.output_size(), 2),
                                    f.inputs->complex_zeros(f.shape.weight_size())};
    return f.make(op, op.dw, f.shape.weight_size());
}

/// The values of the transform go through it, so each run starts from a copy.
OpCase irfft(Device device, const Json& sizes) {
    const auto inputs = std::make_shared<Inputs>(device);
    const SignalShape shape = signal_of(sizes);
    const std::int64_t batch = size_of(sizes, "batch") * size_of(sizes, "outputs"),
                       values = batch * shape.spectrum_size();
    const Complex* spectra = inputs->complex_normal(values, 1);
    const Irfft op{batch, shape, inputs->complex_zeros(values), inputs->zeros(batch * shape.size())};
    return simple(inputs, fmt::format("{} × {}", batch, extents_text(shape.rank, shape.extent)), op, op.x,
                  batch * shape.size(),
                  copy_back(inputs, reinterpret_cast<float*>(op.y), reinterpret_cast<const float*>(spectra),
                            2 * values));
}

OpCase irfft_backward(Device device, const Json& sizes) {
    const auto inputs = std::make_shared<Inputs>(device);
    const SignalShape shape = signal_of(sizes);
    const std::int64_t batch = size_of(sizes, "batch") * size_of(sizes, "outputs"),
                       values = batch * shape.spectrum_size();
    const IrfftBackward op{batch, shape, inputs->normal(batch * shape.size(), 1),
                           inputs->complex_zeros(values)};
    return {fmt::format("{} × {}", batch, extents_text(shape.rank, shape.extent)),
            op.cost(),
            {},
            [op, inputs](Level level) { inputs->device().backend.run(op, level); },
            [op, inputs, values] { return inputs->host(op.dy, values); }};
}

struct Modulus {
    std::shared_ptr<Inputs> inputs;
    std::int64_t batch, channels, size, all;

    Modulus(Device device, const Json& sizes)
        : inputs(std::make_shared<Inputs>(device)),
          batch(size_of(sizes, "batch")),
          channels(size_of(sizes, "outputs")),
          size(signal_of(sizes).spectrum_size()),
          all(batch * channels * size) {}

    template <class Op>
    OpCase make(const Op& op, const Complex* result) const {
        return {fmt::format("{} × {} × {}", batch, channels, size),
                op.cost(),
                {},
                [op, in = inputs](Level level) { in->device().backend.run(op, level); },
                [in = inputs, result, count = all] { return in->host(result, count); }};
    }
};

OpCase mod_relu(Device device, const Json& sizes) {
    const Modulus m(device, sizes);
    const ModRelu op{m.batch,
                     m.channels,
                     m.size,
                     m.inputs->complex_normal(m.all, 1),
                     m.inputs->normal(m.channels, 2),
                     m.inputs->complex_zeros(m.all)};
    return m.make(op, op.y);
}

OpCase mod_relu_backward(Device device, const Json& sizes) {
    const Modulus m(device, sizes);
    const ModReluBackward op{m.batch,
                             m.channels,
                             m.size,
                             false,
                             m.inputs->complex_normal(m.all, 1),
                             m.inputs->normal(m.channels, 2),
                             m.inputs->complex_normal(m.all, 3),
                             m.inputs->complex_zeros(m.all),
                             m.inputs->zeros(m.channels)};
    return m.make(op, op.dx);
}

OpCase fourier_mix(Device device, const Json& sizes) {
    const auto inputs = std::make_shared<Inputs>(device);
    const std::int64_t batch = size_of(sizes, "batch"), rows = size_of(sizes, "places"),
                       columns = size_of(sizes, "width"), count = batch * rows * columns;
    const FourierMix op{batch,
                        rows,
                        columns,
                        inputs->normal(count, 1),
                        inputs->zeros(count),
                        inputs->complex_zeros(FourierMix::scratch_size(batch, rows, columns))};
    return simple(inputs, fmt::format("{} × {} × {}", batch, rows, columns), op, op.y, count);
}

}  // namespace

std::vector<OpCaseInfo> filter_cases() {
    const Schema first{size_field("batch", 64, 1 << 20), size_field("inputs", 1, 4096),
                       size_field("outputs", 8, 4096), size_field("side", 28, 4096)};
    const Schema sequence{size_field("batch", 256, 1 << 20), size_field("places", 49, 1 << 16),
                          size_field("width", 64, 1 << 16)};
    return {{"fourier_mix", sequence, fourier_mix},
            {"spectral_filter", first, spectral_filter},
            {"irfft", first, irfft},
            {"mod_relu", first, mod_relu},
            {"irfft_backward", first, irfft_backward},
            {"spectral_filter_backward", first, spectral_filter_backward},
            {"spectral_filter_gradient", first, spectral_filter_gradient},
            {"mod_relu_backward", first, mod_relu_backward}};
}

}  // namespace spectral::op_case
