#include "engine/nn/convolution_layer.hpp"

#include <cmath>
#include <utility>

#include "engine/core/random.hpp"
#include "engine/nn/filter_montage.hpp"

namespace spectral {

namespace {

/// `first` × `second` × space.
Shape with_space(std::int64_t first, std::int64_t second, int rank, const SpaceExtents& space) {
    std::vector<std::int64_t> extents{first, second};
    extents.insert(extents.end(), space.begin(), space.begin() + rank);
    return Shape(extents);
}

}  // namespace

ConvolutionLayer::ConvolutionLayer(Device device, std::string name, const FeatureMaps& input,
                                   const ConvolutionChoice& choice, std::int64_t max_batch,
                                   std::uint64_t seed, std::uint64_t stream, Use use)
    : Layer(std::move(name), use),
      device_(device),
      input_(input),
      padding_(choice.padding),
      shape_(convolution_shape(with_space(1, input.channels, input.rank, input.space),
                               with_space(choice.channels, input.channels, input.rank, choice.kernel),
                               choice.padding, KernelOrder::correlation)),
      weight_(device, "weight", with_space(choice.channels, input.channels, input.rank, choice.kernel),
              this->name(), use),
      rows_(device, this->name(), input.size(), max_batch) {
    output_ = {choice.channels, input.rank, shape_.output};
    if (choice.bias) bias_.emplace(device, "bias", Shape{choice.channels}, this->name(), use);
    if (use == Use::run) return;
    Random random(seed, stream);
    const double bound = 1 / std::sqrt(static_cast<double>(input.channels * shape_.kernel_size()));
    for (Parameter* parameter : parameters()) {
        HostTensor start{parameter->value.shape(),
                         std::vector<float>(static_cast<std::size_t>(parameter->value.size()))};
        for (float& value : start.values) value = static_cast<float>(random.uniform(-bound, bound));
        parameter->value.assign(device.backend, start);
    }
}

Json ConvolutionLayer::config() const {
    return {{"padding", padding_ == Padding::same    ? "same"
                        : padding_ == Padding::valid ? "valid"
                                                     : "full"},
            {"input", input_.text()}};
}

std::vector<Parameter*> ConvolutionLayer::parameters() {
    std::vector<Parameter*> result{&weight_};
    if (bias_) result.push_back(&*bias_);
    return result;
}

std::vector<PatternSnapshot::Matrix> ConvolutionLayer::patterns() {
    return {filter_montage(name(), weight_.name, weight_.value.to_host(device_.backend))};
}

ConvolutionShape ConvolutionLayer::shape_of(std::int64_t batch) const {
    ConvolutionShape shape = shape_;
    shape.images = batch;
    return shape;
}

void ConvolutionLayer::forward(std::int64_t batch, const LayerInput& x, float* y, bool training) {
    const float* input = rows_.contiguous(batch, x);
    device_.backend.run(
        Convolve{shape_of(batch), input, weight_.value.data(), y, bias_ ? bias_->value.data() : nullptr});
    if (training) kept_ = input;
}

void ConvolutionLayer::backward(std::int64_t batch, const float* dy, float* dx) {
    require_trained();
    const ConvolutionShape shape = shape_of(batch);
    device_.backend.run(ConvolveWeightGradient{shape, kept_, dy, weight_.gradient.data(),
                                               bias_ ? bias_->gradient.data() : nullptr});
    if (dx != nullptr)
        device_.backend.run(Convolve{input_gradient_shape(shape), dy, weight_.value.data(), dx});
}

}  // namespace spectral
