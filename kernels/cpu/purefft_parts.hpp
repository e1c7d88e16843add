// What every level of PureFFT above the literal one shares: the layer chain (pool and layer patterns to gain,
// and its gradient) and the layout of the scratch memory.
#pragma once

#include "kernels/ops/purefft.hpp"

namespace spectral::cpu {

/// The scratch of levels 2 to 5. Rows are `stride` floats, padded with zeros, on 64-byte boundaries.
struct PureFftScratch {
    std::int64_t stride;  ///< padded_columns(frequencies)
    float* weights;       ///< layers × padded patterns: softmax weights
    std::int64_t weights_stride;
    float* layer_gains;   ///< layers × stride
    float* gain;          ///< stride
    float* d_gain;        ///< stride
    float* d_layer_gain;  ///< stride
    float* prefix;        ///< layers × stride: Π_{m<ℓ} g_m
    float* suffix;        ///< stride
    float* matrix;        ///< classes × stride: the class matrix that forward multiplies by
    float* partial;       ///< threads × partial_size
    std::int64_t
        partial_size;  ///< per thread: classes × stride (∂matrix) + stride (∂g) + tile × stride (a tile)

    static constexpr std::int64_t kTile = kPureFftTile;  ///< level 4 keeps y of one tile

    PureFftScratch(const PureFftSizes& sizes, int threads, float* memory);

    float* d_matrix(int thread) const { return partial + thread * partial_size; }
};

/// Softmax weights, layer gains and their product.
void purefft_chain_forward(const PureFftSizes& sizes, const PureFftParameters& parameters,
                           PureFftScratch& scratch);

/// From scratch.d_gain to the gradients of pool and layer patterns; after purefft_chain_forward.
void purefft_chain_backward(const PureFftSizes& sizes, const PureFftParameters& parameters,
                            PureFftScratch& scratch, const PureFftGradients& gradients);

}  // namespace spectral::cpu
