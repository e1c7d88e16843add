// A model: named parameters, a network, and what a batch of features does to them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/schema.hpp"
#include "engine/core/tensor.hpp"
#include "engine/nn/layer.hpp"
#include "engine/nn/pattern_snapshot.hpp"
#include "kernels/ops/fft.hpp"
#include "kernels/ops/loss.hpp"

namespace spectral {

struct ModelRequest {
    Device device;
    Json options;       ///< completed
    SignalShape shape;  ///< of a sample's features
    std::int64_t classes = 0;
    std::int64_t max_batch = 0;
    std::uint64_t seed = 0;
    int threads = 1;
    Use use = Use::train;

    /// Features per sample.
    std::int64_t inputs() const { return shape.size(); }
};

/// A batch of feature rows, chosen by index from a feature matrix.
struct Batch {
    std::int64_t size = 0;
    const float* x = nullptr;
    std::int64_t stride = 0;
    const std::uint32_t* rows = nullptr;  ///< device memory; null: rows 0, 1, …
    /// Device memory, in batch order: size × Model::predictions().
    const std::int32_t* labels = nullptr;
    /// Counted from 1: what is drawn in a step (dropout) is drawn by its number.
    std::int64_t step = 0;
};

class Model {
public:
    Model() = default;
    Model(const Model&) = delete;
    Model& operator=(const Model&) = delete;
    virtual ~Model() = default;

    /// Gradients of the mean loss into every parameter's gradient; `sums` (device memory) gets the batch's
    /// sums.
    virtual void train_batch(const Batch& batch, LossSums* sums) = 0;
    /// logits: size × predictions() × classes, device memory.
    virtual void infer(const Batch& batch, float* logits) = 0;

    /// Rows of class scores for each sample. A model of sequences has one for every token of a window, which
    /// tells the next.
    virtual std::int64_t predictions() const { return 1; }
    /// The network's layers, in order.
    virtual std::vector<Layer*> layers() = 0;
    /// Matrices for a page of learned patterns, their origins named by layer and parameter; empty when the
    /// model has nothing to show there.
    virtual std::vector<PatternSnapshot::Matrix> patterns() = 0;

    /// The mean over the layers that have one.
    std::optional<double> syntony();
    /// weight·(1 − syntony) of every layer whose syntony has a gradient, beside the loss, which stays what it
    /// is. False where there is no such layer.
    bool pull_to_syntony(double weight);
    std::vector<Parameter*> parameters();
    /// Values that are trained.
    std::int64_t parameter_count();
};

}  // namespace spectral
