// PureFFT whose gains are each sample's own. With x[b,f] a sample's magnitudes over F frequencies,
//   u[b,f] = √F · x[b,f] / ‖x[b]‖₂                    w_ℓ[b] = softmax_p(Σ_f u[b,f] P[p,f] A[ℓ,f])
//   g_ℓ[b,f] = Σ_p w_ℓ[b,p] P[p,f]                     x[b] ← x[b] ⊙ g_ℓ[b] for every layer
//   logits[b,k] = Σ_f x[b,f] C[k,f]
// Of a flat spectrum, u = 1, this is PureFFT.
#pragma once

#include "engine/nn/layer.hpp"

namespace spectral {

/// Magnitudes in, class scores out. pool: patterns × frequencies, layer_patterns: layers × frequencies,
/// class_patterns: classes × frequencies.
class SampleGainPureFftLayer final : public Layer {
public:
    /// Parameters start as cosine_rows.
    SampleGainPureFftLayer(Device device, std::string name, std::int64_t patterns, std::int64_t layers,
                           std::int64_t frequencies, std::int64_t classes, std::int64_t max_batch,
                           Use use = Use::train);

    std::string_view kind() const override { return "purefft-per-sample"; }
    Json config() const override { return {{"patterns", patterns_}, {"layers", layers_}}; }
    std::int64_t inputs() const override { return frequencies_; }
    std::int64_t outputs() const override { return class_.value.shape()[0]; }
    void forward(std::int64_t batch, const LayerInput& x, float* y, bool training) override;
    /// Features are data: dx must be null.
    void backward(std::int64_t batch, const float* dy, float* dx) override;
    std::vector<Parameter*> parameters() override { return {&pool_, &layer_, &class_}; }
    std::vector<PatternSnapshot::Matrix> patterns() override;

private:
    /// P[p] ⊙ √F·A[ℓ] in row ℓ·patterns + p, and its factors.
    void spread();
    std::int64_t mixes() const { return layers_ * patterns_; }
    /// What layer ℓ is given; ℓ = layers: what the classes are read from. Only run, all are the same place.
    float* signal(std::int64_t layer) const;
    float* gain(std::int64_t layer) const;

    Device device_;
    std::int64_t patterns_, layers_, frequencies_;
    std::int64_t padded_;  ///< frequencies, or one more where they are odd: rows of complex pairs
    Parameter pool_, layer_, class_;
    Tensor pool_of_mix_, layer_of_mix_;  ///< which row each mix takes; of layers times √F
    Tensor pools_, layers_rows_, mixed_;
    Tensor normalised_, norms_, weights_, signals_, gains_;
    Buffer scratch_;
    Tensor mix_gradients_, along_, weight_gradients_, signal_gradient_, gain_gradient_;  ///< for training
};

}  // namespace spectral
