// Optimisers: from gradients to new parameters, with their state in tensors that a checkpoint keeps.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/nn/layer.hpp"
#include "kernels/ops/optimiser.hpp"

namespace spectral {

struct OptimiserInfo {
    std::string name;  ///< "adam"
    std::string title;
    std::string help;
    double default_learning_rate = 0;
};

const std::vector<OptimiserInfo>& optimiser_registry();

/// Throws Error that lists the known ones.
const OptimiserInfo& find_optimiser(std::string_view name);

class Optimiser {
public:
    struct State {
        std::string name;  ///< "adam_m_0"
        Tensor* tensor;
    };

    Optimiser() = default;
    Optimiser(const Optimiser&) = delete;
    Optimiser& operator=(const Optimiser&) = delete;
    virtual ~Optimiser() = default;

    /// One update of every parameter; `step` counts from 1. Nothing changes where the verdict, in backend
    /// memory, is not finite; null: update in any case.
    virtual void update(std::int64_t step, double learning_rate, const StepVerdict* verdict = nullptr) = 0;
    virtual std::vector<State> state() = 0;
    /// What is kept about `count` values of a parameter from `first` on begins at 0 again. Adam's bias
    /// correction goes by the step all the same: late in a run such values take larger steps at first, about
    /// √10 of its rate, as long as the gradients keep their sign.
    void forget(Backend& backend, const Parameter& parameter, std::int64_t first, std::int64_t count);

    /// All parameters with their gradients, and what is kept about them.
    std::span<const ParameterSlot> slots() const { return slots_; }

protected:
    std::vector<ParameterSlot> slots_;
};

/// `momentum` is used by sgd only. The parameters outlive the optimiser, and their tensors stay where they
/// are.
std::unique_ptr<Optimiser> make_optimiser(std::string_view name, Device device,
                                          const std::vector<Parameter*>& parameters, double momentum);

}  // namespace spectral
