#include "engine/nn/complex_hidden.hpp"

#include <cmath>
#include <utility>
#include <vector>

#include "engine/core/random.hpp"
#include "engine/nn/complex_rows.hpp"
#include "kernels/ops/dense.hpp"
#include "kernels/ops/gather.hpp"
#include "kernels/ops/spectral_filter.hpp"
#include "kernels/ops/spectral_multiply.hpp"

namespace spectral {

namespace {

/// Of standardised features |z| is about 0.8 in the beginning: at 0 the layer would start as a linear one.
constexpr float kFirstThreshold = -0.25F;

}  // namespace

ComplexHidden::ComplexHidden(Device device, std::string name, std::int64_t bins, std::int64_t units,
                             std::int64_t max_batch, std::uint64_t seed, std::uint64_t stream, Use use)
    : Layer(std::move(name), use),
      device_(device),
      bins_(bins),
      units_(units),
      weight_(device, "weight", {units, 2 * bins}, this->name(), use),
      shift_(device, "shift", {2 * units}, this->name(), use),
      threshold_(device, "threshold", {units}, this->name(), use),
      input_(device, this->name(), 2 * bins, max_batch) {
    const auto room = [&](const Shape& shape, const char* what) {
        return Tensor(device, MemoryTag::activations, shape, this->name() + what);
    };
    rows_ = room({2 * units, 2 * bins}, " rows");
    turn_ = room({2 * bins}, " quarter turn");
    turned_ = room({units, 2 * bins}, " turned weight");
    before_ = room({max_batch, 2 * units}, " before modReLU");
    HostTensor turn{turn_.shape(), {}};
    for (std::int64_t f = 0; f < bins; ++f) turn.values.insert(turn.values.end(), {0.0F, 1.0F});
    turn_.assign(device.backend, turn);
    if (use == Use::run) return;
    threshold_.value.assign(
        device.backend,
        {threshold_.value.shape(), std::vector<float>(static_cast<std::size_t>(units), kFirstThreshold)});
    row_gradients_ = room({2 * units, 2 * bins}, " gradients of rows");
    before_gradient_ = room({max_batch, 2 * units}, " gradient before modReLU");
    Random random(seed, stream);
    const double bound = 1 / std::sqrt(2 * static_cast<double>(bins));
    for (Parameter* parameter : {&weight_, &shift_}) {
        HostTensor start{parameter->value.shape(), {}};
        for (std::int64_t i = 0; i < parameter->value.size(); ++i)
            start.values.push_back(static_cast<float>(random.uniform(-bound, bound)));
        parameter->value.assign(device.backend, start);
    }
}

void ComplexHidden::forward(std::int64_t batch, const LayerInput& x, float* y, bool training) {
    Backend& backend = device_.backend;
    const std::int64_t width = inputs();
    // Re x conj W is the real product of x with W, Im x conj W = Re x conj(i·W) that with i·W.
    backend.run(SpectralMultiply{units_, bins_, false, complex_values(weight_.value), complex_values(turn_),
                                 complex_values(turned_)});
    backend.run(GatherRows{units_, width, weight_.value.data(), width, nullptr, rows_.data(), 2 * width});
    backend.run(GatherRows{units_, width, turned_.data(), width, nullptr, rows_.data() + width, 2 * width});
    const LayerInput input = input_.in_order(batch, x);
    backend.run(MatMul{batch, outputs(), width, false, true, input.x, input.stride, rows_.data(), width, 0,
                       before_.data(), outputs()});
    backend.run(BiasAdd{batch, outputs(), shift_.value.data(), before_.data()});
    backend.run(ModRelu{batch, units_, 1, complex_values(before_), threshold_.value.data(),
                        reinterpret_cast<Complex*>(y)});
    if (training) kept_ = input;
}

void ComplexHidden::backward(std::int64_t batch, const float* dy, float* dx) {
    require_trained();
    Backend& backend = device_.backend;
    const std::int64_t width = inputs();
    backend.run(ModReluBackward{batch, units_, 1, false, complex_values(before_), threshold_.value.data(),
                                reinterpret_cast<const Complex*>(dy), complex_values(before_gradient_),
                                threshold_.gradient.data()});
    const float* const dz = before_gradient_.data();
    backend.run(ColumnSum{batch, outputs(), dz, shift_.gradient.data()});
    backend.run(MatMul{outputs(), width, batch, true, false, dz, outputs(), kept_.x, kept_.stride, 0,
                       row_gradients_.data(), width});
    // Turned back: conj(i) times the gradients of i·W.
    backend.run(
        GatherRows{units_, width, row_gradients_.data(), 2 * width, nullptr, weight_.gradient.data(), width});
    backend.run(
        GatherRows{units_, width, row_gradients_.data() + width, 2 * width, nullptr, turned_.data(), width});
    backend.run(SpectralMultiply{units_, bins_, true, complex_values(turned_), complex_values(turn_),
                                 complex_values(turned_)});
    backend.run(
        AddScaled{units_ * width, 1, weight_.gradient.data(), turned_.data(), weight_.gradient.data()});
    if (dx)
        backend.run(
            MatMul{batch, width, outputs(), false, false, dz, outputs(), rows_.data(), width, 0, dx, width});
}

std::vector<PatternSnapshot::Matrix> ComplexHidden::patterns() {
    const HostTensor weight = weight_.value.to_host(device_.backend);
    const char* bin = "frequency bin";
    return {{"hidden_magnitude", "Magnitudes of the hidden units", "unit", bin, magnitudes(units_, weight)},
            {"hidden_phase", "Phases of the hidden units", "unit", bin, phases(units_, weight)}};
}

}  // namespace spectral
