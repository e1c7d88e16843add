// Layer norm, alone and followed by GELU, and the gradients: a warp per row; shares of the gradients of scale
// and shift by blocks of rows, then these in their order.
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/normal.cuh"
#include "kernels/cuda/operations.hpp"
#include "kernels/cuda/reduce.cuh"
#include "kernels/ops/dense.hpp"
#include "kernels/ops/layer_norm.hpp"

namespace spectral::cuda {

namespace {

struct Identity {
    __device__ static float value(float z) { return z; }
    __device__ static float derivative(float) { return 1.0F; }
};

template <class Function>
__global__ void forward_kernel(NormRows r, float* y_rows, float* means, float* inverses) {
    const int lane = static_cast<int>(threadIdx.x) % kWarp;
    const auto count = static_cast<float>(r.size);
    for (std::int64_t b = global_thread() / kWarp; b < r.batch; b += global_threads() / kWarp) {
        const float* x = r.x + b * r.size;
        float* y = y_rows + b * r.size;
        float sum = 0, squares = 0;
        for (std::int64_t i = lane; i < r.size; i += kWarp) sum += x[i];
        const float mean = warp_sum(sum) / count;
        for (std::int64_t i = lane; i < r.size; i += kWarp) squares += (x[i] - mean) * (x[i] - mean);
        const float inverse = 1 / sqrtf(warp_sum(squares) / count + r.epsilon);
        for (std::int64_t i = lane; i < r.size; i += kWarp)
            y[i] = Function::value(r.scale[i] * (r.gain * inverse * (x[i] - mean)) + r.shift[i]);
        if (lane == 0) {
            means[b] = mean;
            inverses[b] = inverse;
        }
    }
}

struct Gradients {
    const float *mean, *inverse_deviation, *dy;
    float* dx;
};

/// n, and ∂loss/∂z.
struct Value {
    float normalised, dz;
};

template <class Function>
__device__ __forceinline__ Value value_at(const NormRows& r, const Gradients& g, std::int64_t b,
                                          std::int64_t i, float dy) {
    const float n = (r.x[b * r.size + i] - g.mean[b]) * g.inverse_deviation[b];
    return {n, dy * Function::derivative(r.scale[i] * r.gain * n + r.shift[i])};
}

template <class Function>
__global__ void input_gradient_kernel(NormRows r, Gradients gradients) {
    const int lane = static_cast<int>(threadIdx.x) % kWarp;
    const auto count = static_cast<float>(r.size);
    for (std::int64_t b = global_thread() / kWarp; b < r.batch; b += global_threads() / kWarp) {
        const float* dy = gradients.dy + b * r.size;
        float* dx = gradients.dx + b * r.size;
        float sum = 0, along = 0;
        for (std::int64_t i = lane; i < r.size; i += kWarp) {
            const Value at = value_at<Function>(r, gradients, b, i, dy[i]);
            const float g = r.gain * r.scale[i] * at.dz;
            sum += g;
            along += g * at.normalised;
        }
        sum = warp_sum(sum) / count;
        along = warp_sum(along) / count;
        for (std::int64_t i = lane; i < r.size; i += kWarp) {
            const Value at = value_at<Function>(r, gradients, b, i, dy[i]);
            const float g = r.gain * r.scale[i] * at.dz;
            dx[i] = gradients.inverse_deviation[b] * (g - sum - at.normalised * along);
        }
    }
}

/// A thread for each column of each block of rows.
template <class Function>
__global__ void shares_kernel(NormRows r, Gradients gradients, std::int64_t blocks, float* shares) {
    for (std::int64_t at = global_thread(); at < blocks * r.size; at += global_threads()) {
        const std::int64_t block = at / r.size, i = at % r.size, first = block * kNormRows;
        const std::int64_t end = first + kNormRows < r.batch ? first + kNormRows : r.batch;
        float dscale = 0, dshift = 0;
        for (std::int64_t b = first; b < end; ++b) {
            const Value value = value_at<Function>(r, gradients, b, i, gradients.dy[b * r.size + i]);
            dscale += r.gain * value.normalised * value.dz;
            dshift += value.dz;
        }
        shares[block * 2 * r.size + i] = dscale;
        shares[(block * 2 + 1) * r.size + i] = dshift;
    }
}

__global__ void add_shares_kernel(std::int64_t size, std::int64_t blocks, const float* __restrict__ shares,
                                  float* __restrict__ dscale, float* __restrict__ dshift) {
    for (std::int64_t i = global_thread(); i < 2 * size; i += global_threads()) {
        float sum = 0;
        for (std::int64_t block = 0; block < blocks; ++block) sum += shares[block * 2 * size + i];
        if (i < size)
            dscale[i] = sum;
        else
            dshift[i - size] = sum;
    }
}

template <class Function, class Op>
void run_forward(CudaBackend& backend, const Op& op) {
    if (op.rows.batch == 0) return;
    launch(forward_kernel<Function>, blocks_for(op.rows.batch, kBlock / kWarp, backend.most_blocks()), kBlock,
           0, backend.stream(), op.rows, op.y, op.mean, op.inverse_deviation);
}

/// In two passes.
void run_layer_norm_gelu_reference(CudaBackend& backend, const LayerNormGelu& op) {
    backend.run(LayerNorm{op.rows, op.y, op.mean, op.inverse_deviation});
    backend.run(Activation{ActivationKind::gelu, op.rows.batch * op.rows.size, op.y, op.y});
}

/// The shares before dx, which may lie where dy does.
template <class Function, class Op>
void run_backward(CudaBackend& backend, const Op& op) {
    const NormRows& r = op.rows;
    if (r.size == 0) return;
    const Gradients gradients{op.mean, op.inverse_deviation, op.dy, op.dx};
    const std::int64_t blocks = (r.batch + kNormRows - 1) / kNormRows;
    if (blocks > 0) {
        launch(shares_kernel<Function>, blocks_for(blocks * r.size, kBlock, backend.most_blocks()), kBlock, 0,
               backend.stream(), r, gradients, blocks, op.scratch);
        launch(input_gradient_kernel<Function>, blocks_for(r.batch, kBlock / kWarp, backend.most_blocks()),
               kBlock, 0, backend.stream(), r, gradients);
    }
    launch(add_shares_kernel, blocks_for(2 * r.size, kBlock, backend.most_blocks()), kBlock, 0,
           backend.stream(), r.size, blocks, op.scratch, op.dscale, op.dshift);
}

}  // namespace

void add_layer_norm(OpTable& table) {
    constexpr auto kForward = "a warp per row",
                   kBackward = "a warp per row; a thread per column and block of rows, their sums in order";
    add<LayerNorm, run_forward<Identity, LayerNorm>>(table, Level::tiled, kForward);
    add<LayerNormGelu, run_layer_norm_gelu_reference>(table, Level::reference,
                                                      "layer norm, then GELU in a second pass");
    add<LayerNormGelu, run_forward<Gelu, LayerNormGelu>>(table, Level::tiled, kForward);
    add<LayerNormBackward, run_backward<Identity, LayerNormBackward>>(table, Level::tiled, kBackward);
    add<LayerNormGeluBackward, run_backward<Gelu, LayerNormGeluBackward>>(table, Level::tiled, kBackward);
}

}  // namespace spectral::cuda
