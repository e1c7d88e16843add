// A pattern that moves: evolution under a force, a Ricci-type step, and heat flow, with what is measured on
// the way. The plane is periodic and has a constant metric.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/core/tensor.hpp"

namespace spectral {

/// g of a plane: rows is g₀₀, along the pattern's rows, columns g₁₁, mixed g₀₁ = g₁₀. Distances in samples.
struct PlaneMetric {
    double rows = 1, columns = 1, mixed = 0;
};

struct PatternMeasures {
    double energy = 0;  ///< Σ p²
    double entropy = 0;  ///< −Σ e ln e in nats, e the shares of the bins of the whole spectrum in the energy
    double height = 0;  ///< ln of the largest over the smallest magnitude of the spectrum that is not zero
};

/// A step that throws leaves the pattern as it was.
class PatternDynamics {
public:
    /// Of rank 1 (one row) or 2. Throws Error on another rank, on an empty pattern, and where a value is not
    /// finite.
    PatternDynamics(Device device, const HostTensor& pattern, std::string_view holder = "pattern dynamics");

    /// ∂p/∂t = Δ_g p, exactly, for `time` ≥ 0. Throws BadValue naming "time" or "metric" (not positive
    /// definite), or "time" where the pattern would grow beyond all numbers.
    void flow_heat(double time, const PlaneMetric& metric);
    /// One step of p ← clamp(p + f·e^{−p²·stability}·rate, −1, 1). The force f is what heat does to the
    /// pattern in `time`, per unit of it: (e^{tΔ} − 1)p/t. Throws as flow_heat(), and naming "rate" or
    /// "stability" where they are not finite or negative.
    void evolve(double rate, double stability, double time, const PlaneMetric& metric);
    /// One Ricci-type step of the metric e^{2p}·g, whose connection of the first kind is
    ///   Γ_l,jk = e^{2p}(∂_j p·g_lk + ∂_k p·g_lj − ∂_l p·g_jk)   (central differences),
    /// with out_ij = −2·rate·Σ_k Σ_l e^{2p}g_il·Γ_l,jk; the pattern moves by what that changes its factor,
    /// ¼·e^{−2p}·Σ_ij g^ij·out_ij, since e^{2p} changes by 2e^{2p} a unit of p and the trace counts two axes.
    /// Throws as evolve().
    void step_ricci(double rate, const PlaneMetric& metric);

    const Shape& shape() const { return shape_; }
    HostTensor pattern() const;
    PatternMeasures measure() const;

private:
    void move_by_heat(double time, const PlaneMetric& metric);  ///< into moved_
    /// Takes it where all its numbers are finite; else blames `field`.
    void settle(const HostTensor& after, const char* field);

    Device device_;
    Shape shape_;
    std::int64_t rows_, columns_;
    Tensor pattern_, moved_, spectrum_;
};

}  // namespace spectral
