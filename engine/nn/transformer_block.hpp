// A pre-norm block of a sequence model: places are mixed, then each is worked on by itself.
#pragma once

#include <memory>
#include <numbers>

#include "engine/nn/layer.hpp"
#include "engine/nn/sequence_size.hpp"
#include "engine/nn/sequential.hpp"

namespace spectral {

/// Of residual branches that are scaled down: 1/φ.
inline constexpr double kGoldenResidual = 1 / std::numbers::phi;

struct BlockOptions {
    float residual_scale = 1;
    double dropout = 0;
    std::uint64_t seed = 0;
    std::uint64_t dropout_number = 0;  ///< of the first of two dropout layers, among those of the model
};

/// h = x + s·dropout(mix(norm(x))),  y = h + s·dropout(work(norm(h))), s the residual scale. Parameters are
/// named by the parts: "attention.qkv.weight", "attention.norm.scale".
class TransformerBlock final : public Layer {
public:
    /// `mix` (attention, or a convolution) and `work` give as many values as they take.
    TransformerBlock(Device device, std::string name, SequenceSize size, std::unique_ptr<Layer> mix,
                     std::unique_ptr<Layer> work, const BlockOptions& options, std::int64_t max_batch,
                     Use use = Use::train);

    std::string_view kind() const override { return "transformer-block"; }
    Json config() const override { return config_; }
    std::int64_t inputs() const override { return parts_.inputs(); }
    std::int64_t outputs() const override { return parts_.outputs(); }
    void forward(std::int64_t batch, const LayerInput& x, float* y, bool training) override {
        parts_.forward(batch, x, y, training);
    }
    void backward(std::int64_t batch, const float* dy, float* dx) override { parts_.backward(batch, dy, dx); }
    std::vector<Parameter*> parameters() override { return parts_.parameters(); }
    std::vector<Layer*> children() const override { return parts_.children(); }
    void begin_step(std::int64_t step) override { parts_.begin_step(step); }

private:
    Json config_;
    Sequential parts_;
};

}  // namespace spectral
