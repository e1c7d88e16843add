// What sequence models need besides products and norms: SwiGLU, dropout, and gradients of rows gathered by
// index.
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/operations.hpp"
#include "kernels/cuda/reduce.cuh"
#include "kernels/ops/dropout.hpp"
#include "kernels/ops/gated.hpp"
#include "kernels/ops/scatter_rows.hpp"
#include "kernels/philox.hpp"

namespace spectral::cuda {

namespace {

__device__ __forceinline__ float logistic(float x) { return 1 / (1 + expf(-x)); }

__global__ void swiglu_kernel(SwiGlu op) {
    for (std::int64_t at = global_thread(); at < op.batch * op.size; at += global_threads()) {
        const std::int64_t from = at / op.size * op.stride + at % op.size;
        const float gate = op.gate[from];
        op.y[at] = gate * logistic(gate) * op.value[from];
    }
}

__global__ void swiglu_backward_kernel(SwiGluBackward op) {
    for (std::int64_t at = global_thread(); at < op.batch * op.size; at += global_threads()) {
        const std::int64_t from = at / op.size * op.stride + at % op.size;
        const float gate = op.gate[from], value = op.value[from], open = logistic(gate);
        // σ(x) + x·σ(x)σ(−x)
        op.dgate[from] = op.dy[at] * value * (open * (1 + gate * logistic(-gate)));
        op.dvalue[from] = op.dy[at] * (gate * open);
    }
}

/// A thread for each block of four words.
__global__ void dropout_kernel(Dropout op, float scale) {
    for (std::int64_t at = global_thread(); at < (op.size + 3) / 4; at += global_threads()) {
        const PhiloxBlock block = philox_block(op.seed, op.stream, static_cast<std::uint64_t>(at));
        for (int word = 0; word < 4 && 4 * at + word < op.size; ++word)
            op.y[4 * at + word] = block.word[word] < op.threshold ? 0.0F : scale * op.x[4 * at + word];
    }
}

/// The warp of the first b that names a row adds all that name it, in their order.
__global__ void scatter_add_rows_kernel(ScatterAddRows op) {
    const int lane = static_cast<int>(threadIdx.x) % kWarp;
    for (std::int64_t b = global_thread() / kWarp; b < op.batch; b += global_threads() / kWarp) {
        const std::int64_t row = op.rows[b];
        if (row == op.left_out) continue;
        bool first = true;
        for (std::int64_t begin = 0; begin < b && first; begin += kWarp) {
            const std::int64_t other = begin + lane;
            first = __ballot_sync(kAllLanes, other < b && op.rows[other] == row) == 0;
        }
        if (!first) continue;
        float* const y = op.y + row * op.columns;
        for (std::int64_t begin = b; begin < op.batch; begin += kWarp) {
            const std::int64_t other = begin + lane;
            unsigned same = __ballot_sync(kAllLanes, other < op.batch && op.rows[other] == row);
            for (; same != 0; same &= same - 1) {
                const float* const x = op.x + (begin + __ffs(static_cast<int>(same)) - 1) * op.columns;
                for (std::int64_t i = lane; i < op.columns; i += kWarp) y[i] += x[i];
            }
        }
    }
}

template <class Op>
void run_rows(CudaBackend& backend, const Op& op, void (*kernel)(Op)) {
    if (op.batch * op.size == 0) return;
    launch(kernel, blocks_for(op.batch * op.size, kBlock, backend.most_blocks()), kBlock, 0, backend.stream(),
           op);
}

void run_swiglu(CudaBackend& backend, const SwiGlu& op) { run_rows(backend, op, swiglu_kernel); }
void run_swiglu_backward(CudaBackend& backend, const SwiGluBackward& op) {
    run_rows(backend, op, swiglu_backward_kernel);
}

void run_dropout(CudaBackend& backend, const Dropout& op) {
    if (op.size == 0) return;
    launch(dropout_kernel, blocks_for((op.size + 3) / 4, kBlock, backend.most_blocks()), kBlock, 0,
           backend.stream(), op, op.scale());
}

void run_scatter_add_rows(CudaBackend& backend, const ScatterAddRows& op) {
    if (op.batch * op.columns == 0) return;
    launch(scatter_add_rows_kernel, blocks_for(op.batch, kBlock / kWarp, backend.most_blocks()), kBlock, 0,
           backend.stream(), op);
}

}  // namespace

void add_sequence(OpTable& table) {
    add<SwiGlu, run_swiglu>(table, Level::tiled, "one thread per value");
    add<SwiGluBackward, run_swiglu_backward>(table, Level::tiled, "one thread per value");
    add<Dropout, run_dropout>(table, Level::tiled, "random words made where they are used");
    add<ScatterAddRows, run_scatter_add_rows>(table, Level::tiled, "a warp per row of the result, in order");
}

}  // namespace spectral::cuda
