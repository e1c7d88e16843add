// modReLU on complex values, and its gradient.
#include "kernels/cuda/complex.cuh"
#include "kernels/cuda/operations.hpp"
#include "kernels/cuda/reduce.cuh"
#include "kernels/ops/spectral_filter.hpp"

namespace spectral::cuda {

namespace {

/// β/|x|, −1 where |x| + β ≤ 0 or x = 0: y is x·(1 + this).
__device__ __forceinline__ float relative_bias(float bias, float magnitude) {
    return magnitude + bias <= 0 || magnitude == 0 ? -1.0F : bias / magnitude;
}

__global__ void mod_relu_kernel(std::int64_t values, std::int64_t channels, std::int64_t size,
                                const float2* x, const float* __restrict__ bias, float2* y) {
    for (std::int64_t i = global_thread(); i < values; i += global_threads()) {
        const float2 value = x[i];
        const float factor = 1 + relative_bias(bias[i / size % channels], hypotf(value.x, value.y));
        y[i] = make_float2(factor * value.x, factor * value.y);
    }
}

/// A block for each channel, so that its sum has one order.
__global__ void mod_relu_backward_kernel(std::int64_t batch, std::int64_t channels, std::int64_t size,
                                         bool accumulate, const float2* __restrict__ x,
                                         const float* __restrict__ bias, const float2* dy, float2* dx,
                                         float* __restrict__ dbias) {
    __shared__ double partial[kBlock / kWarp];
    for (std::int64_t c = blockIdx.x; c < channels; c += gridDim.x) {
        double sum = 0;
        for (std::int64_t at = threadIdx.x; at < batch * size; at += kBlock) {
            const std::int64_t i = (at / size * channels + c) * size + at % size;
            const float2 value = x[i], upstream = dy[i];
            const float magnitude = hypotf(value.x, value.y), relative = relative_bias(bias[c], magnitude);
            const float inverse = relative == -1.0F ? 0.0F : 1 / magnitude;
            const float2 unit = make_float2(inverse * value.x, inverse * value.y);
            const float along = unit.x * upstream.x + unit.y * upstream.y;
            const float factor = 1 + relative, turned = relative * along;
            dx[i] = make_float2(factor * upstream.x - turned * unit.x, factor * upstream.y - turned * unit.y);
            sum += static_cast<double>(along);
        }
        sum = block_sum<kBlock>(sum, partial);
        if (threadIdx.x == 0) dbias[c] = (accumulate ? dbias[c] : 0.0F) + static_cast<float>(sum);
    }
}

void run_mod_relu(CudaBackend& backend, const ModRelu& op) {
    const std::int64_t values = op.batch * op.channels * op.size;
    if (values == 0) return;
    launch(mod_relu_kernel, blocks_for(values, kBlock, backend.most_blocks()), kBlock, 0, backend.stream(),
           values, op.channels, op.size, parts_of(op.x), op.bias, parts_of(op.y));
}

void run_mod_relu_backward(CudaBackend& backend, const ModReluBackward& op) {
    if (op.channels == 0) return;
    launch(mod_relu_backward_kernel, blocks_for(op.channels, 1, backend.most_blocks()), kBlock, 0,
           backend.stream(), op.batch, op.channels, op.size, op.accumulate, parts_of(op.x), op.bias,
           parts_of(op.dy), parts_of(op.dx), op.dbias);
}

}  // namespace

void add_mod_relu(OpTable& table) {
    add<ModRelu, run_mod_relu>(table, Level::fused, "a thread per value");
    add<ModReluBackward, run_mod_relu_backward>(table, Level::fused, "a block per channel");
}

}  // namespace spectral::cuda
