// Linear layer y = x·Wᵀ + b whose weight is made block by block from what is stored of it, and forgotten.
#pragma once

#include <string>
#include <vector>

#include "engine/compress/implicit_weights.hpp"
#include "engine/nn/input_rows.hpp"
#include "engine/nn/layer.hpp"

namespace spectral {

/// Costs the making of the whole weight at every pass, and memory for one block of it. Trains the kept
/// numbers, in their places; where it is only run, it holds them once.
class ImplicitLinear final : public Layer {
public:
    /// `weight`: a matrix of outputs × inputs. Throws Error where it is none, and on damaged bytes.
    ImplicitLinear(Device device, std::string name, const PackedTensor& weight, bool bias, Use use,
                   std::int64_t max_batch, std::int64_t block_rows);

    std::string_view kind() const override { return "implicit-linear"; }
    std::int64_t inputs() const override { return weights_.columns(); }
    std::int64_t outputs() const override { return weights_.rows(); }
    void forward(std::int64_t batch, const LayerInput& x, float* y, bool training) override;
    /// Throws Error on a weight of two factors as well.
    void backward(std::int64_t batch, const float* dy, float* dx) override;
    /// The kept numbers (places × 1, or × 2 for complex ones) where they are trained; and the bias, where
    /// there is one.
    std::vector<Parameter*> parameters() override;

    const ImplicitWeights& weights() const { return weights_; }
    std::int64_t block_rows() const { return block_rows_; }
    void set_block_rows(std::int64_t rows) { block_rows_ = rows; }

private:
    Device device_;
    ImplicitWeights weights_;
    std::int64_t block_rows_;
    InputRows input_;
    std::vector<Parameter> numbers_, bias_;  ///< none or one
    Tensor padded_gradient_;
    const float* kept_ = nullptr;  ///< input of the last training pass
};

}  // namespace spectral
