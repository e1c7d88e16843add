// Softmax along any axis and its gradient: a warp for each row that lies together, else a thread for each
// column beside its neighbours.
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/operations.hpp"
#include "kernels/cuda/reduce.cuh"
#include "kernels/ops/softmax.hpp"

namespace spectral::cuda {

namespace {

/// What is subtracted before e is raised: the largest, or 0 where there is nothing but −∞.
__device__ __forceinline__ float subtrahend(float largest) { return largest == -INFINITY ? 0.0F : largest; }

__global__ void softmax_rows_kernel(Softmax op) {
    const int lane = static_cast<int>(threadIdx.x) % kWarp;
    for (std::int64_t o = global_thread() / kWarp; o < op.outer; o += global_threads() / kWarp) {
        const float* x = op.x + o * op.axis;
        float* y = op.y + o * op.axis;
        float largest = -INFINITY, sum = 0;
        for (std::int64_t a = lane; a < op.axis; a += kWarp) largest = x[a] > largest ? x[a] : largest;
        largest = subtrahend(warp_max(largest));
        for (std::int64_t a = lane; a < op.axis; a += kWarp) sum += expf(x[a] - largest);
        sum = warp_sum(sum);
        const float scale = sum == 0 ? 0.0F : 1 / sum;
        for (std::int64_t a = lane; a < op.axis; a += kWarp) y[a] = scale * expf(x[a] - largest);
    }
}

__global__ void softmax_columns_kernel(Softmax op) {
    for (std::int64_t row = global_thread(); row < op.outer * op.inner; row += global_threads()) {
        const std::int64_t first = row / op.inner * op.axis * op.inner + row % op.inner;
        const float* x = op.x + first;
        float* y = op.y + first;
        float largest = -INFINITY, sum = 0;
        for (std::int64_t a = 0; a < op.axis; ++a) {
            const float value = x[a * op.inner];
            largest = value > largest ? value : largest;
        }
        largest = subtrahend(largest);
        for (std::int64_t a = 0; a < op.axis; ++a) sum += expf(x[a * op.inner] - largest);
        const float scale = sum == 0 ? 0.0F : 1 / sum;
        for (std::int64_t a = 0; a < op.axis; ++a) y[a * op.inner] = scale * expf(x[a * op.inner] - largest);
    }
}

__global__ void softmax_backward_rows_kernel(SoftmaxBackward op) {
    const int lane = static_cast<int>(threadIdx.x) % kWarp;
    for (std::int64_t o = global_thread() / kWarp; o < op.outer; o += global_threads() / kWarp) {
        const std::int64_t first = o * op.axis;
        float sum = 0;
        for (std::int64_t a = lane; a < op.axis; a += kWarp) sum += op.y[first + a] * op.dy[first + a];
        sum = warp_sum(sum);
        for (std::int64_t a = lane; a < op.axis; a += kWarp)
            op.dx[first + a] = op.y[first + a] * (op.dy[first + a] - sum);
    }
}

__global__ void softmax_backward_columns_kernel(SoftmaxBackward op) {
    for (std::int64_t row = global_thread(); row < op.outer * op.inner; row += global_threads()) {
        const std::int64_t first = row / op.inner * op.axis * op.inner + row % op.inner;
        float sum = 0;
        for (std::int64_t a = 0; a < op.axis; ++a)
            sum += op.y[first + a * op.inner] * op.dy[first + a * op.inner];
        for (std::int64_t a = 0; a < op.axis; ++a) {
            const std::int64_t at = first + a * op.inner;
            op.dx[at] = op.y[at] * (op.dy[at] - sum);
        }
    }
}

template <class Op>
void run(CudaBackend& backend, const Op& op, void (*rows)(Op), void (*columns)(Op)) {
    if (op.outer * op.axis * op.inner == 0) return;
    if (op.inner == 1)
        launch(rows, blocks_for(op.outer, kBlock / kWarp, backend.most_blocks()), kBlock, 0, backend.stream(),
               op);
    else
        launch(columns, blocks_for(op.outer * op.inner, kBlock, backend.most_blocks()), kBlock, 0,
               backend.stream(), op);
}

void run_softmax(CudaBackend& backend, const Softmax& op) {
    run(backend, op, softmax_rows_kernel, softmax_columns_kernel);
}

void run_softmax_backward(CudaBackend& backend, const SoftmaxBackward& op) {
    run(backend, op, softmax_backward_rows_kernel, softmax_backward_columns_kernel);
}

}  // namespace

void add_softmax(OpTable& table) {
    constexpr auto kChange = "a warp per row, or a thread per column of rows that do not lie together";
    add<Softmax, run_softmax>(table, Level::tiled, kChange);
    add<SoftmaxBackward, run_softmax_backward>(table, Level::tiled, kChange);
}

}  // namespace spectral::cuda
