// Scaled dot-product attention of several heads and its gradient, in tiles: no matrix of queries by keys is
// ever made.
#pragma once

#include "kernels/types.hpp"

namespace spectral {

/// Values of a head, at most.
inline constexpr std::int64_t kMaxHeadSize = 256;

/// Floats from one member of the batch, one head and one row to the next; the values of a row lie together.
struct HeadStrides {
    std::int64_t batch = 0, head = 0, row = 0;
};

/// Batch × heads × queries (or keys) × size; `key`, `value` and `query` say where the arrays lie, outputs and
/// gradients as the array that they belong to. Where `causal`, query i attends to keys j ≤ i + keys −
/// queries: the last query to all of them. Keys where `keep` (batch × keys; null: all) is 0 are left out.
struct AttentionShape {
    std::int64_t batch = 0, heads = 0, queries = 0, keys = 0, size = 0;
    HeadStrides query{}, key{}, value{}, output{};
    float scale = 1;
    bool causal = false;
    const std::uint8_t* keep = nullptr;

    std::int64_t rows() const { return batch * heads * queries; }
};

/// How many queries and keys are worked on together. Changes time and memory; a backend takes the nearest
/// that it has, and adds in an order that does not depend on it: the results are the same, bit for bit.
struct AttentionTile {
    std::int64_t queries = 64, keys = 64;
};

/// s_ij = scale·q_i·k_j over the keys that i attends to:
///   y_i = Σ_j e^{s_ij − L_i}·v_j,   L_i = log Σ_j e^{s_ij}.
/// Where i attends to nothing, y_i is 0 and L_i −∞. log_sum: batch × heads × queries, L. `scratch`:
/// scratch_size() values on a 64-byte boundary, `threads`: the backend's.
struct Attention {
    static constexpr std::string_view name = "attention";
    AttentionShape shape;
    AttentionTile tile;
    const float* q = nullptr;
    const float* k = nullptr;
    const float* v = nullptr;
    float* y = nullptr;
    float* log_sum = nullptr;
    float* scratch = nullptr;
    static std::int64_t scratch_size(const AttentionShape& shape, const AttentionTile& tile, int threads);
    Cost cost() const;
};

/// With p_ij = e^{s_ij − L_i} from the saved L, D_i = dy_i·y_i and ds_ij = p_ij·(dy_i·v_j − D_i):
///   dv_j = Σ_i p_ij·dy_i,   dq_i = scale·Σ_j ds_ij·k_j,   dk_j = scale·Σ_i ds_ij·q_i.
/// `scratch`: scratch_size() values on a 64-byte boundary.
struct AttentionBackward {
    static constexpr std::string_view name = "attention_backward";
    AttentionShape shape;
    AttentionTile tile;
    const float* q = nullptr;
    const float* k = nullptr;
    const float* v = nullptr;
    const float* y = nullptr;
    const float* log_sum = nullptr;
    const float* dy = nullptr;
    float* dq = nullptr;
    float* dk = nullptr;
    float* dv = nullptr;
    float* scratch = nullptr;
    static std::int64_t scratch_size(const AttentionShape& shape, const AttentionTile& tile, int threads);
    Cost cost() const;
};

}  // namespace spectral
