// What the device can do at most: a copy, and arithmetic on values in registers.
#include "kernels/cuda/elementwise.cuh"
#include "kernels/cuda/operations.hpp"
#include "kernels/ops/ceiling.hpp"

namespace spectral::cuda {

namespace {

struct Copy {
    const float* x;
    float* y;

    template <int kWidth>
    __device__ void apply(std::int64_t i) const {
        store(y, i, load<kWidth>(x, i));
    }
};

/// Four independent chains per thread hide the latency of the multiply-adds.
struct MultiplyAdd {
    std::int64_t rounds;
    float a, b;
    float* x;

    template <int kWidth>
    __device__ void apply(std::int64_t i) const {
        auto values = load<kWidth>(x, i);
#pragma unroll 8
        for (std::int64_t round = 0; round < rounds; ++round) {
#pragma unroll
            for (int j = 0; j < kWidth; ++j) values.value[j] = fmaf(values.value[j], a, b);
        }
        store(x, i, values);
    }
};

void run_copy(CudaBackend& backend, const StreamCopy& op) {
    run_elementwise(backend, op.size, vector_aligned(op.x, op.y), Copy{op.x, op.y});
}

void run_multiply_add(CudaBackend& backend, const RepeatedMultiplyAdd& op) {
    run_elementwise(backend, op.size, vector_aligned(op.x), MultiplyAdd{op.rounds, op.a, op.b, op.x});
}

}  // namespace

void add_ceiling(OpTable& table) {
    add<StreamCopy, run_copy>(table, Level::tiled, "16 bytes per thread and turn");
    add<RepeatedMultiplyAdd, run_multiply_add>(table, Level::tiled,
                                               "four chains in the registers of a thread");
}

}  // namespace spectral::cuda
