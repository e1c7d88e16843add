// PureFFT: pattern pool, layer patterns and class patterns on spectral magnitudes.
#pragma once

#include "engine/nn/model.hpp"
#include "kernels/ops/purefft.hpp"

namespace spectral {

struct PureFftConfig {
    std::int64_t patterns = 8, layers = 2;
    /// Of what the class scores are made of: tf32 and bf16 where the backend has tensor cores for them, else
    /// best.
    Level precision = Level::best;
};

/// The source's start, row i of n: 0.02·cos(2π·i·t/n). Rows differ from each other and not from run to run.
HostTensor cosine_rows(const Shape& shape);

/// As a layer: frequencies in, class scores out. Inputs must have rows padded to kRowAlignment
/// (PureFftInput).
class PureFftLayer final : public Layer {
public:
    /// Parameters start as cosine_rows.
    PureFftLayer(Device device, std::string name, const PureFftConfig& config, std::int64_t frequencies,
                 std::int64_t classes, std::int64_t max_batch, Use use = Use::train);

    std::string_view kind() const override { return "purefft"; }
    Json config() const override;
    std::int64_t inputs() const override { return class_.value.shape()[1]; }
    std::int64_t outputs() const override { return class_.value.shape()[0]; }
    void forward(std::int64_t batch, const LayerInput& x, float* y, bool training) override;
    /// Features are data: dx must be null.
    void backward(std::int64_t batch, const float* dy, float* dx) override;
    std::vector<Parameter*> parameters() override { return {&pool_, &layer_, &class_}; }

    /// Forward, loss and backward in one operation; `labels` and `sums` in device memory.
    void train_batch(std::int64_t batch, const LayerInput& x, const std::int32_t* labels, LossSums* sums);

    /// Softmax weights (layers × patterns) and collapsed gain (1 × frequencies).
    struct Gain {
        HostTensor weights, gain;
    };
    Gain gain();

private:
    PureFftSizes sizes(std::int64_t batch) const;
    PureFftParameters values() const;
    PureFftGradients gradients();

    Device device_;
    PureFftConfig config_;
    Level level_;  ///< at which class scores are computed
    Parameter pool_, layer_, class_;
    Tensor logits_, scratch_;
    LayerInput kept_;
};

class PureFftModel final : public Model {
public:
    PureFftModel(const ModelRequest& request);

    void train_batch(const Batch& batch, LossSums* sums) override;
    void infer(const Batch& batch, float* logits) override;
    std::vector<Layer*> layers() override { return {&layer_}; }
    std::vector<PatternSnapshot::Matrix> patterns() override;

private:
    Device device_;
    PureFftLayer layer_;
};

}  // namespace spectral
