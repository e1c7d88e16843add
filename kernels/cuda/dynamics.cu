// Steps that a pattern is moved by.
#include "kernels/cuda/complex.cuh"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/operations.hpp"
#include "kernels/ops/dynamics.hpp"

namespace spectral::cuda {

namespace {

__global__ void evolve_pattern_kernel(EvolvePattern op) {
    for (std::int64_t i = global_thread(); i < op.size; i += global_threads()) {
        const float p = op.p[i];
        const float moved = p + op.f[i] * expf(-p * p * op.stability) * op.rate;
        // Not fminf and fmaxf, which would make a number of what is none.
        op.y[i] = moved < -1.0F ? -1.0F : moved > 1.0F ? 1.0F : moved;
    }
}

/// A thread for each value: the dimension is small, and neighbours read the same lines.
__global__ void ricci_step_kernel(RicciStep op) {
    const std::int64_t m = op.dimension, values = op.batch * m * m;
    for (std::int64_t at = global_thread(); at < values; at += global_threads()) {
        const std::int64_t point = at / (m * m), i = at / m % m, j = at % m;
        const float* g = op.metric + (op.constant_metric ? 0 : point * m * m) + i * m;
        const float* connection = op.connection + point * m * m * m + j * m;
        float sum = 0;
        for (std::int64_t l = 0; l < m; ++l) {
            float traced = 0;
            for (std::int64_t k = 0; k < m; ++k) traced += connection[l * m * m + k];
            sum += g[l] * traced;
        }
        op.y[at] = -2 * op.rate * sum;
    }
}

__global__ void heat_flow_kernel(std::int64_t rows, std::int64_t columns, double rate, InverseMetric inverse,
                                 const float2* x, float2* y) {
    const std::int64_t bins = columns / 2 + 1;
    for (std::int64_t at = global_thread(); at < rows * bins; at += global_threads()) {
        const std::int64_t u = at / bins, v = at % bins;
        const double k0 = static_cast<double>(2 * u > rows ? u - rows : u) / static_cast<double>(rows);
        const double k1 = static_cast<double>(v) / static_cast<double>(columns);
        const double straight =
            static_cast<double>(inverse.rows) * k0 * k0 + static_cast<double>(inverse.columns) * k1 * k1;
        const double mixed = 2 * static_cast<double>(inverse.mixed) * k0 * k1;
        double factor = exp(rate * (straight + mixed));
        if (2 * u == rows || 2 * v == columns) factor = (factor + exp(rate * (straight - mixed))) / 2;
        const float scale = static_cast<float>(factor);
        y[at] = make_float2(scale * x[at].x, scale * x[at].y);
    }
}

void run_evolve_pattern(CudaBackend& backend, const EvolvePattern& op) {
    if (op.size == 0) return;
    launch(evolve_pattern_kernel, blocks_for(op.size, kBlock, backend.most_blocks()), kBlock, 0,
           backend.stream(), op);
}

void run_ricci_step(CudaBackend& backend, const RicciStep& op) {
    const std::int64_t values = op.batch * op.dimension * op.dimension;
    if (values == 0) return;
    launch(ricci_step_kernel, blocks_for(values, kBlock, backend.most_blocks()), kBlock, 0, backend.stream(),
           op);
}

void run_heat_flow(CudaBackend& backend, const HeatFlow& op) {
    if (op.rows == 0) return;
    constexpr double kPi = 3.141592653589793;
    const double rate = -4 * kPi * kPi * static_cast<double>(op.time);
    launch(heat_flow_kernel, blocks_for(op.rows * (op.columns / 2 + 1), kBlock, backend.most_blocks()),
           kBlock, 0, backend.stream(), op.rows, op.columns, rate, op.inverse, parts_of(op.x),
           parts_of(op.y));
}

}  // namespace

void add_dynamics(OpTable& table) {
    constexpr auto kChange = "a thread per value";
    add<EvolvePattern, run_evolve_pattern>(table, Level::fused, kChange);
    add<RicciStep, run_ricci_step>(table, Level::fused, kChange);
    add<HeatFlow, run_heat_flow>(table, Level::fused, kChange);
}

}  // namespace spectral::cuda
