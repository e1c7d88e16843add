// Steps that a pattern is moved by: evolution under a force, a Ricci-type step of a metric, and heat flow in
// frequency.
#pragma once

#include "kernels/types.hpp"

namespace spectral {

/// y[i] = clamp(p[i] + f[i]·e^{−p[i]²·stability}·rate, −1, 1): the force moves values near zero most. y may
/// be p or f.
struct EvolvePattern {
    static constexpr std::string_view name = "evolve_pattern";
    std::int64_t size = 0;
    float rate = 0, stability = 0;
    const float* p = nullptr;
    const float* f = nullptr;
    float* y = nullptr;
    Cost cost() const;
};

/// y[b,i,j] = −2·rate·Σ_k Σ_l g[b,i,l]·Γ[b,l,j,k]: as the sums over k come first, one small matrix product a
/// point.  g and y: batch × m × m, Γ: batch × m × m × m, m = `dimension` ≤ kMaxRicciDimension; with
/// `constant_metric` g is one m × m for all.
struct RicciStep {
    static constexpr std::string_view name = "ricci_step";
    std::int64_t batch = 0, dimension = 0;
    bool constant_metric = false;
    float rate = 0;
    const float* metric = nullptr;
    const float* connection = nullptr;
    float* y = nullptr;
    Cost cost() const;
};
inline constexpr std::int64_t kMaxRicciDimension = 32;

/// A constant metric's inverse in two dimensions: kᵀ g⁻¹ k = rows·k₀² + 2·mixed·k₀k₁ + columns·k₁².
struct InverseMetric {
    float rows = 1, mixed = 0, columns = 1;
};

/// y[k] = x[k]·e^{−4π²·time·kᵀ g⁻¹ k} on the half spectrum of a rows × columns signal: rows × (columns/2+1),
/// k in cycles per sample. Where one of them is half a cycle, ±½ are the same bin and the factor is the mean
/// of theirs, which keeps the signal real. x and y may be the same.
struct HeatFlow {
    static constexpr std::string_view name = "heat_flow";
    std::int64_t rows = 0, columns = 0;
    float time = 0;
    InverseMetric inverse;
    const Complex* x = nullptr;
    Complex* y = nullptr;
    Cost cost() const;
};

}  // namespace spectral
