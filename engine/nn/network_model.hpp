// A classifier made of a stack of layers: softmax and negative log-likelihood on its output.
#pragma once

#include <memory>
#include <vector>

#include "engine/nn/model.hpp"
#include "engine/nn/sequential.hpp"

namespace spectral {

class NetworkModel final : public Model {
public:
    NetworkModel(const ModelRequest& request, std::vector<std::unique_ptr<Layer>> layers);

    void train_batch(const Batch& batch, LossSums* sums) override;
    void infer(const Batch& batch, float* logits) override;
    std::vector<Layer*> layers() override { return network_.children(); }
    /// The first layer's weight, one row per output.
    std::vector<PatternSnapshot::Matrix> patterns() override;

private:
    Device device_;
    Sequential network_;
    Tensor logits_;
};

}  // namespace spectral
