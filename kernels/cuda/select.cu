// Selection of complex values from a threshold on.
#include "kernels/cuda/compact.cuh"
#include "kernels/cuda/complex.cuh"
#include "kernels/cuda/operations.hpp"
#include "kernels/ops/select.hpp"

namespace spectral::cuda {

namespace {

struct Above {
    const float2* x;
    std::uint32_t threshold;
    std::int64_t capacity;
    std::uint32_t* index;
    float2* v;

    __device__ bool test(std::int64_t i) const { return device_energy_key(x[i]) >= threshold; }
    __device__ void emit(std::int64_t i, bool passes, std::int64_t rank) const {
        if (!passes || rank >= capacity) return;
        index[rank] = static_cast<std::uint32_t>(i);
        v[rank] = x[i];
    }
};

void run_above(CudaBackend& backend, const SelectAbove& op) {
    compact(backend, op.size,
            Above{parts_of(op.x), energy_key({op.threshold, 0}), op.capacity, op.index, parts_of(op.v)},
            op.scratch, op.count);
}

}  // namespace

void add_select(OpTable& table) {
    add<SelectAbove, run_above>(table, Level::tiled, "blocks count, then write behind those before them");
}

}  // namespace spectral::cuda
