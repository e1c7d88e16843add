// PureFFT on complex spectra: pattern pool, layer patterns and class patterns with a phase. With
//   w_ℓ = softmax_p(Re Σ_f P[p,f] conj A[ℓ,f])     g_ℓ[f] = Σ_p w_ℓ[p] P[p,f]
//   x ← x ⊙ g_ℓ for every layer                      logits[b,k] = Re Σ_f x[b,f] conj C[k,f]
// Of real patterns and real x this is PureFFT.
#pragma once

#include "engine/nn/input_rows.hpp"
#include "engine/nn/layer.hpp"

namespace spectral {

/// Rows of 2·bins values, the real and the imaginary part of a bin side by side, in; class scores out. Rows
/// of the parameters are alike. pool: patterns × 2·bins, layer_patterns: layers × 2·bins, class_patterns:
/// classes × 2·bins.
class ComplexPureFftLayer final : public Layer {
public:
    /// Real parts start as cosine_rows, imaginary ones at zero.
    ComplexPureFftLayer(Device device, std::string name, std::int64_t patterns, std::int64_t layers,
                        std::int64_t bins, std::int64_t classes, std::int64_t max_batch,
                        Use use = Use::train);

    std::string_view kind() const override { return "purefft-complex"; }
    Json config() const override { return {{"patterns", patterns_}, {"layers", layers_}}; }
    std::int64_t inputs() const override { return 2 * bins_; }
    std::int64_t outputs() const override { return class_.value.shape()[0]; }
    void forward(std::int64_t batch, const LayerInput& x, float* y, bool training) override;
    void backward(std::int64_t batch, const float* dy, float* dx) override;
    std::vector<Parameter*> parameters() override { return {&pool_, &layer_, &class_}; }
    std::vector<PatternSnapshot::Matrix> patterns() override;

private:
    /// Softmax weights, gains of the layers and their products, and from these the rows that inputs are
    /// multiplied with: Re Σ x g conj C is the real product of x with conj(g)·C.
    void collapse();
    Complex* gain(std::int64_t layer) const { return gains_.complex_data() + layer * bins_; }
    /// g_0 ⊙ … ⊙ g_layer.
    Complex* product(std::int64_t layer) const { return products_.complex_data() + layer * bins_; }

    Device device_;
    std::int64_t patterns_, layers_, bins_;
    Parameter pool_, layer_, class_;
    Tensor weights_, gains_, products_, collapsed_;
    Tensor collapsed_gradient_, product_gradient_, gain_gradients_, weight_gradients_;  ///< for training
    InputRows input_;
    LayerInput kept_;  ///< of the last training pass
};

}  // namespace spectral
