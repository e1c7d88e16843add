// Gather, scatter, product and sum of sparse spectra.
#include "kernels/cuda/compact.cuh"
#include "kernels/cuda/complex.cuh"
#include "kernels/cuda/operations.hpp"
#include "kernels/ops/sparse.hpp"

namespace spectral::cuda {

namespace {

/// The first place of `index` whose entry is not below `value`.
__device__ std::int64_t lower_bound(const std::uint32_t* index, std::int64_t count, std::uint32_t value) {
    std::int64_t first = 0;
    while (count > 0) {
        const std::int64_t half = count / 2;
        const bool below = index[first + half] < value;
        first = below ? first + half + 1 : first;
        count = below ? count - half - 1 : half;
    }
    return first;
}

struct Operand {
    std::int64_t count;
    const std::uint32_t* index;
    const float2* v;

    explicit Operand(const SparseView& view) : count(view.count), index(view.index), v(parts_of(view.v)) {}

    /// Where `value` is, or would be.
    __device__ std::int64_t place(std::uint32_t value) const { return lower_bound(index, count, value); }
    __device__ bool has_at(std::int64_t place, std::uint32_t value) const {
        return place < count && index[place] == value;
    }
    __device__ bool has(std::uint32_t value) const { return has_at(place(value), value); }
};

__global__ void gather_kernel(std::int64_t count, const std::uint32_t* __restrict__ index,
                              const float2* __restrict__ x, float2* __restrict__ y) {
    for (std::int64_t j = global_thread(); j < count; j += global_threads()) y[j] = x[index[j]];
}

__global__ void scatter_kernel(std::int64_t count, const std::uint32_t* __restrict__ index,
                               const float2* __restrict__ v, float2* __restrict__ y) {
    for (std::int64_t j = global_thread(); j < count; j += global_threads()) y[index[j]] = v[j];
}

/// Entries of a that b has too.
struct Shared {
    Operand a, b;
    std::uint32_t* index;
    float2* v;

    __device__ bool test(std::int64_t i) const { return b.has(a.index[i]); }
    __device__ void emit(std::int64_t i, bool passes, std::int64_t rank) const {
        if (!passes) return;
        index[rank] = a.index[i];
        v[rank] = multiply(a.v[i], b.v[b.place(a.index[i])]);
    }
};

/// Every entry of one operand stands where its own place and that in the other one say, less the entries
/// before it that both have. Those of `own` carry the sum; of `other` only what `own` has not is written.
struct Union {
    Operand own, other;
    float own_scale, other_scale;
    bool leads;  ///< shared entries are this operand's to write
    std::uint32_t* index;
    float2* v;

    __device__ bool test(std::int64_t i) const { return other.has(own.index[i]); }
    __device__ void emit(std::int64_t i, bool shared, std::int64_t rank) const {
        if (shared && !leads) return;
        const std::uint32_t at = own.index[i];
        const std::int64_t place = other.place(at), to = i + place - rank;
        float2 sum = make_float2(own_scale * own.v[i].x, own_scale * own.v[i].y);
        if (shared) {
            sum.x = fmaf(other_scale, other.v[place].x, sum.x);
            sum.y = fmaf(other_scale, other.v[place].y, sum.y);
        }
        index[to] = at;
        v[to] = sum;
    }
};

__global__ void union_count_kernel(std::int64_t both, std::int64_t* count) { *count = both - *count; }

void run_gather(CudaBackend& backend, const SparseGather& op) {
    if (op.count == 0) return;
    launch(gather_kernel, blocks_for(op.count, kBlock, backend.most_blocks()), kBlock, 0, backend.stream(),
           op.count, op.index, parts_of(op.x), parts_of(op.y));
}

void run_scatter(CudaBackend& backend, const SparseScatter& op) {
    backend.fill_zero(op.y, static_cast<std::size_t>(op.size) * sizeof(Complex));
    if (op.count == 0) return;
    launch(scatter_kernel, blocks_for(op.count, kBlock, backend.most_blocks()), kBlock, 0, backend.stream(),
           op.count, op.index, parts_of(op.v), parts_of(op.y));
}

void run_multiply(CudaBackend& backend, const SparseMultiply& op) {
    const bool a_is_shorter = op.a.count <= op.b.count;  // the longer one is searched
    const Operand shorter(a_is_shorter ? op.a : op.b), longer(a_is_shorter ? op.b : op.a);
    compact(backend, shorter.count, Shared{shorter, longer, op.index, parts_of(op.v)}, op.scratch, op.count);
}

void run_add(CudaBackend& backend, const SparseAdd& op) {
    const Operand a(op.a), b(op.b);
    compact(backend, a.count, Union{a, b, op.alpha, op.beta, true, op.index, parts_of(op.v)}, op.scratch,
            op.count);
    compact(backend, b.count, Union{b, a, op.beta, op.alpha, false, op.index, parts_of(op.v)}, op.scratch,
            op.count);
    launch(union_count_kernel, 1, 1, 0, backend.stream(), a.count + b.count, op.count);
}

}  // namespace

void add_sparse(OpTable& table) {
    add<SparseGather, run_gather>(table, Level::fused, "one thread per entry");
    add<SparseScatter, run_scatter>(table, Level::fused, "zeros, then one thread per entry");
    add<SparseMultiply, run_multiply>(
        table, Level::tiled, "each entry of the shorter searched in the longer, then compacted in order");
    add<SparseAdd, run_add>(table, Level::tiled,
                            "each entry finds its place by a search in the other operand");
}

}  // namespace spectral::cuda
