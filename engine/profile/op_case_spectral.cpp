// Cases of the transforms and of PureFFT.
#include <fmt/format.h>

#include <functional>

#include "engine/profile/op_case.hpp"
#include "kernels/ops/dct.hpp"
#include "kernels/ops/features.hpp"
#include "kernels/ops/fft.hpp"
#include "kernels/ops/purefft.hpp"

namespace spectral::op_case {

namespace {

struct Transform {
    std::shared_ptr<Inputs> inputs;
    std::int64_t batch;
    SignalShape shape;
    std::int64_t samples, spectrum;

    Transform(Device device, const Json& sizes)
        : inputs(std::make_shared<Inputs>(device)),
          batch(size_of(sizes, "batch")),
          shape{1, {size_of(sizes, "length"), 1, 1}},
          samples(batch * shape.size()),
          spectrum(batch * shape.spectrum_size()) {}

    std::string text() const { return fmt::format("{} × {}", batch, shape.size()); }
};

std::function<std::vector<double>()> complex_result(const std::shared_ptr<Inputs>& inputs, const Complex* y,
                                                    std::int64_t size) {
    return [=] { return inputs->host(y, size); };
}

OpCase rfft(Device device, const Json& sizes) {
    const Transform t(device, sizes);
    const Rfft op{t.batch, t.shape, t.inputs->normal(t.samples, 1), t.inputs->complex_zeros(t.spectrum)};
    return {t.text(),
            op.cost(),
            {},
            [op, t](Level level) { t.inputs->device().backend.run(op, level); },
            complex_result(t.inputs, op.y, t.spectrum)};
}

OpCase rfft_backward(Device device, const Json& sizes) {
    const Transform t(device, sizes);
    const RfftBackward op{t.batch, t.shape, t.inputs->complex_normal(t.spectrum, 1),
                          t.inputs->zeros(t.samples), t.inputs->complex_zeros(t.spectrum)};
    return {t.text(),
            op.cost(),
            {},
            [op, t](Level level) { t.inputs->device().backend.run(op, level); },
            [op, t] { return t.inputs->host(op.dx, t.samples); }};
}

OpCase dct(Device device, const Json& sizes) {
    const Transform t(device, sizes);
    const Dct op{t.batch,
                 t.shape,
                 false,
                 t.inputs->normal(t.samples, 1),
                 t.inputs->zeros(t.samples),
                 t.inputs->complex_zeros(Dct::scratch_size(t.batch, t.shape))};
    return {t.text(),
            op.cost(),
            {},
            [op, t](Level level) { t.inputs->device().backend.run(op, level); },
            [op, t] { return t.inputs->host(op.y, t.samples); }};
}

OpCase rfft_magnitude(Device device, const Json& sizes) {
    const Transform t(device, sizes);
    const std::int64_t stride = padded_columns(t.shape.spectrum_size());
    const RfftMagnitude op{t.batch,
                           t.shape,
                           t.inputs->normal(t.samples, 1),
                           t.inputs->zeros(t.batch * stride),
                           stride,
                           t.inputs->complex_zeros(RfftMagnitude::scratch_size(t.batch, t.shape))};
    return {t.text(),
            op.cost(),
            {},
            [op, t](Level level) { t.inputs->device().backend.run(op, level); },
            [op, t] { return t.inputs->host(op.y, t.batch * op.y_stride); }};
}

OpCase magnitude(Device device, const Json& sizes) {
    const auto inputs = std::make_shared<Inputs>(device);
    const std::int64_t size = size_of(sizes, "size");
    const Magnitude op{size, inputs->complex_normal(size, 1), inputs->zeros(size)};
    return {fmt::format("{}", size),
            op.cost(),
            {},
            [=](Level level) { inputs->device().backend.run(op, level); },
            [=] { return inputs->host(op.y, size); }};
}

OpCase magnitude_backward(Device device, const Json& sizes) {
    const auto inputs = std::make_shared<Inputs>(device);
    const std::int64_t size = size_of(sizes, "size");
    const MagnitudeBackward op{size, inputs->complex_normal(size, 1), inputs->normal(size, 2),
                               inputs->complex_zeros(size)};
    return {fmt::format("{}", size),
            op.cost(),
            {},
            [=](Level level) { inputs->device().backend.run(op, level); },
            complex_result(inputs, op.dx, size)};
}

OpCase log1p(Device device, const Json& sizes) {
    const auto inputs = std::make_shared<Inputs>(device);
    const std::int64_t size = size_of(sizes, "size");
    const Log1p op{size, inputs->normal(size, 1, 0.1, 5), inputs->zeros(size)};
    return {fmt::format("{}", size),
            op.cost(),
            {},
            [=](Level level) { inputs->device().backend.run(op, level); },
            [=] { return inputs->host(op.y, size); }};
}

/// Inputs, parameters and outputs of a PureFFT of the wanted sizes; level 1 keeps the temporaries of the
/// literal formula, so the scratch is made for the level that is run.
struct PureFft {
    std::shared_ptr<Inputs> inputs;
    PureFftSizes sizes;
    PureFftInput input;
    PureFftParameters parameters;
    float* logits;
    float* gradients;
    std::shared_ptr<Tensor> scratch = std::make_shared<Tensor>();

