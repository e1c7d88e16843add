// From tokens to vectors: rows of a table, winding features that need none, and the harmonisation of either.
// Tokens come as features do: whole numbers in rows of floats.
#pragma once

#include "kernels/ops/blocks.hpp"
#include "kernels/types.hpp"

namespace spectral {

/// Rows of `context` tokens, `stride` floats apart; `rows` picks them, null: rows 0, 1, ….
struct TokenRows {
    std::int64_t batch = 0, context = 0;
    const float* x = nullptr;
    std::int64_t stride = 0;
    const std::uint32_t* rows = nullptr;

    std::int64_t count() const { return batch * context; }
};

/// y[i,:] = scale·table[t_i,:] for every token t_i, row after row; table: vocabulary × width. A token that
/// the table does not hold gives a row that is not a number. row[i] is t_i, or `vocabulary` where t_i is the
/// padding (−1: none is) or not in the table: what ScatterAddRows leaves out.
struct EmbedTokens {
    static constexpr std::string_view name = "embed_tokens";
    TokenRows tokens;
    std::int64_t vocabulary = 0, width = 0, padding = -1;
    float scale = 1;
    const float* table = nullptr;
    std::uint32_t* row = nullptr;
    float* y = nullptr;
    Cost cost() const;
};

/// y[i,2j] = cos(2π·w_j·t_i/V), y[i,2j+1] = sin(2π·w_j·t_i/V) for every token t_i, any whole number, from the
/// exact remainder of w_j·t_i by V; 1 ≤ w_j, V ≤ 2^24. What is no number gives none.
struct WindingFeatures {
    static constexpr std::string_view name = "winding_features";
    TokenRows tokens;
    std::int64_t vocabulary = 1, windings = 0;
    const std::int64_t* winding = nullptr;
    float* y = nullptr;
    Cost cost() const;
};

/// y = x − β·σ(h) + γ·tanh(s), σ(h) = 1/(1 + e^{−h}). x and y may be the same; beta, gamma: one value each.
struct Harmonise {
    static constexpr std::string_view name = "harmonise";
    std::int64_t size = 0;
    const float* x = nullptr;
    const float* h = nullptr;
    const float* s = nullptr;
    const float* beta = nullptr;
    const float* gamma = nullptr;
    float* y = nullptr;
    Cost cost() const;
};

/// dh = −β·σ(h)σ(−h)·dy, ds = γ·(1 − tanh² s)·dy, dβ = −Σ σ(h)·dy, dγ = Σ tanh(s)·dy, summed in double in an
/// order of its own; the gradient by x is dy. dh may be h, ds may be s. `scratch`: scratch_size(size) values.
struct HarmoniseBackward {
    static constexpr std::string_view name = "harmonise_backward";
    std::int64_t size = 0;
    const float* h = nullptr;
    const float* s = nullptr;
    const float* beta = nullptr;
    const float* gamma = nullptr;
    const float* dy = nullptr;
    float* dh = nullptr;
    float* ds = nullptr;
    float* dbeta = nullptr;
    float* dgamma = nullptr;
    double* scratch = nullptr;
    static constexpr std::int64_t scratch_size(std::int64_t size) { return 2 * block_count(size); }
    Cost cost() const;
};

}  // namespace spectral
