// The working memory of PureFFT above the literal level, and its input, as the kernels see them.
#pragma once

#include "kernels/cuda/device.cuh"
#include "kernels/kernel_data.hpp"

namespace spectral::cuda {

/// Rows are `stride` floats, padded with zeros, on 64-byte boundaries.
struct PureFftScratch {
    std::int64_t stride;          ///< padded_columns(frequencies)
    std::int64_t weights_stride;  ///< padded_columns(patterns)
    float* weights;               ///< layers × weights_stride: softmax weights
    float* scores;                ///< the same: scores before the softmax, then the weights' gradient
    float* layer_gains;           ///< layers × stride
    float* d_layer_gains;         ///< layers × stride
    float* gain;                  ///< stride
    float* matrix;                ///< classes × stride: what x, or gain ⊙ x, is multiplied by
    float* partial;               ///< parts × part_size: ∂matrix, ∂gain, loss
    std::int64_t part_size;
    int parts;

    __host__ __device__ float* part(std::int64_t p) const { return partial + p * part_size; }
    /// Loss and hits of a part, behind its rows of gradients.
    __host__ __device__ LossSums* sums(std::int64_t p, std::int64_t classes) const {
        return reinterpret_cast<LossSums*>(part(p) + (classes + 1) * stride);
    }
};

/// Row b of the batch.
__device__ __forceinline__ const float* purefft_row(const PureFftInput& input, std::int64_t b) {
    return input.x + (input.rows != nullptr ? static_cast<std::int64_t>(input.rows[b]) : b) * input.stride;
}

/// Whether gain and class patterns are one matrix, whose gradient gives both of theirs, or stay apart: then
/// the matrix is the class patterns on padded rows, and the parts also hold ∂gain.
enum class PureFftForm { collapsed, apart };

}  // namespace spectral::cuda
