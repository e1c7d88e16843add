// PureFFT on tiles of samples, forward and backward apart, gain and class patterns apart.
#include "kernels/cuda/operations.hpp"
#include "kernels/cuda/purefft_tile.cuh"
#include "kernels/purefft_step.hpp"

namespace spectral::cuda {

void add_purefft_tiled(OpTable& table) {
    constexpr auto kChange =
        "a warp multiplies four samples in registers, tiles in shared memory for gradients";
    add<PureFftForward, run_forward_tiles<PureFftForm::apart>>(table, Level::tiled, kChange);
    add<PureFftBackward, run_backward_tiles<PureFftForm::apart>>(table, Level::tiled, kChange);
    table.add<PureFftStep>(Level::tiled, run_purefft_step<Level::tiled>, kChange);
}

}  // namespace spectral::cuda
