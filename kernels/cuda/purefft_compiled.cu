// PureFFT with its sizes as constants: the kernels of the collapsed form, compiled by NVRTC when the sizes
// are first met, and the layer chain in one kernel.
#include <type_traits>

#include "kernels/cuda/operations.hpp"
#include "kernels/cuda/purefft_tile.cuh"
#include "kernels/purefft_step.hpp"

namespace spectral::cuda {

namespace {

/// The kernels' arguments look the same in memory whatever the sizes are.
using AnyTiles = PureFftTiles<FixedSizes<1, 1, 1, 1>>;

static_assert(sizeof(AnyTiles) == sizeof(PureFftTiles<FixedSizes<64, 8, 1000, 4097>>) &&
              std::is_trivially_copyable_v<AnyTiles>);

/// Queues a kernel that has no type here; the arguments have the types of its parameters.
template <class... Arguments>
void start(CudaBackend& backend, cudaKernel_t kernel, unsigned blocks, std::size_t shared_bytes,
           Arguments... arguments) {
    const void* const function = kernel;
    if (shared_bytes > 0)
        allow_shared_memory(function, backend.info().shared_bytes - ExactScores::kFixedBytes);
    cudaLaunchConfig_t config{};
    config.gridDim = blocks;
    config.blockDim = kBlock;
    config.dynamicSmemBytes = shared_bytes;
    config.stream = backend.stream();
    void* pointers[] = {&arguments...};
    check(cudaLaunchKernelExC(&config, function, pointers), "specialised kernel");
}

void start_chain(CudaBackend& backend, cudaKernel_t kernel, const PureFftParameters& parameters,
                 const PureFftScratch& scratch) {
    start(backend, kernel, 1, 0, parameters.pool, parameters.layer, parameters.class_, scratch);
}

/// The parts that were written.
int start_tiles(CudaBackend& backend, cudaKernel_t kernel, const PureFftSizes& sizes,
                const PureFftInput& input, const std::int32_t* labels, const float* d_logits,
                const PureFftScratch& scratch, int tile) {
    const TileLaunch grid = tile_launch(sizes, scratch, tile);
    start(backend, kernel, grid.parts, grid.shared_bytes,
          AnyTiles{{sizes.batch}, input, labels, d_logits, scratch, tile});
    return static_cast<int>(grid.parts);
}

/// What the chain's one block keeps in shared memory, and what it gets through in good time.
constexpr std::int64_t kMaxWeights = 8192, kMaxProducts = std::int64_t{1} << 20;

/// Other levels do without a batch, and with more than one block can do.
bool fits(const PureFftSizes& sizes) {
    const std::int64_t weights = sizes.layers * sizes.patterns;
    return sizes.batch > 0 && sizes.classes > 0 && weights > 0 && weights <= kMaxWeights &&
           weights * sizes.frequencies <= kMaxProducts;
}

bool fits_in_tiles(const CudaBackend& backend, const PureFftSizes& sizes) {
    return fits(sizes) && tile_of(backend, sizes) > 0;  // 0: rows too long for shared memory
}

void run_forward(CudaBackend& backend, const PureFftForward& op) {
    if (!fits(op.sizes)) {
        backend.run(op, Level::fused);
        return;
    }
    const PureFftScratch scratch = purefft_scratch(backend, op.sizes, op.scratch);
    const auto& kernels = backend.specialised().purefft(op.sizes);
    start_chain(backend, kernels.chain, op.parameters, scratch);
    start(backend, kernels.forward, forward_blocks(backend, op.sizes), 0,
          AnyTiles{{op.sizes.batch}, op.input, nullptr, nullptr, scratch, 0},
          static_cast<const float*>(nullptr), op.logits);
}

void run_backward(CudaBackend& backend, const PureFftBackward& op) {
    if (!fits_in_tiles(backend, op.sizes)) {
        backend.run(op, Level::fused);
        return;
    }
    const PureFftScratch scratch = purefft_scratch(backend, op.sizes, op.scratch);
    const auto& kernels = backend.specialised().purefft(op.sizes);
    start_chain(backend, kernels.chain, op.parameters, scratch);
    const int parts = start_tiles(backend, kernels.backward, op.sizes, op.input, nullptr, op.d_logits,
                                  scratch, tile_of(backend, op.sizes));
    purefft_finish_backward(backend, op.sizes, op.parameters, scratch, parts, PureFftForm::collapsed,
                            op.gradients, nullptr);
}

void run_step(CudaBackend& backend, const PureFftStep& op) {
    if (!fits_in_tiles(backend, op.sizes)) {
        run_purefft_step<Level::fused>(backend, op);
        return;
    }
    const PureFftScratch scratch = purefft_scratch(backend, op.sizes, op.scratch);
    const auto& kernels = backend.specialised().purefft(op.sizes);
    start_chain(backend, kernels.chain, op.parameters, scratch);
    const int parts = start_tiles(backend, kernels.step, op.sizes, op.input, op.labels, nullptr, scratch,
                                  tile_of(backend, op.sizes));
    purefft_finish_backward(backend, op.sizes, op.parameters, scratch, parts, PureFftForm::collapsed,
                            op.gradients, op.sums);
}

}  // namespace

void add_purefft_compiled(OpTable& table) {
    if (find_nvrtc() == nullptr) return;
    constexpr auto kChange =
        "compiled at run time for these sizes: loops unrolled, the layer chain one kernel";
    add<PureFftForward, run_forward>(table, Level::compiled, kChange);
    add<PureFftBackward, run_backward>(table, Level::compiled, kChange);
    add<PureFftStep, run_step>(table, Level::compiled, kChange);
}

}  // namespace spectral::cuda
