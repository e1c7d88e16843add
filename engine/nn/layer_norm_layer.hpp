// Layer norm of every place of a sequence, alone or followed by GELU in the same pass.
#pragma once

#include <cmath>
#include <numbers>

#include "engine/nn/input_rows.hpp"
#include "engine/nn/layer.hpp"
#include "engine/nn/sequence_size.hpp"
#include "kernels/ops/layer_norm.hpp"

namespace spectral {

/// √(1/φ): the gain of a syntonic norm, whose variance is 1/φ, and of a golden one.
inline const auto kSyntonicGain = static_cast<float>(std::sqrt(1 / std::numbers::phi));

/// scale and shift: width, at one and zero in the beginning. y = scale·gain·n + shift, n with mean 0 and
/// variance 1 over a place's values, or GELU of that. A syntonic norm has the gain kSyntonicGain.
class LayerNormLayer final : public Layer {
public:
    enum class Then { nothing, gelu };

    LayerNormLayer(Device device, std::string name, SequenceSize size, std::int64_t max_batch,
                   Then then = Then::nothing, Use use = Use::train, float gain = 1);

    std::string_view kind() const override { return then_ == Then::gelu ? "layer-norm-gelu" : "layer-norm"; }
    Json config() const override {
        return {{"places", size_.places}, {"width", size_.width}, {"gain", gain_}};
    }
    std::int64_t inputs() const override { return size_.values(); }
    std::int64_t outputs() const override { return size_.values(); }
    void forward(std::int64_t batch, const LayerInput& x, float* y, bool training) override;
    void backward(std::int64_t batch, const float* dy, float* dx) override;
    std::vector<Parameter*> parameters() override { return {&scale_, &shift_}; }

private:
    NormRows rows(std::int64_t batch, const float* x) const;

    Device device_;
    SequenceSize size_;
    Then then_;
    float gain_;
    Parameter scale_, shift_;
    InputRows input_;
    Tensor mean_, inverse_deviation_;  ///< of every place
    Tensor scratch_, unused_;          ///< of backward; an input's gradient that nobody asked for
    std::int64_t max_batch_;
    const float* kept_ = nullptr;
};

}  // namespace spectral
