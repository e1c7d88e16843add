// Batch norm of complex values and its gradient: a thread for each column, which goes down the rows in their
// order beside its neighbours.
#include "kernels/cuda/complex.cuh"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/operations.hpp"
#include "kernels/ops/normalise.hpp"

namespace spectral::cuda {

namespace {

/// Complex arrays as the device reads them.
struct ForwardArrays {
    const float2 *x, *shift;
    float2 *y, *mean, *running_mean;
};

__global__ void forward_kernel(SpectralBatchNorm op, ForwardArrays a) {
    for (std::int64_t i = global_thread(); i < op.size; i += global_threads()) {
        float2 mean = a.running_mean[i];
        float deviation = 0;
        if (op.training) {
            double re = 0, im = 0, squares = 0;
            for (std::int64_t b = 0; b < op.batch; ++b) {
                const float2 x = a.x[b * op.size + i];
                re += x.x;
                im += x.y;
            }
            re /= static_cast<double>(op.batch);
            im /= static_cast<double>(op.batch);
            for (std::int64_t b = 0; b < op.batch; ++b) {
                const float2 x = a.x[b * op.size + i];
                squares += (x.x - re) * (x.x - re) + (x.y - im) * (x.y - im);
            }
            const double momentum = op.momentum, others = op.batch > 1 ? op.batch - 1 : 1;
            deviation = static_cast<float>(sqrt(squares / static_cast<double>(op.batch) + op.epsilon));
            a.running_mean[i] = make_float2(static_cast<float>((1 - momentum) * mean.x + momentum * re),
                                            static_cast<float>((1 - momentum) * mean.y + momentum * im));
            op.running_variance[i] =
                static_cast<float>((1 - momentum) * op.running_variance[i] + momentum * squares / others);
            mean = make_float2(static_cast<float>(re), static_cast<float>(im));
            a.mean[i] = mean;
            op.deviation[i] = deviation;
        } else {
            deviation = sqrtf(op.running_variance[i] + op.epsilon);
        }
        const float factor = op.scale[i] / deviation;
        const float2 shift = a.shift[i];
        for (std::int64_t b = 0; b < op.batch; ++b) {
            const float2 x = a.x[b * op.size + i];
            a.y[b * op.size + i] =
                make_float2(factor * (x.x - mean.x) + shift.x, factor * (x.y - mean.y) + shift.y);
        }
    }
}

struct BackwardArrays {
    const float2 *x, *mean, *dy;
    float2 *dx, *dshift;
};

__global__ void backward_kernel(SpectralBatchNormBackward op, BackwardArrays a) {
    for (std::int64_t i = global_thread(); i < op.size; i += global_threads()) {
        const float2 mean = a.mean[i];
        const float deviation = op.deviation[i];
        double re = 0, im = 0, along = 0;
        for (std::int64_t b = 0; b < op.batch; ++b) {
            const float2 x = a.x[b * op.size + i], dy = a.dy[b * op.size + i];
            re += dy.x;
            im += dy.y;
            along += static_cast<double>(x.x - mean.x) * dy.x + static_cast<double>(x.y - mean.y) * dy.y;
        }
        along /= deviation;
        a.dshift[i] = make_float2(static_cast<float>(re), static_cast<float>(im));
        op.dscale[i] = static_cast<float>(along);
        const double share = 1 / static_cast<double>(op.batch > 0 ? op.batch : 1);
        const auto mean_re = static_cast<float>(share * re), mean_im = static_cast<float>(share * im),
                   pull = static_cast<float>(share * along);
        const float factor = op.scale[i] / deviation;
        for (std::int64_t b = 0; b < op.batch; ++b) {
            const float2 x = a.x[b * op.size + i], dy = a.dy[b * op.size + i];
            a.dx[b * op.size + i] =
                make_float2(factor * (dy.x - mean_re - pull * ((x.x - mean.x) / deviation)),
                            factor * (dy.y - mean_im - pull * ((x.y - mean.y) / deviation)));
        }
    }
}

void run_forward(CudaBackend& backend, const SpectralBatchNorm& op) {
    if (op.batch == 0 || op.size == 0) return;
    const ForwardArrays arrays{parts_of(op.x), parts_of(op.shift), parts_of(op.y), parts_of(op.mean),
                               parts_of(op.running_mean)};
    launch(forward_kernel, blocks_for(op.size, kBlock, backend.most_blocks()), kBlock, 0, backend.stream(),
           op, arrays);
}

void run_backward(CudaBackend& backend, const SpectralBatchNormBackward& op) {
    if (op.size == 0) return;
    const BackwardArrays arrays{parts_of(op.x), parts_of(op.mean), parts_of(op.dy), parts_of(op.dx),
                                parts_of(op.dshift)};
    launch(backward_kernel, blocks_for(op.size, kBlock, backend.most_blocks()), kBlock, 0, backend.stream(),
           op, arrays);
}

}  // namespace

void add_spectral_batch_norm(OpTable& table) {
    constexpr auto kChange = "a thread per column, rows in their order, sums in double";
    add<SpectralBatchNorm, run_forward>(table, Level::fused, kChange);
    add<SpectralBatchNormBackward, run_backward>(table, Level::fused, kChange);
}

}  // namespace spectral::cuda
