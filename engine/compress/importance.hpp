// How much an error in a tensor matters to what the model says.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/core/tensor.hpp"

namespace spectral {

/// The damage of an error ΔW is scale·Σ column[j]·ΔW[…,j]².
struct Importance {
    double scale = 1;
    /// By place along the last axis; empty: 1 each. Of a linear layer the mean square of its input j, so that
    /// the sum is the mean square of what the error adds to its output.
    std::vector<float> column;

    double damage(const HostTensor& whole, const HostTensor& stored) const;
};

/// By "layer/tensor"; a tensor that is not named has importance 1.
using Importances = std::map<std::string, Importance>;

}  // namespace spectral
