// Multi-head attention over the places of a sequence: queries, keys and values from one product, attention in
// tiles, and a product of what the heads give.
#pragma once

#include <optional>

#include "engine/nn/dense.hpp"
#include "engine/nn/input_rows.hpp"
#include "engine/nn/layer.hpp"
#include "engine/nn/sequence_size.hpp"
#include "engine/nn/tiled_attention.hpp"

namespace spectral {

struct AttentionOptions {
    std::int64_t heads = 1;
    bool causal = false;
    AttentionMode mode = AttentionMode::standard;
    std::optional<double>
        rotary_base{};  ///< queries and keys are turned by their place; nothing: they are not
};

/// Values of a head. Throws BadValue "heads" where they do not divide the width, have more than kMaxHeadSize
/// values each, or an odd number that rotary encoding cannot pair.
std::int64_t head_size(std::int64_t width, const AttentionOptions& options);

/// y = W_o·heads(W_q·x, W_k·x, W_v·x) + b_o, place by place; qkv.weight: 3·width × width, the queries of all
/// heads first. What is kept for the gradient is O(places × width): no matrix of places by places is ever
/// made.
class MultiHeadAttention final : public Layer {
public:
    /// Draws from streams `stream` and `stream` + 1 of `seed`. Throws as head_size().
    MultiHeadAttention(Device device, std::string name, SequenceSize size, const AttentionOptions& options,
                       std::int64_t max_batch, std::uint64_t seed, std::uint64_t stream,
                       Use use = Use::train);

    std::string_view kind() const override { return "attention"; }
    Json config() const override;
    std::int64_t inputs() const override { return size_.values(); }
    std::int64_t outputs() const override { return size_.values(); }
    void forward(std::int64_t batch, const LayerInput& x, float* y, bool training) override;
    void backward(std::int64_t batch, const float* dy, float* dx) override;
    std::vector<Parameter*> parameters() override { return parameters_; }

    /// Of the passes from here on: max_batch × places bytes in device memory, 0 where a place is padding that
    /// nobody attends to; null: none is. They live as long as they are used.
    void set_padding(const std::uint8_t* keep) { keep_ = keep; }
    const AttentionTile& tile() const { return tile_; }
    const AttentionOptions& options() const { return options_; }
    SequenceSize size() const { return size_; }

    /// Of the first sample of the last pass, places × 3·width: the queries of all heads, their keys, their
    /// values, turned by their place where the layer does so. Waits for queued operations.
    HostTensor packed_rows() const;
    /// What the heads gave for that sample, before the last product: places × width.
    HostTensor mixed_rows() const;

private:
    AttentionShape shape(std::int64_t batch) const;
    void turn(std::int64_t batch, float* packed, bool back);
    HostTensor first_sample(const Tensor& rows, std::int64_t width) const;

    Device device_;
    SequenceSize size_;
    AttentionOptions options_;
    std::int64_t head_size_;
    AttentionTile tile_;
    InputRows input_;
    Dense qkv_, output_;
    std::vector<Parameter*> parameters_;
    const std::uint8_t* keep_ = nullptr;
    Tensor turns_;              ///< of queries and keys; of values 1; empty without rotary encoding
    Tensor packed_;             ///< max_batch × places × 3·width: queries, keys, values
    Tensor mixed_;              ///< max_batch × places × width: what the heads give
    Tensor log_sum_, scratch_;  ///< as the operation wants them
    Tensor mixed_gradient_, packed_gradient_, backward_scratch_;  ///< none where it is only run
};

}  // namespace spectral
