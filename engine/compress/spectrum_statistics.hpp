// How much structure a tensor has, in three numbers: what its spectrum and its singular values tell before
// any method is tried.
#pragma once

#include <optional>

#include "engine/core/tensor.hpp"

namespace spectral {

/// Of E = Σ|c|² over all N = size frequencies of the orthonormal Fourier transform along all axes.
struct SpectrumStatistics {
    /// Share of E in the tenth of the frequencies (at least one) nearest to zero: by √Σ f², with f = min(k, n
    /// − k)/n along each axis; of those equally far away that only partly fit, that part. White noise has
    /// 0.1.
    double low_energy = 0;
    /// −Σ p·ln p / ln N with p = |c|²/E: 0 where one frequency has all, 1 where all have the same; white
    /// noise has 1 − 0.42/ln N. Of a single value 0.
    double entropy = 0;
    /// exp(−Σ p·ln p) with p = σ²/Σσ² over the singular values of the matrix (first axis × all others); after
    /// Roy & Vetterli 2007, "The effective rank", who take σ. Nothing where the matrix is too large for it.
    std::optional<double> effective_rank;
};

/// Nothing of a tensor without axes, values or energy, and of one whose values or their sums are not finite.
/// Throws Error on more values than 32 bits count, OutOfMemory where the budget has no room.
std::optional<SpectrumStatistics> spectrum_statistics(Device device, const HostTensor& dense);

}  // namespace spectral