    PureFft(Device device, const Json& wanted)
        : inputs(std::make_shared<Inputs>(device)),
          sizes{size_of(wanted, "batch"), size_of(wanted, "patterns"), size_of(wanted, "layers"),
                size_of(wanted, "classes"), size_of(wanted, "frequencies")} {
        const std::int64_t n = sizes.frequencies, stride = padded_columns(n);
        input = {inputs->rows(sizes.batch, n, stride, 1), stride,
                 inputs->indices<std::uint32_t>(sizes.batch, sizes.batch, 2)};
        parameters = {inputs->normal(sizes.patterns * n, 3, 0.1, 0.2),
                      inputs->normal(sizes.layers * n, 4, 0.1), inputs->normal(sizes.classes * n, 5, 0.1)};
        logits = inputs->zeros(sizes.batch * sizes.classes);
        gradients = inputs->zeros(parameter_count());
    }

    std::int64_t parameter_count() const {
        return (sizes.patterns + sizes.layers + sizes.classes) * sizes.frequencies;
    }
    PureFftGradients split() const {
        const std::int64_t n = sizes.frequencies;
        return {gradients, gradients + sizes.patterns * n, gradients + (sizes.patterns + sizes.layers) * n};
    }
    std::string text() const {
        return fmt::format("{} × {}, {} patterns, {} layers, {} classes", sizes.batch, sizes.frequencies,
                           sizes.patterns, sizes.layers, sizes.classes);
    }
    template <class Op>
    void run(Op op, Level level) const {
        const Device device = inputs->device();
        const std::int64_t needed = purefft_scratch_size(sizes, level, device.backend.threads());
        if (scratch->size() < needed || !scratch->data())
            *scratch = Tensor(device, MemoryTag::workspace, {needed}, "benchmark scratch");
        op.scratch = scratch->data();
        device.backend.run(op, level);
    }
};

OpCase purefft_forward(Device device, const Json& sizes) {
    const PureFft p(device, sizes);
    const PureFftForward op{p.sizes, p.input, p.parameters, p.logits, nullptr};
    return {p.text(),
            op.cost(),
            {},
            [=](Level level) { p.run(op, level); },
            [=] { return p.inputs->host(p.logits, p.sizes.batch * p.sizes.classes); }};
}

OpCase purefft_backward(Device device, const Json& sizes) {
    const PureFft p(device, sizes);
    const float* d_logits = p.inputs->normal(p.sizes.batch * p.sizes.classes, 6);
    const PureFftBackward op{p.sizes, p.input, p.parameters, d_logits, p.split(), nullptr};
    return {p.text(),
            op.cost(),
            {},
            [=](Level level) { p.run(op, level); },
            [=] { return p.inputs->host(p.gradients, p.parameter_count()); }};
}

OpCase purefft_step(Device device, const Json& sizes) {
    const PureFft p(device, sizes);
    const std::int32_t* labels = p.inputs->indices<std::int32_t>(p.sizes.batch, p.sizes.classes, 6);
    auto* sums = static_cast<LossSums*>(p.inputs->bytes(sizeof(LossSums)));
    const PureFftStep op{p.sizes, p.input, p.parameters, labels, p.logits, p.split(), sums, nullptr};
    return {p.text(),
            op.cost(),
            {},
            [=](Level level) { p.run(op, level); },
            [=] { return p.inputs->host(p.gradients, p.parameter_count()); }};
}

}  // namespace

std::vector<OpCaseInfo> spectral_cases() {
    const Schema transform{size_field("batch", 1024, 1 << 20), size_field("length", 784, 1 << 24)};
    const Schema vector{size_field("size", 1 << 20, 1 << 28)};
    const Schema purefft{size_field("batch", 256, 1 << 20), size_field("frequencies", 393, 1 << 20),
                         size_field("patterns", 8, 256), size_field("layers", 2, 16),
                         size_field("classes", 10, 4096)};
    return {{"rfft", transform, rfft},
            {"rfft_backward", transform, rfft_backward},
            {"dct", transform, dct},
            {"rfft_magnitude", transform, rfft_magnitude},
            {"magnitude", vector, magnitude},
            {"magnitude_backward", vector, magnitude_backward},
            {"log1p", vector, log1p},
            {"purefft_forward", purefft, purefft_forward},
            {"purefft_backward", purefft, purefft_backward},
            {"purefft_step", purefft, purefft_step}};
}

}  // namespace spectral::op_case
