// A classifier made of a stack of layers: softmax and negative log-likelihood on every row of class scores.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "engine/nn/model.hpp"
#include "engine/nn/sequential.hpp"

namespace spectral {

class NetworkModel final : public Model {
public:
    /// The last layer gives `predictions` × request.classes values for each sample. Throws Error where it
    /// gives others.
    NetworkModel(const ModelRequest& request, std::vector<std::unique_ptr<Layer>> layers,
                 std::int64_t predictions = 1);

    void train_batch(const Batch& batch, LossSums* sums) override;
    void infer(const Batch& batch, float* logits) override;
    std::int64_t predictions() const override { return predictions_; }
    std::vector<Layer*> layers() override { return network_.children(); }
    std::vector<std::unique_ptr<Layer>> take_layers() && { return std::move(network_).take_children(); }
    /// What the first layer that has patterns shows; where none has, the first matrix, one row per output.
    std::vector<PatternSnapshot::Matrix> patterns() override;

private:
    Device device_;
    Sequential network_;
    std::int64_t predictions_, classes_;
    Tensor logits_;
};

}  // namespace spectral
