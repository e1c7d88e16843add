// What every level of PureFFT above the literal one shares on the device: the layer chain (pool and layer
// patterns to gain, and its gradient), and the sums over the parts of a batch.
#pragma once

#include "kernels/cuda/backend.hpp"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/purefft_scratch.cuh"
#include "kernels/ops/purefft.hpp"

namespace spectral::cuda {

/// Laid out at `memory`, where it takes purefft_scratch_size(sizes, level, backend.threads()) floats.
PureFftScratch purefft_scratch(const CudaBackend& backend, const PureFftSizes& sizes, float* memory);

/// Softmax weights, layer gains and their product; `matrix` as well unless `class_` is null.
void purefft_chain_forward(CudaBackend& backend, const PureFftSizes& sizes,
                           const PureFftParameters& parameters, PureFftForm form,
                           const PureFftScratch& scratch);

/// From the parts' sums, added in their order, to all gradients; after purefft_chain_forward. `sums`, where
/// it is not null, receives the parts' losses.
void purefft_finish_backward(CudaBackend& backend, const PureFftSizes& sizes,
                             const PureFftParameters& parameters, const PureFftScratch& scratch, int parts,
                             PureFftForm form, const PureFftGradients& gradients, LossSums* sums);

}  // namespace spectral::cuda
