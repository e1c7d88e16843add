// Syntony: how much of a vector, a layer or an attention row is in tune, as numbers from 0 to 1.
#pragma once

#include <span>
#include <vector>

namespace spectral {

/// Σ|ψ_i|²·e^{−n_i²/φ} / Σ|ψ_i|², n_i the norm of mode i; 0 where all of ψ is 0. Throws Error where there are
/// not as many norms as values.
double syntony(std::span<const float> values, std::span<const double> mode_norms);

/// clamp(1 − ‖D(x) − x‖ / (‖D(x) − H(D(x))‖ + ε), 0, 1) of a layer that differentiates (D) and harmonises
/// (H). Throws Error where the three differ in size.
double layer_syntony(std::span<const float> x, std::span<const float> differentiated,
                     std::span<const float> harmonised, double epsilon = 1e-6);

/// H(p) = −Σ p·ln p, in nats, of every row of `places` weights: 0 where a row looks at one place, ln T where
/// it looks at T all alike. Throws Error where the weights are not whole rows.
std::vector<double> attention_entropy(std::span<const float> weights, std::size_t places);

/// 1 − H(p)/ln T for every row of T weights, H their entropy: 1 where a row looks at one place, 0
/// where it looks at all alike. Of a single place, 1.
std::vector<double> attention_syntony(std::span<const float> weights, std::size_t places);

}  // namespace spectral
