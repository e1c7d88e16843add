// Attention in tiles, as layers use it: shapes are checked, a tile is chosen for the backend, and what the
// operation needs is kept between calls.
#pragma once

#include <span>

#include "engine/core/tensor.hpp"
#include "kernels/ops/attention.hpp"

namespace spectral {

/// How far scores spread on top of 1/√size: times φ, 1/φ or 1/φ².
enum class AttentionMode { standard, diffuse, focused, absorbed };

/// The factor on q·k: the mode's, times 1/√size.
float attention_scale(AttentionMode mode, std::int64_t size);

/// What a tile is chosen for.
struct TilingRequest {
    std::int64_t sequence = 0, batch = 0, heads = 0, size = 0;
    std::size_t free_bytes = 0;  ///< of memory that is left for the work area
    std::size_t fast_bytes = 0;  ///< of the backend's cache or shared memory
    int threads = 1;             ///< of the backend
};

/// The largest tile of queries that fits half of the fast memory beside a panel of keys, whose work area fits
/// what is left of memory, and of which there are four or more for each thread; at least 16 by 64, and never
/// larger than the smallest power of two that holds the whole sequence.
AttentionTile optimize_tiling(const TilingRequest& request);
/// For a backend as it is, and what is left under its budget's limit.
AttentionTile optimize_tiling(Device device, std::int64_t sequence, std::int64_t batch, std::int64_t heads,
                              std::int64_t size);

/// Σ_i ‖q_{i+1} − q_i‖₂ / rows over rows of `size` values: how much a tile of queries changes from row to
/// row.
double information_density(std::span<const float> rows, std::int64_t size);

/// tile·(1 + (1 − min(density/threshold, 1))·(1/resolution − 1)), rounded down, at least 1 and at most
/// `most`: tiles grow where queries change little. threshold > 0, 0 < resolution ≤ 1.
std::int64_t adapted_tile(std::int64_t tile, double density, double threshold, double resolution,
                          std::int64_t most);

/// Which keys are attended to: all, or up to the query's own; and of a batch of sequences only those that are
/// not padding.
struct AttentionMask {
    bool causal = false;
    const Buffer* keep = nullptr;  ///< batch × keys bytes, 0 where a key is padding; null: none is
};

struct AttentionGradients {
    Tensor q, k, v;
};

/// Tensors to attend with and the memory that it takes, O(sequence × size) for each head. The tensors stay as
/// they are while this lives.
class AttentionPlan {
public:
    const AttentionTile& tile() const { return tile_; }
    /// log Σ e^score of every row of the last compute_attention(): batch × heads × queries.
    const Tensor& log_sum() const { return log_sum_; }
    std::size_t work_bytes() const { return scratch_.bytes() + log_sum_.bytes(); }

private:
    friend AttentionPlan prepare_attention(Device, const Tensor&, const Tensor&, const Tensor&, AttentionTile,
                                           AttentionMode);
    friend Tensor compute_attention(AttentionPlan&, const AttentionMask&);
    friend void compute_attention(AttentionPlan&, const AttentionMask&, Tensor&);
    friend AttentionGradients attention_gradients(AttentionPlan&, const AttentionMask&, const Tensor&,
                                                  const Tensor&);
    AttentionPlan(Device device, const Tensor& q, const Tensor& k, const Tensor& v)
        : device_(device), q_(&q), k_(&k), v_(&v) {}
    AttentionShape masked(const AttentionMask& mask) const;

    Device device_;
    const Tensor *q_, *k_, *v_;
    AttentionShape shape_;
    AttentionTile tile_;
    Tensor scratch_, log_sum_;
};

/// q: batch × heads × queries × size, k and v: batch × heads × keys × size. Throws Error where they do not
/// fit each other or a head has more than kMaxHeadSize values.
AttentionPlan prepare_attention(Device device, const Tensor& q, const Tensor& k, const Tensor& v,
                                AttentionTile tile, AttentionMode mode = AttentionMode::standard);

/// batch × heads × queries × size; rows that attend to nothing are 0.
Tensor compute_attention(AttentionPlan& plan, const AttentionMask& mask = {});
/// Into y. Throws Error where that has another shape than the queries.
void compute_attention(AttentionPlan& plan, const AttentionMask& mask, Tensor& y);

/// Of a loss whose gradient at y, the result of compute_attention() with the same mask, is dy.
AttentionGradients attention_gradients(AttentionPlan& plan, const AttentionMask& mask, const Tensor& y,
                                       const Tensor& dy);

}  // namespace spectral
