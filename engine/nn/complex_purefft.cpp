#include "engine/nn/complex_purefft.hpp"

#include <utility>

#include "engine/nn/complex_rows.hpp"
#include "engine/nn/purefft.hpp"
#include "kernels/ops/dense.hpp"
#include "kernels/ops/softmax.hpp"
#include "kernels/ops/spectral_multiply.hpp"

namespace spectral {

namespace {

HostTensor complex_cosine_rows(std::int64_t rows, std::int64_t bins) {
    const HostTensor cosines = cosine_rows(Shape{rows, bins});
    HostTensor result{Shape{rows, 2 * bins}, {}};
    for (const float value : cosines.values) result.values.insert(result.values.end(), {value, 0.0F});
    return result;
}

}  // namespace

ComplexPureFftLayer::ComplexPureFftLayer(Device device, std::string name, std::int64_t patterns,
                                         std::int64_t layers, std::int64_t bins, std::int64_t classes,
                                         std::int64_t max_batch, Use use)
    : Layer(std::move(name), use),
      device_(device),
      patterns_(patterns),
      layers_(layers),
      bins_(bins),
      pool_(device, "pool", {patterns, 2 * bins}, this->name(), use),
      layer_(device, "layer_patterns", {layers, 2 * bins}, this->name(), use),
      class_(device, "class_patterns", {classes, 2 * bins}, this->name(), use),
      input_(device, this->name(), 2 * bins, max_batch) {
    const auto room = [&](const Shape& shape, const char* what, DType type = DType::complex64) {
        return Tensor(device, MemoryTag::activations, shape, this->name() + what, type);
    };
    weights_ = room({layers, patterns}, " pattern weights", DType::f32);
    gains_ = room({layers, bins}, " gains");
    products_ = room({layers, bins}, " products of gains");
    collapsed_ = room({classes, bins}, " collapsed patterns");
    if (use == Use::train) {
        collapsed_gradient_ = room({classes, bins}, " gradient of collapsed patterns");
        product_gradient_ = room({1, bins}, " gradient of the product");
        gain_gradients_ = room({layers, bins}, " gradients of gains");
        weight_gradients_ = room({layers, patterns}, " gradients of weights", DType::f32);
    }
    for (Parameter* parameter : parameters())
        parameter->value.assign(device.backend, complex_cosine_rows(parameter->value.shape()[0], bins));
}

void ComplexPureFftLayer::collapse() {
    Backend& backend = device_.backend;
    const std::int64_t width = inputs();
    // The real product of interleaved rows is Re Σ P conj A.
    backend.run(MatMul{layers_, patterns_, width, false, true, layer_.value.data(), width, pool_.value.data(),
                       width, 0, weights_.data(), patterns_});
    backend.run(Softmax{layers_, patterns_, 1, weights_.data(), weights_.data()});
    backend.run(MatMul{layers_, width, patterns_, false, false, weights_.data(), patterns_,
                       pool_.value.data(), width, 0, gains_.data(), width});
    backend.copy_on_device(product(0), gain(0), static_cast<std::size_t>(bins_) * sizeof(Complex));
    for (std::int64_t layer = 1; layer < layers_; ++layer)
        backend.run(SpectralMultiply{1, bins_, false, product(layer - 1), gain(layer), product(layer)});
    backend.run(SpectralMultiply{outputs(), bins_, true, complex_values(class_.value), product(layers_ - 1),
                                 collapsed_.complex_data()});
}

void ComplexPureFftLayer::forward(std::int64_t batch, const LayerInput& x, float* y, bool training) {
    collapse();
    const LayerInput input = input_.in_order(batch, x);
    device_.backend.run(MatMul{batch, outputs(), inputs(), false, true, input.x, input.stride,
                               collapsed_.data(), inputs(), 0, y, outputs()});
    if (training) kept_ = input;
}

void ComplexPureFftLayer::backward(std::int64_t batch, const float* dy, float* dx) {
    require_trained();
    Backend& backend = device_.backend;
    const std::int64_t width = inputs(), classes = outputs();
    Complex* const classes_gradient = collapsed_gradient_.complex_data();
    Complex* const carried = product_gradient_.complex_data();
    backend.run(MatMul{classes, width, batch, true, false, dy, classes, kept_.x, kept_.stride, 0,
                       collapsed_gradient_.data(), width});
    backend.run(SpectralMultiply{classes, bins_, false, classes_gradient, product(layers_ - 1),
                                 complex_values(class_.gradient)});
    backend.run(
        SpectralWeightGradient{classes, bins_, classes_gradient, complex_values(class_.value), carried});
    for (std::int64_t layer = layers_ - 1; layer >= 0; --layer) {
        Complex* const gradient = gain_gradients_.complex_data() + layer * bins_;
        if (layer == 0) {
            backend.copy_on_device(gradient, carried, static_cast<std::size_t>(bins_) * sizeof(Complex));
        } else {
            backend.run(SpectralMultiply{1, bins_, true, carried, product(layer - 1), gradient});
            backend.run(SpectralMultiply{1, bins_, true, carried, gain(layer), carried});
        }
    }
    backend.run(MatMul{layers_, patterns_, width, false, true, gain_gradients_.data(), width,
                       pool_.value.data(), width, 0, weight_gradients_.data(), patterns_});
    backend.run(SoftmaxBackward{layers_, patterns_, 1, weights_.data(), weight_gradients_.data(),
                                weight_gradients_.data()});
    backend.run(MatMul{patterns_, width, layers_, true, false, weights_.data(), patterns_,
                       gain_gradients_.data(), width, 0, pool_.gradient.data(), width});
    backend.run(MatMul{patterns_, width, layers_, true, false, weight_gradients_.data(), patterns_,
                       layer_.value.data(), width, 1, pool_.gradient.data(), width});
    backend.run(MatMul{layers_, width, patterns_, false, false, weight_gradients_.data(), patterns_,
                       pool_.value.data(), width, 0, layer_.gradient.data(), width});
    if (dx)
        backend.run(
            MatMul{batch, width, classes, false, false, dy, classes, collapsed_.data(), width, 0, dx, width});
}

std::vector<PatternSnapshot::Matrix> ComplexPureFftLayer::patterns() {
    collapse();
    Tensor product_values(device_, MemoryTag::workspace, {1, 2 * bins_}, name() + " shown gain");
    device_.backend.copy_on_device(product_values.data(), product(layers_ - 1), product_values.bytes());
    const HostTensor pool = pool_.value.to_host(device_.backend),
                     layer = layer_.value.to_host(device_.backend),
                     classes = class_.value.to_host(device_.backend),
                     gain = product_values.to_host(device_.backend);
    const char* bin = "frequency bin";
    return {
        {"pool_magnitude", "Magnitudes of the pattern pool", "pattern", bin, magnitudes(patterns_, pool)},
        {"pool_phase", "Phases of the pattern pool", "pattern", bin, phases(patterns_, pool)},
        {"layer_magnitude", "Magnitudes of the layer patterns", "layer", bin, magnitudes(layers_, layer)},
        {"class_magnitude", "Magnitudes of the class patterns", "class", bin, magnitudes(outputs(), classes)},
        {"class_phase", "Phases of the class patterns", "class", bin, phases(outputs(), classes)},
        {"weights", "Pattern weights", "layer", "pattern", weights_.to_host(device_.backend)},
        {"gain_magnitude", "Magnitudes of the collapsed gain", "", bin, magnitudes(1, gain)},
        {"gain_phase", "Phases of the collapsed gain", "", bin, phases(1, gain)}};
}

}  // namespace spectral
