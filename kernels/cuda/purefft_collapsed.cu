// PureFFT collapsed to one linear map: with M = g ⊙ C forward is x Mᵀ, and all that backward needs of the
// batch is D = δᵀ x, then ∂C = D ⊙ g and ∂g = Σ_k D[k] ⊙ C[k]. A training step makes both products while a
// tile of samples is in shared memory, so each sample is read once.
#include "kernels/cuda/operations.hpp"
#include "kernels/cuda/purefft_tile.cuh"
#include "kernels/purefft_step.hpp"

namespace spectral::cuda {

namespace {

void run_whole_step(CudaBackend& backend, const PureFftStep& op) {
    const PureFftScratch scratch = purefft_scratch(backend, op.sizes, op.scratch);
    const int tile = tile_of(backend, op.sizes);
    if (tile == 0) {  // rows too long for shared memory
        run_purefft_step<Level::fused>(backend, op);
        return;
    }
    purefft_chain_forward(backend, op.sizes, op.parameters, PureFftForm::collapsed, scratch);
    const int parts = launch_tiles<PureFftForm::collapsed, true>(backend, op.sizes, op.input, op.labels,
                                                                 nullptr, scratch, tile);
    purefft_finish_backward(backend, op.sizes, op.parameters, scratch, parts, PureFftForm::collapsed,
                            op.gradients, op.sums);
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
