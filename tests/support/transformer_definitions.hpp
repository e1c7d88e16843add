// Definitions of what transformers are made of, in double precision, and their gradients as difference
// quotients.
#pragma once

#include <cstdint>

#include "tests/support/definitions.hpp"

namespace spectral::definition {

/// Along the middle axis of outer × axis × inner values; 0 where all are −∞.
Doubles softmax(const Doubles& x, std::int64_t outer, std::int64_t axis, std::int64_t inner);

/// scale·gain·(x − mean)/√(variance + ε) + shift per row of scale.size() values.
Doubles layer_norm(const Doubles& x, const Doubles& scale, const Doubles& shift, double epsilon, double gain);

/// Σ a·b.
double dot(const Doubles& a, const Doubles& b);

/// The slope of `loss()` along each of `values`, which it reads.
template <class Loss>
Doubles difference_quotients(Doubles& values, const Loss& loss) {
    constexpr double kStep = 1e-5;
    Doubles slopes;
    for (double& value : values) {
        const double start = value;
        value = start + kStep;
        const double after = loss();
        value = start - kStep;
        slopes.push_back((after - loss()) / (2 * kStep));
        value = start;
    }
    return slopes;
}

}  // namespace spectral::definition
