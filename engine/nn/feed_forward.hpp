// The part of a transformer that works on every place by itself: wide, bent, and narrow again.
#pragma once

#include "engine/nn/dense.hpp"
#include "engine/nn/input_rows.hpp"
#include "engine/nn/layer.hpp"
#include "engine/nn/sequence_size.hpp"

namespace spectral {

/// gelu: W_2·GELU(W_1·x + b_1) + b_2 · swiglu: W_2·(SiLU(gate) ⊙ value) + b_2, gate and value the halves of
/// W_1·x + b_1.
enum class FeedForwardKind { gelu, swiglu };

class FeedForward final : public Layer {
public:
    /// `hidden` values between the products. Draws from streams `stream` and `stream` + 1 of `seed`.
    FeedForward(Device device, std::string name, SequenceSize size, FeedForwardKind bend, std::int64_t hidden,
                std::int64_t max_batch, std::uint64_t seed, std::uint64_t stream, Use use = Use::train);

    std::string_view kind() const override { return "feed-forward"; }
    Json config() const override {
        return {{"kind", bend_ == FeedForwardKind::gelu ? "gelu" : "swiglu"}, {"hidden", hidden_}};
    }
    std::int64_t inputs() const override { return size_.values(); }
    std::int64_t outputs() const override { return size_.values(); }
    void forward(std::int64_t batch, const LayerInput& x, float* y, bool training) override;
    void backward(std::int64_t batch, const float* dy, float* dx) override;
    std::vector<Parameter*> parameters() override { return parameters_; }

private:
    Device device_;
    SequenceSize size_;
    FeedForwardKind bend_;
    std::int64_t hidden_;
    InputRows input_;
    Dense expand_, contract_;
    std::vector<Parameter*> parameters_;
    Tensor wide_, bent_;                    ///< before and after the bend
    Tensor wide_gradient_, bent_gradient_;  ///< none where it is only run
};

}  // namespace spectral
