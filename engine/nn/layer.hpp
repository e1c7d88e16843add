// A layer: explicit forward and backward on batches of rows, no tape.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/schema.hpp"
#include "engine/core/tensor.hpp"
#include "engine/nn/pattern_snapshot.hpp"

namespace spectral {

/// What a layer is made for: one that is only run holds nothing that training needs.
enum class Use { run, train };

/// A tensor of a layer and the gradient of the loss by it, where it is trained.
struct Parameter {
    std::string name;  ///< within its layer: "weight"
    Tensor value, gradient;
    /// False: training passes move it themselves, as a norm its running mean. It has no gradient, no
    /// optimiser touches it and it counts as no parameter, but it is part of the model and of its file.
    bool trained = true;

    Parameter(Device device, std::string parameter_name, Shape shape, std::string_view layer,
              Use use = Use::train);
    static Parameter statistic(Device device, std::string name, Shape shape, std::string_view layer);
};

/// A parameter of rank 2 as a page shows it, each row a pattern; its origin is named as the layer names it.
PatternSnapshot::Matrix rows_of_parameter(const Parameter& parameter, std::string name, std::string title,
                                          std::string row_axis, std::string column_axis, Device device);

/// Rows of `x` are `stride` floats apart; `rows` (device memory) picks and orders them, null takes 0, 1, ….
struct LayerInput {
    const float* x = nullptr;
    std::int64_t stride = 0;
    const std::uint32_t* rows = nullptr;
};

class Layer;
/// "purefft/pool": unique within a model, and what files and lists call the parameter.
std::string tensor_name(const Layer& layer, const Parameter& parameter);

class Layer {
public:
    explicit Layer(std::string name, Use use = Use::train) : name_(std::move(name)), use_(use) {}
    Layer(const Layer&) = delete;
    Layer& operator=(const Layer&) = delete;
    virtual ~Layer() = default;

    const std::string& name() const { return name_; }
    virtual std::string_view kind() const = 0;
    virtual Json config() const { return Json::object(); }
    virtual std::int64_t inputs() const = 0;
    virtual std::int64_t outputs() const = 0;

    /// y: batch × outputs, contiguous. A `training` pass may keep what backward needs; x must live until
    /// then.
    virtual void forward(std::int64_t batch, const LayerInput& x, float* y, bool training) = 0;
    /// After a training forward of the same batch. dy: batch × outputs; dx: batch × inputs, contiguous, or
    /// null when nobody needs it. Overwrites the parameters' gradients. Throws Error on a layer that is only
    /// run.
    virtual void backward(std::int64_t batch, const float* dy, float* dx) = 0;

    virtual std::vector<Parameter*> parameters() { return {}; }
    /// The layers that this one is made of, in order; empty where it is made of none.
    virtual std::vector<Layer*> children() const { return {}; }
    /// Before the passes of training step `step`, counted from 1: who draws random numbers draws by it.
    virtual void begin_step(std::int64_t /*step*/) {}
    /// Matrices for a page of learned patterns, their origins named as parameters() names them; empty where
    /// there is nothing to show.
    virtual std::vector<PatternSnapshot::Matrix> patterns() { return {}; }
    /// From 0 to 1, as syntony.hpp has it; nothing where it means nothing. Waits for queued operations.
    virtual std::optional<double> syntony() { return std::nullopt; }
    /// From here on backward adds weight · ∂(1 − syntony())/∂θ to the gradients. False, and nothing changes,
    /// where that has no gradient. Not of a layer that is only run.
    virtual bool pull_to_syntony(double /*weight*/) { return false; }

protected:
    /// Throws Error where the layer is only run; for backward().
    void require_trained() const;

private:
    std::string name_;
    Use use_;
};

}  // namespace spectral
