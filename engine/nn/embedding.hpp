// Embeddings of tokens: a table, a syntonic table, and windings, which need none.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "engine/nn/dense.hpp"
#include "engine/nn/layer_norm_layer.hpp"
#include "engine/nn/syntony_pull.hpp"
#include "engine/nn/token_layer.hpp"

namespace spectral {

/// A row of a learned table, vocabulary × width, for each token: standard normal in the beginning.
class LookupEmbedding final : public TokenLayer {
public:
    LookupEmbedding(Device device, std::string name, SequenceSize size, std::int64_t vocabulary,
                    std::int64_t max_batch, std::uint64_t seed, std::uint64_t stream, Use use = Use::train);

    std::string_view kind() const override { return "lookup-embedding"; }
    void forward(std::int64_t batch, const LayerInput& x, float* y, bool training) override;
    void backward(std::int64_t batch, const float* dy, float* dx) override;
    std::vector<Parameter*> parameters() override { return {&table_.parameter()}; }

private:
    TokenTable table_;
};

struct SyntonicOptions {
    std::int64_t padding = -1;  ///< a token whose row stays zero; −1: none
    bool harmonise = false;
};

/// e = √width · table[t], the table N(0, (1/φ)²/width) in the beginning; where `harmonise`,
/// H(e) = e − β·σ(W_H e + b_H) + γ·tanh(W_S e + b_S), with β = γ = 0.1 in the beginning; then the syntonic
/// norm. Parameters: "table"; "harmony.weight", "harmony.bias" (W_H, b_H), "syntony.weight", "syntony.bias"
/// (W_S, b_S), "beta", "gamma"; "norm.scale", "norm.shift".
class SyntonicEmbedding final : public TokenLayer {
public:
    /// Draws from streams `stream` to `stream` + 2. Throws BadValue "padding" on one that is no token.
    SyntonicEmbedding(Device device, std::string name, SequenceSize size, std::int64_t vocabulary,
                      const SyntonicOptions& options, std::int64_t max_batch, std::uint64_t seed,
                      std::uint64_t stream, Use use = Use::train);

    std::string_view kind() const override { return "syntonic-embedding"; }
    Json config() const override;
    void forward(std::int64_t batch, const LayerInput& x, float* y, bool training) override;
    void backward(std::int64_t batch, const float* dy, float* dx) override;
    std::vector<Parameter*> parameters() override { return parameters_; }
    /// Where it harmonises: the mean layer syntony of the first kTunedTokens vectors, with D(e) = e +
    /// γ·tanh(W_S e + b_S), which differentiates, and H(e) = e − β·σ(W_H e + b_H), which harmonises.
    std::optional<double> syntony() override;

    static constexpr std::int64_t kTunedTokens = 256;

private:
    /// What an embedding that harmonises has besides: values and gradients of all tokens of a batch.
    struct Harmony {
        Dense harmony, syntony;
        Parameter beta, gamma;
        Tensor before, h, s;      ///< e and what is taken from and added to it
        Tensor along_h, along_s;  ///< gradients by e
        Buffer scratch;
        Harmony(Device device, const TokenLayer& layer, std::int64_t width, std::int64_t most_tokens,
                std::uint64_t seed, std::uint64_t stream, Use use);
    };

    TokenTable table_;
    std::unique_ptr<Harmony> harmony_;
    LayerNormLayer norm_;
    std::vector<Parameter*> parameters_;
    Tensor vectors_, gradient_;  ///< what the norm is given, and the gradient by it
    float scale_;
};

/// cos and sin of a token's turns by each of `windings` numbers, then a learned projection to `width` and the
/// syntonic norm. Any whole number is a token; those that differ by the vocabulary are the same. Parameters:
/// "projection.weight", "projection.bias", "norm.scale", "norm.shift".
class WindingEmbedding final : public TokenLayer {
public:
    /// Throws BadValue "windings" outside of 1 … kMostWindings, "vocabulary" above kMostTurns.
    WindingEmbedding(Device device, std::string name, SequenceSize size, std::int64_t vocabulary,
                     std::int64_t windings, std::int64_t max_batch, std::uint64_t seed, std::uint64_t stream,
                     Use use = Use::train);

    /// What floats tell apart.
    static constexpr std::int64_t kMostTurns = std::int64_t{1} << 24;

    std::string_view kind() const override { return "winding-embedding"; }
    Json config() const override;
    void forward(std::int64_t batch, const LayerInput& x, float* y, bool training) override;
    void backward(std::int64_t batch, const float* dy, float* dx) override;
    std::vector<Parameter*> parameters() override { return parameters_; }
    /// Of what the projection takes from each winding: mode j of norm j has the norm of its two columns.
    std::optional<double> syntony() override;
    bool pull_to_syntony(double weight) override;

private:
    std::int64_t windings_;
    Buffer winding_;  ///< i64
    Dense projection_;
    LayerNormLayer norm_;
    std::vector<Parameter*> parameters_;
    Tensor features_, projected_, gradient_;
    std::optional<SyntonyPull> pull_;
};

inline constexpr std::int64_t kMostWindings = 32;

/// 1, 2, then always the first whole number from ⌊w·φ⌋ + 1 on that has no factor in common with any before
/// it: 1, 2, 5, 9, 17, 29, 47, 77, …. count ≤ kMostWindings.
std::vector<std::int64_t> winding_numbers(std::int64_t count);

}  // namespace spectral
