// Batch norm by channels and its gradient: a block for each channel, whose threads' sums are added up in a
// fixed order.
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/operations.hpp"
#include "kernels/cuda/reduce.cuh"
#include "kernels/ops/batch_norm.hpp"

namespace spectral::cuda {

namespace {

/// Where value `at` of channel `c` lies.
__device__ __forceinline__ std::int64_t place(const ChannelValues& images, std::int64_t c, std::int64_t at) {
    return (at / images.space * images.channels + c) * images.space + at % images.space;
}

__global__ void forward_kernel(BatchNorm op, std::int64_t count) {
    __shared__ double partial[kBlock / kWarp];
    for (std::int64_t c = blockIdx.x; c < op.images.channels; c += gridDim.x) {
        float mean = op.running_mean[c], inverse = 0;
        if (op.training) {
            double sum = 0, squares = 0;
            for (std::int64_t at = threadIdx.x; at < count; at += kBlock)
                sum += op.x[place(op.images, c, at)];
            const double centre = block_sum<kBlock>(sum, partial) / static_cast<double>(count);
            for (std::int64_t at = threadIdx.x; at < count; at += kBlock) {
                const double away = op.x[place(op.images, c, at)] - centre;
                squares += away * away;
            }
            squares = block_sum<kBlock>(squares, partial);
            inverse = static_cast<float>(1 / sqrt(squares / static_cast<double>(count) + op.epsilon));
            if (threadIdx.x == 0) {
                const double momentum = op.momentum, others = count > 1 ? count - 1 : 1;
                op.mean[c] = static_cast<float>(centre);
                op.inverse_deviation[c] = inverse;
                op.running_mean[c] = static_cast<float>((1 - momentum) * mean + momentum * centre);
                op.running_variance[c] =
                    static_cast<float>((1 - momentum) * op.running_variance[c] + momentum * squares / others);
            }
            mean = static_cast<float>(centre);
        } else {
            inverse = 1 / sqrtf(op.running_variance[c] + op.epsilon);
        }
        const float factor = op.scale[c] * op.gain * inverse, shift = op.shift[c];
        for (std::int64_t at = threadIdx.x; at < count; at += kBlock) {
            const std::int64_t i = place(op.images, c, at);
            op.y[i] = factor * (op.x[i] - mean) + shift;
        }
    }
}

__global__ void backward_kernel(BatchNormBackward op, std::int64_t count) {
    __shared__ double partial[kBlock / kWarp];
    for (std::int64_t c = blockIdx.x; c < op.images.channels; c += gridDim.x) {
        const float mean = op.mean[c], inverse = op.inverse_deviation[c];
        double sum = 0, along = 0;
        for (std::int64_t at = threadIdx.x; at < count; at += kBlock) {
            const std::int64_t i = place(op.images, c, at);
            sum += op.dy[i];
            along += static_cast<double>((op.x[i] - mean) * inverse) * op.dy[i];
        }
        sum = block_sum<kBlock>(sum, partial);
        along = block_sum<kBlock>(along, partial);
        if (threadIdx.x == 0) {
            op.dshift[c] = static_cast<float>(sum);
            op.dscale[c] = static_cast<float>(op.gain * along);
        }
        const auto share = static_cast<float>(sum / static_cast<double>(count)),
                   pull = static_cast<float>(along / static_cast<double>(count));
        const float factor = op.scale[c] * op.gain * inverse;
        for (std::int64_t at = threadIdx.x; at < count; at += kBlock) {
            const std::int64_t i = place(op.images, c, at);
            op.dx[i] = factor * (op.dy[i] - share - (op.x[i] - mean) * inverse * pull);
        }
    }
}

void run_forward(CudaBackend& backend, const BatchNorm& op) {
    if (op.images.size() == 0) return;
    launch(forward_kernel, blocks_for(op.images.channels, 1, backend.most_blocks()), kBlock, 0,
           backend.stream(), op, op.images.count());
}

/// Of no values the sums are 0.
void run_backward(CudaBackend& backend, const BatchNormBackward& op) {
    if (op.images.channels == 0) return;
    launch(backward_kernel, blocks_for(op.images.channels, 1, backend.most_blocks()), kBlock, 0,
           backend.stream(), op, op.images.count());
}

}  // namespace

void add_batch_norm(OpTable& table) {
    constexpr auto kChange = "a block per channel, sums in double and in a fixed order";
    add<BatchNorm, run_forward>(table, Level::tiled, kChange);
    add<BatchNormBackward, run_backward>(table, Level::tiled, kChange);
}

}  // namespace spectral::cuda
