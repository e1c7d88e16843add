// Convolutional layer: every output channel is a sum of the input's channels, each by a kernel of its own.
#pragma once

#include <optional>

#include "engine/nn/feature_maps.hpp"
#include "engine/nn/input_rows.hpp"
#include "engine/nn/layer.hpp"
#include "engine/spectral/convolution.hpp"

namespace spectral {

struct ConvolutionChoice {
    std::int64_t channels = 1;  ///< of the output
    SpaceExtents kernel{1, 1, 1};
    Padding padding = Padding::same;
    bool bias = true;
};

/// weight: channels × input channels × kernel, bias: channels. Starts as PyTorch's: uniform in ±1/√(values
/// that a sum has), drawn from stream `stream` of `seed`; at zero where it is only run.
class ConvolutionLayer final : public Layer {
public:
    /// Throws Error where the kernel is larger than the image and padding is valid.
    ConvolutionLayer(Device device, std::string name, const FeatureMaps& input,
                     const ConvolutionChoice& choice, std::int64_t max_batch, std::uint64_t seed,
                     std::uint64_t stream, Use use = Use::train);

    std::string_view kind() const override { return "convolution"; }
    Json config() const override;
    std::int64_t inputs() const override { return input_.size(); }
    std::int64_t outputs() const override { return output_.size(); }
    void forward(std::int64_t batch, const LayerInput& x, float* y, bool training) override;
    void backward(std::int64_t batch, const float* dy, float* dx) override;
    std::vector<Parameter*> parameters() override;
    /// The kernels, as pictures.
    std::vector<PatternSnapshot::Matrix> patterns() override;

    const FeatureMaps& output_maps() const { return output_; }

private:
    ConvolutionShape shape_of(std::int64_t batch) const;

    Device device_;
    FeatureMaps input_, output_;
    Padding padding_;
    ConvolutionShape shape_;
    Parameter weight_;
    std::optional<Parameter> bias_;
    InputRows rows_;
    const float* kept_ = nullptr;  ///< input of the last training pass
};

}  // namespace spectral
