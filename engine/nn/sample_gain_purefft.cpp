#include "engine/nn/sample_gain_purefft.hpp"

#include <cmath>
#include <utility>

#include "engine/core/error.hpp"
#include "engine/nn/purefft.hpp"
#include "kernels/ops/dense.hpp"
#include "kernels/ops/gather.hpp"
#include "kernels/ops/normalise.hpp"
#include "kernels/ops/softmax.hpp"

namespace spectral {

namespace {

/// source × mixes: `value` where mix ℓ·patterns + p takes row ℓ or p of the source.
HostTensor takes(std::int64_t patterns, std::int64_t layers, bool of_layers, float value) {
    const std::int64_t mixes = layers * patterns;
    HostTensor result{Shape{of_layers ? layers : patterns, mixes}, {}};
    result.values.assign(static_cast<std::size_t>(result.shape.size()), 0.0F);
    for (std::int64_t mix = 0; mix < mixes; ++mix) {
        const std::int64_t row = of_layers ? mix / patterns : mix % patterns;
        result.values[static_cast<std::size_t>(row * mixes + mix)] = value;
    }
    return result;
}

}  // namespace

SampleGainPureFftLayer::SampleGainPureFftLayer(Device device, std::string name, std::int64_t patterns,
                                               std::int64_t layers, std::int64_t frequencies,
                                               std::int64_t classes, std::int64_t max_batch, Use use)
    : Layer(std::move(name), use),
      device_(device),
      patterns_(patterns),
      layers_(layers),
      frequencies_(frequencies),
      padded_(frequencies + frequencies % 2),
      pool_(device, "pool", {patterns, frequencies}, this->name(), use),
      layer_(device, "layer_patterns", {layers, frequencies}, this->name(), use),
      class_(device, "class_patterns", {classes, frequencies}, this->name(), use),
      scratch_(
          device, MemoryTag::workspace,
          static_cast<std::size_t>(SpectralNormalise::scratch_size(max_batch, padded_ / 2)) * sizeof(double),
          this->name() + " scratch") {
    const auto room = [&](const Shape& shape, const char* what) {
        return Tensor(device, MemoryTag::activations, shape, this->name() + what);
    };
    const std::int64_t kept = use == Use::train ? layers : 1;
    pool_of_mix_ = room({patterns, mixes()}, " patterns of mixes");
    layer_of_mix_ = room({layers, mixes()}, " layers of mixes");
    pools_ = room({mixes(), frequencies}, " pool of mixes");
    layers_rows_ = room({mixes(), frequencies}, " layer patterns of mixes");
    mixed_ = room({mixes(), frequencies}, " mixed patterns");
    normalised_ = room({max_batch, padded_}, " normalised spectra");
    norms_ = room({max_batch}, " norms of spectra");
    weights_ = room({max_batch, mixes()}, " pattern weights");
    signals_ = room({use == Use::train ? layers + 1 : 1, max_batch, frequencies}, " signals");
    gains_ = room({kept, max_batch, frequencies}, " gains");
    if (use == Use::train) {
        mix_gradients_ = room({mixes(), frequencies}, " gradients of mixed patterns");
        along_ = room({mixes(), frequencies}, " gradients of their factors");
        weight_gradients_ = room({max_batch, mixes()}, " gradients of weights");
        signal_gradient_ = room({max_batch, frequencies}, " gradient of the signal");
        gain_gradient_ = room({max_batch, frequencies}, " gradient of a gain");
    }
    Backend& backend = device.backend;
    const auto root = static_cast<float>(std::sqrt(static_cast<double>(frequencies)));
    pool_of_mix_.assign(backend, takes(patterns, layers, false, 1));
    layer_of_mix_.assign(backend, takes(patterns, layers, true, root));
    for (Parameter* parameter : parameters())
        parameter->value.assign(backend, cosine_rows(parameter->value.shape()));
}

float* SampleGainPureFftLayer::signal(std::int64_t layer) const {
    return signals_.data() + (layer % signals_.shape()[0]) * signals_.shape()[1] * frequencies_;
}

float* SampleGainPureFftLayer::gain(std::int64_t layer) const {
    return gains_.data() + (layer % gains_.shape()[0]) * gains_.shape()[1] * frequencies_;
}

void SampleGainPureFftLayer::spread() {
    Backend& backend = device_.backend;
    const std::int64_t width = frequencies_;
    backend.run(MatMul{mixes(), width, patterns_, true, false, pool_of_mix_.data(), mixes(),
                       pool_.value.data(), width, 0, pools_.data(), width});
    backend.run(MatMul{mixes(), width, layers_, true, false, layer_of_mix_.data(), mixes(),
                       layer_.value.data(), width, 0, layers_rows_.data(), width});
    backend.run(Multiply{mixes() * width, pools_.data(), layers_rows_.data(), mixed_.data()});
}

void SampleGainPureFftLayer::forward(std::int64_t batch, const LayerInput& x, float* y, bool /*training*/) {
    Backend& backend = device_.backend;
    const std::int64_t width = frequencies_;
    spread();
    backend.run(GatherRows{batch, width, x.x, x.stride, x.rows, signal(0), width});
    backend.run(GatherRows{batch, width, x.x, x.stride, x.rows, normalised_.data(), padded_});
    auto* const pairs = reinterpret_cast<Complex*>(normalised_.data());
    backend.run(SpectralNormalise{.batch = batch,
                                  .size = padded_ / 2,
                                  .x = pairs,
                                  .y = pairs,
                                  .norm = norms_.data(),
                                  .scratch = scratch_.as<double>()});
    backend.run(MatMul{batch, mixes(), width, false, true, normalised_.data(), padded_, mixed_.data(), width,
                       0, weights_.data(), mixes()});
    backend.run(Softmax{batch * layers_, patterns_, 1, weights_.data(), weights_.data()});
    for (std::int64_t layer = 0; layer < layers_; ++layer) {
        backend.run(MatMul{batch, width, patterns_, false, false, weights_.data() + layer * patterns_,
                           mixes(), pool_.value.data(), width, 0, gain(layer), width});
        backend.run(Multiply{batch * width, signal(layer), gain(layer), signal(layer + 1)});
    }
    backend.run(MatMul{batch, outputs(), width, false, true, signal(layers_), width, class_.value.data(),
                       width, 0, y, outputs()});
}

void SampleGainPureFftLayer::backward(std::int64_t batch, const float* dy, float* dx) {
    require_trained();
    require(dx == nullptr, "purefft", "it gives no gradient by its input", "make it the first layer");
    Backend& backend = device_.backend;
    const std::int64_t width = frequencies_, classes = outputs();
    float *const carried = signal_gradient_.data(), *const of_gain = gain_gradient_.data();
    backend.run(MatMul{classes, width, batch, true, false, dy, classes, signal(layers_), width, 0,
                       class_.gradient.data(), width});
    backend.run(MatMul{batch, width, classes, false, false, dy, classes, class_.value.data(), width, 0,
                       carried, width});
    for (std::int64_t layer = layers_ - 1; layer >= 0; --layer) {
        backend.run(Multiply{batch * width, carried, signal(layer), of_gain});
        backend.run(Multiply{batch * width, carried, gain(layer), carried});
        backend.run(MatMul{batch, patterns_, width, false, true, of_gain, width, pool_.value.data(), width, 0,
                           weight_gradients_.data() + layer * patterns_, mixes()});
        const float beta = layer == layers_ - 1 ? 0 : 1;
        backend.run(MatMul{patterns_, width, batch, true, false, weights_.data() + layer * patterns_, mixes(),
                           of_gain, width, beta, pool_.gradient.data(), width});
    }
    backend.run(SoftmaxBackward{batch * layers_, patterns_, 1, weights_.data(), weight_gradients_.data(),
                                weight_gradients_.data()});
    backend.run(MatMul{mixes(), width, batch, true, false, weight_gradients_.data(), mixes(),
                       normalised_.data(), padded_, 0, mix_gradients_.data(), width});
    backend.run(Multiply{mixes() * width, mix_gradients_.data(), layers_rows_.data(), along_.data()});
    backend.run(MatMul{patterns_, width, mixes(), false, false, pool_of_mix_.data(), mixes(), along_.data(),
                       width, 1, pool_.gradient.data(), width});
    backend.run(Multiply{mixes() * width, mix_gradients_.data(), pools_.data(), along_.data()});
    backend.run(MatMul{layers_, width, mixes(), false, false, layer_of_mix_.data(), mixes(), along_.data(),
                       width, 0, layer_.gradient.data(), width});
}

std::vector<PatternSnapshot::Matrix> SampleGainPureFftLayer::patterns() {
    const auto shown = [&](const Parameter& parameter, const char* title, const char* row) {
        return rows_of_parameter(parameter, parameter.name, title, row, "frequency bin", device_);
    };
    return {shown(pool_, "Pattern pool", "pattern"), shown(layer_, "Layer patterns", "layer"),
            shown(class_, "Class patterns", "class")};
}

}  // namespace spectral
