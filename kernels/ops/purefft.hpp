// PureFFT: pattern pool, layer patterns and class patterns on spectral magnitudes. With
//   w_ℓ = softmax_p(Σ_f P[p,f] A[ℓ,f])     g_ℓ[f] = Σ_p w_ℓ[p] P[p,f]
//   x ← x ⊙ g_ℓ for every layer             logits[b,k] = Σ_f x[b,f] C[k,f]
#pragma once

#include "kernels/types.hpp"

namespace spectral {

struct PureFftSizes {
    std::int64_t batch = 0;
    std::int64_t patterns = 0;
    std::int64_t layers = 0;
    std::int64_t classes = 0;
    std::int64_t frequencies = 0;
};

/// pool: patterns × frequencies, layer: layers × frequencies, class_: classes × frequencies.
struct PureFftParameters {
    const float* pool = nullptr;
    const float* layer = nullptr;
    const float* class_ = nullptr;
};

struct PureFftGradients {
    float* pool = nullptr;
    float* layer = nullptr;
    float* class_ = nullptr;
};

/// logits: batch × classes.
struct PureFftForward {
    static constexpr std::string_view name = "purefft_forward";
    PureFftSizes sizes;
    PureFftInput input;
    PureFftParameters parameters;
    float* logits = nullptr;
    float* scratch = nullptr;  ///< scratch_size(sizes, level, threads) floats, 64-byte aligned
    Cost cost() const;
};

/// Gradients of a loss whose derivative by the logits is `d_logits` (batch × classes); overwrites
/// `gradients`.
struct PureFftBackward {
    static constexpr std::string_view name = "purefft_backward";
    PureFftSizes sizes;
    PureFftInput input;
    PureFftParameters parameters;
    const float* d_logits = nullptr;
    PureFftGradients gradients;
    float* scratch = nullptr;
    Cost cost() const;
};

/// One training step short of the optimiser: forward, mean negative log-likelihood, backward.
/// `labels[b]` belongs to entry b of the batch. `logits` receives batch × classes values of working memory.
struct PureFftStep {
    static constexpr std::string_view name = "purefft_step";
    PureFftSizes sizes;
    PureFftInput input;
    PureFftParameters parameters;
    const std::int32_t* labels = nullptr;
    float* logits = nullptr;
    PureFftGradients gradients;
    LossSums* sums = nullptr;
    float* scratch = nullptr;
    Cost cost() const;
};

/// Collapsed gain g[f] = Π_ℓ g_ℓ[f] and the softmax weights w (layers × patterns): what the network is.
struct PureFftGain {
    static constexpr std::string_view name = "purefft_gain";
    PureFftSizes sizes;
    PureFftParameters parameters;
    float* weights = nullptr;
    float* gain = nullptr;
    float* scratch = nullptr;
    Cost cost() const;
};

/// Samples that a level may keep of a batch at once.
inline constexpr std::int64_t kPureFftTile = 64;

/// Rows of padded_columns(frequencies) floats that each part of the work keeps: ∂class patterns, ∂gain, a
/// tile.
constexpr std::int64_t purefft_part_rows(const PureFftSizes& sizes) {
    return sizes.classes + 1 + kPureFftTile;
}

/// Floats of scratch that any of the operations above needs at `level` (best: the most of levels 2 to 5) on a
/// backend with that many threads(). Level 1 keeps the batch × patterns × frequencies temporaries of the
/// literal formula.
std::int64_t purefft_scratch_size(const PureFftSizes& sizes, Level level, int parts);

}  // namespace spectral
