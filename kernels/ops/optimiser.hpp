// The end of a training step: is it fit to be applied, and the update of all parameters at once. The lists of
// parameters are in host memory and are read while the operation is queued; what they point to is the
// backend's.
#pragma once

#include <cmath>
#include <span>

#include "kernels/types.hpp"

namespace spectral {

/// What a training step came to. Updates that are given a verdict change nothing unless it is finite.
struct StepVerdict {
    LossSums sums;
    double squared_gradient = 0;  ///< Σ of squares over all parameters

    bool finite() const { return std::isfinite(sums.loss) && std::isfinite(squared_gradient); }
};

/// A parameter and what an optimiser keeps about it: `size` values each.
struct ParameterSlot {
    std::int64_t size = 0;
    const float* g = nullptr;  ///< gradient
    float* w = nullptr;        ///< updated in place, like the moments
    float* m = nullptr;        ///< first moment; momentum has none
    float* v = nullptr;        ///< second moment, or velocity
};

/// *verdict = {*sums, Σ g²} over all parameters, squares and sum in double, in a fixed order.
struct JudgeStep {
    static constexpr std::string_view name = "judge_step";
    std::span<const ParameterSlot> parameters{};
    const LossSums* sums = nullptr;
    StepVerdict* verdict = nullptr;
    Cost cost() const;
};

/// Adam (Kingma & Ba 2015) with bias correction: m ← β₁m+(1−β₁)g, v ← β₂v+(1−β₂)g²,
/// w ← w − lr · (m/(1−β₁ᵗ)) / (√(v/(1−β₂ᵗ)) + ε). `step` is t, counted from 1.
struct Adam {
    static constexpr std::string_view name = "adam";
    std::span<const ParameterSlot> parameters{};
    std::int64_t step = 1;
    float learning_rate = 1e-3F, beta1 = 0.9F, beta2 = 0.999F, epsilon = 1e-8F;
    const StepVerdict* verdict = nullptr;  ///< null: update in any case
    Cost cost() const;
};

/// v ← momentum·v + g, w ← w − lr·v. Plain SGD with momentum 0; golden momentum with momentum 1/φ.
struct MomentumUpdate {
    static constexpr std::string_view name = "momentum_update";
    std::span<const ParameterSlot> parameters{};
    float learning_rate = 0.01F, momentum = 0;
    const StepVerdict* verdict = nullptr;  ///< null: update in any case
    Cost cost() const;
};

}  // namespace spectral
