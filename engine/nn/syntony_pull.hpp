// A regulariser that pulls modes into tune: weight·(1 − S) beside the loss, S the syntony of a matrix.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "engine/core/tensor.hpp"
#include "engine/nn/layer.hpp"

namespace spectral {

/// Of a matrix W whose columns are modes of norm n_c, rows of even length:
///   S = Σ W[r,c]²·e^{−n_c²/φ} / Σ W[r,c]²,   as syntony() has it over all of its values.
class SyntonyPull {
public:
    /// `holder` names it in the memory budget. Throws Error where the rows are not of even length.
    SyntonyPull(Device device, const std::string& holder, std::int64_t rows,
                std::span<const double> column_norms, double weight);

    /// gradient += weight · ∂(1 − S)/∂W; nothing where all of W is 0.
    void add_gradient(Parameter& matrix);

private:
    Device device_;
    float weight_;
    Tensor slopes_;  ///< ∂(1 − S)/∂V of V = W/‖W‖ over V, one value for each of W: −2·e^{−n²/φ}
    Tensor normalised_, gradient_, norm_;
    Buffer scratch_;
};

}  // namespace spectral
