// Magnitudes of complex values and their gradient.
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/operations.hpp"
#include "kernels/ops/fft.hpp"

namespace spectral::cuda {

namespace {

/// hypotf neither overflows nor loses small values to underflow.
__global__ void magnitude_kernel(std::int64_t size, const float2* __restrict__ x, float* __restrict__ y) {
    for (std::int64_t i = global_thread(); i < size; i += global_threads()) y[i] = hypotf(x[i].x, x[i].y);
}

__global__ void magnitude_backward_kernel(std::int64_t size, const float2* __restrict__ x,
                                          const float* __restrict__ dy, float2* __restrict__ dx) {
    for (std::int64_t i = global_thread(); i < size; i += global_threads()) {
        const float magnitude = hypotf(x[i].x, x[i].y);
        dx[i] = magnitude > 0 ? make_float2(dy[i] * (x[i].x / magnitude), dy[i] * (x[i].y / magnitude))
                              : make_float2(0, 0);
    }
}

void run_magnitude(CudaBackend& backend, const Magnitude& op) {
    if (op.size == 0) return;
    launch(magnitude_kernel, blocks_for(op.size, kBlock, backend.most_blocks()), kBlock, 0, backend.stream(),
           op.size, reinterpret_cast<const float2*>(op.x), op.y);
}

void run_magnitude_backward(CudaBackend& backend, const MagnitudeBackward& op) {
    if (op.size == 0) return;
    launch(magnitude_backward_kernel, blocks_for(op.size, kBlock, backend.most_blocks()), kBlock, 0,
           backend.stream(), op.size, reinterpret_cast<const float2*>(op.x), op.dy,
           reinterpret_cast<float2*>(op.dx));
}

}  // namespace

void add_magnitude(OpTable& table) {
    constexpr auto kChange = "one thread per value, 8 bytes at a time";
    add<Magnitude, run_magnitude>(table, Level::fused, kChange);
    add<MagnitudeBackward, run_magnitude_backward>(table, Level::fused, kChange);
}

}  // namespace spectral::cuda
