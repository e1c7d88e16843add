// PureFFT collapsed to one linear map: with M = g ⊙ C forward is x Mᵀ, and all that backward needs of the
// batch is D = δᵀ x, then ∂C = D ⊙ g and ∂g = Σ_k D[k] ⊙ C[k]. A training step makes both products while a
// tile of samples is in shared memory, so each sample is read once.
#include "kernels/cuda/operations.hpp"
#include "kernels/cuda/purefft_tile.cuh"
#include "kernels/purefft_step.hpp"

namespace spectral::cuda {

namespace {

void run_whole_step(CudaBackend& backend, const PureFftStep& op) {
    const int tile = tile_of(backend, op.sizes);
    if (tile == 0)  // rows too long for shared memory
        run_purefft_step<Level::fused>(backend, op);
    else
        run_step_tiles<ExactScores>(backend, op, tile);
}

}  // namespace

void add_purefft_collapsed(OpTable& table) {
    add<PureFftForward, run_forward_tiles<PureFftForm::collapsed>>(
        table, Level::custom, "M = g⊙C first, then one product x·Mᵀ in the registers of warps");
    add<PureFftBackward, run_backward_tiles<PureFftForm::collapsed>>(
        table, Level::custom, "one product D = δᵀx; ∂C and ∂g follow from D alone");
    add<PureFftStep, run_whole_step>(
        table, Level::custom, "M = g⊙C, D = δᵀx: both products while a tile of samples is in shared memory");
}

}  // namespace spectral::cuda
