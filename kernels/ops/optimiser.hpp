// One update of a parameter vector. g: gradient, w: parameter, in place.
#pragma once

#include <cmath>

#include "kernels/types.hpp"

namespace spectral {

/// What a training step came to. Updates that are given a verdict change nothing unless it is finite.
struct StepVerdict {
    LossSums sums;
    double squared_gradient = 0;  ///< Σ of squares over all parameters

    bool finite() const { return std::isfinite(sums.loss) && std::isfinite(squared_gradient); }
};

/// *verdict = {*sums, Σ squares[i]}.
struct JudgeStep {
    static constexpr std::string_view name = "judge_step";
    std::int64_t parameters = 0;
    const LossSums* sums = nullptr;
    const double* squares = nullptr;
    StepVerdict* verdict = nullptr;
    Cost cost() const;
};

/// Adam (Kingma & Ba 2015) with bias correction: m ← β₁m+(1−β₁)g, v ← β₂v+(1−β₂)g²,
/// w ← w − lr · (m/(1−β₁ᵗ)) / (√(v/(1−β₂ᵗ)) + ε). `step` is t, counted from 1.
struct Adam {
    static constexpr std::string_view name = "adam";
    std::int64_t size = 0;
    std::int64_t step = 1;
    float learning_rate = 1e-3F, beta1 = 0.9F, beta2 = 0.999F, epsilon = 1e-8F;
    const float* g = nullptr;
    float* w = nullptr;
    float* m = nullptr;
    float* v = nullptr;
    const StepVerdict* verdict = nullptr;  ///< null: update in any case
    Cost cost() const;
};

/// v ← momentum·v + g, w ← w − lr·v. Plain SGD with momentum 0; golden momentum with momentum 1/φ.
struct MomentumUpdate {
    static constexpr std::string_view name = "momentum_update";
    std::int64_t size = 0;
    float learning_rate = 0.01F, momentum = 0;
    const float* g = nullptr;
    float* w = nullptr;
    float* v = nullptr;
    const StepVerdict* verdict = nullptr;  ///< null: update in any case
    Cost cost() const;
};

/// *y = Σ x[i]², accumulated in double, in a fixed order.
struct SumSquares {
    static constexpr std::string_view name = "sum_squares";
    std::int64_t size = 0;
    const float* x = nullptr;
    double* y = nullptr;
    Cost cost() const;
};

}  // namespace spectral
