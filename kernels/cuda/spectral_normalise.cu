// Every spectrum of a batch divided by its norm, and the gradient: sums over blocks of a row, then over the
// row.
#include "kernels/cuda/complex.cuh"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/operations.hpp"
#include "kernels/cuda/reduce.cuh"
#include "kernels/ops/normalise.hpp"

namespace spectral::cuda {

namespace {

/// partial[b,c] = Σ over block c of row b of weight·|x|², or of Re(conj x·dy) where dy is not null.
__global__ void row_sums_kernel(std::int64_t batch, std::int64_t size, const float2* x,
                                const std::uint8_t* weight, const float2* dy, double* partial) {
    __shared__ double shared[kBlock / kWarp];
    const std::int64_t chunks = (size + kBlockSize - 1) / kBlockSize;
    for (std::int64_t part = blockIdx.x; part < batch * chunks; part += gridDim.x) {
        const std::int64_t b = part / chunks, first = part % chunks * kBlockSize;
        double sum = 0;
        for (std::int64_t i = first + threadIdx.x; i < min(size, first + kBlockSize); i += kBlock) {
            const double re = x[b * size + i].x, im = x[b * size + i].y;
            if (dy != nullptr)
                sum += re * dy[b * size + i].x + im * dy[b * size + i].y;
            else if (weight == nullptr)
                sum += re * re + im * im;
            else if (weight[i] > 0)
                sum += weight[i] * (re * re + im * im);
        }
        sum = block_sum<kBlock>(sum, shared);
        if (threadIdx.x == 0) partial[part] = sum;
    }
}

/// A warp per row: its sum takes the place of its first part, or becomes its norm.
__global__ void total_rows_kernel(std::int64_t batch, std::int64_t chunks, double* partial, float* norm) {
    const int lane = static_cast<int>(threadIdx.x) % kWarp;
    for (std::int64_t b = global_thread() / kWarp; b < batch; b += global_threads() / kWarp) {
        double sum = 0;
        for (std::int64_t c = lane; c < chunks; c += kWarp) sum += partial[b * chunks + c];
        sum = warp_sum(sum);
        __syncwarp();  // all have read what the first lane overwrites
        if (lane != 0) continue;
        if (norm != nullptr)
            norm[b] = static_cast<float>(sqrt(sum));
        else
            partial[b * chunks] = sum;
    }
}

__global__ void divide_kernel(std::int64_t batch, std::int64_t size, float epsilon,
                              const float* __restrict__ norm, const float2* x, float2* y) {
    for (std::int64_t i = global_thread(); i < batch * size; i += global_threads()) {
        const float divisor = norm[i / size] + epsilon;
        y[i] = make_float2(x[i].x / divisor, x[i].y / divisor);
    }
}

__global__ void backward_kernel(SpectralNormaliseBackward op, const float2* x, const float2* dy, float2* dx) {
    const std::int64_t chunks = (op.size + kBlockSize - 1) / kBlockSize;
    for (std::int64_t i = global_thread(); i < op.batch * op.size; i += global_threads()) {
        const std::int64_t b = i / op.size;
        const double norm = op.norm[b], divisor = norm + op.epsilon;
        const double weight = op.weight != nullptr ? op.weight[i % op.size] : 1;
        const double pull = norm > 0 ? weight * op.scratch[b * chunks] / (norm * divisor * divisor) : 0;
        dx[i] = make_float2(static_cast<float>(dy[i].x / divisor - pull * x[i].x),
                            static_cast<float>(dy[i].y / divisor - pull * x[i].y));
    }
}

void sum_rows(CudaBackend& backend, std::int64_t batch, std::int64_t size, const Complex* x,
              const std::uint8_t* weight, const Complex* dy, double* scratch, float* norm) {
    const std::int64_t chunks = block_count(size);
    launch(row_sums_kernel, blocks_for(batch * chunks, 1, backend.most_blocks()), kBlock, 0, backend.stream(),
           batch, size, parts_of(x), weight, parts_of(dy), scratch);
    launch(total_rows_kernel, blocks_for(batch, kBlock / kWarp, backend.most_blocks()), kBlock, 0,
           backend.stream(), batch, chunks, scratch, norm);
}

void run_forward(CudaBackend& backend, const SpectralNormalise& op) {
    if (op.batch == 0) return;
    sum_rows(backend, op.batch, op.size, op.x, op.weight, nullptr, op.scratch, op.norm);
    if (op.size == 0) return;
    launch(divide_kernel, blocks_for(op.batch * op.size, kBlock, backend.most_blocks()), kBlock, 0,
           backend.stream(), op.batch, op.size, op.epsilon, op.norm, parts_of(op.x), parts_of(op.y));
}

void run_backward(CudaBackend& backend, const SpectralNormaliseBackward& op) {
    if (op.batch * op.size == 0) return;
    sum_rows(backend, op.batch, op.size, op.x, nullptr, op.dy, op.scratch, nullptr);
    launch(backward_kernel, blocks_for(op.batch * op.size, kBlock, backend.most_blocks()), kBlock, 0,
           backend.stream(), op, parts_of(op.x), parts_of(op.dy), parts_of(op.dx));
}

}  // namespace

void add_spectral_normalise(OpTable& table) {
    add<SpectralNormalise, run_forward>(table, Level::tiled, "a block per 4096 values, a warp per row's sum");
    add<SpectralNormaliseBackward, run_backward>(table, Level::tiled,
                                                 "a block per 4096 values, a warp per row's sum");
}

}  // namespace spectral::cuda
