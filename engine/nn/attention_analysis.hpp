// What attention looks at: the weights of every head of one layer for one sequence, and how spread they are.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/core/tensor.hpp"
#include "engine/nn/model.hpp"
#include "engine/nn/multi_head_attention.hpp"

namespace spectral {

/// A map of more places squared is neither made nor shown.
inline constexpr std::int64_t kMostMapPlaces = 512;

struct AttentionHead {
    HostTensor weights;           ///< places × places: a row for each query, its sum is 1
    std::vector<double> entropy;  ///< of each row, in nats
    std::vector<double> syntony;  ///< of each row, as attention_syntony(): against ln of all places
    double mean_entropy = 0, mean_syntony = 0;
};

struct AttentionAnalysis {
    std::vector<std::string> blocks;  ///< layers of the model that hold attention, by name
    std::int64_t block = 0;           ///< which of them this is
    bool causal = false;
    std::int64_t places = 0;
    std::int64_t context = 0, head_size = 0;  ///< of the layer
    std::vector<AttentionHead> heads;
    /// Where one scale of colours for all heads may end: 99 % of the weights above 0 are no larger. Those of
    /// first rows, 1 by nature where the layer is causal, would leave nothing of the others.
    double scale_end = 1;
};

struct AttentionLayer {
    std::string name;  ///< of the model's layer that it is a part of
    MultiHeadAttention* attention = nullptr;
};
std::vector<AttentionLayer> attention_layers(Model& model);

/// A pass over the tokens (1 to as many as the model's context holds; of fewer, the rest is padding that
/// nobody attends to) and the weights of the block's attention, made again from its queries and keys:
/// training makes no such matrix. Throws Error where the model has no attention or the tokens are more than
/// kMostMapPlaces, BadValue "block" where there is no such.
AttentionAnalysis analyse_attention(Device device, Model& model, std::int64_t classes,
                                    std::span<const std::int32_t> tokens, std::int64_t block);

}  // namespace spectral
