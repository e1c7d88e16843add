// Values of a dense spectrum collected by index, and put back.
#include "kernels/ops/sparse.hpp"

#include <algorithm>

#include "kernels/cpu/operations.hpp"
#include "kernels/cpu/parts.hpp"

namespace spectral::cpu {

namespace {

void gather(const SparseGather& op, std::int64_t begin, std::int64_t end) {
    for (std::int64_t j = begin; j < end; ++j) op.y[j] = op.x[op.index[j]];
}

void run_gather_reference(Backend& /*backend*/, const SparseGather& op) { gather(op, 0, op.count); }

void run_gather(Backend& backend, const SparseGather& op) {
    const Parts parts(backend, op.count);
    parts.each([&](std::int64_t part) { gather(op, parts.begin(part), parts.end(part)); });
}

void run_scatter_reference(Backend& /*backend*/, const SparseScatter& op) {
    std::fill_n(op.y, op.size, Complex(0));
    for (std::int64_t j = 0; j < op.count; ++j) op.y[op.index[j]] = op.v[j];
}

/// Zeros and values of one cache block at a time, each part in its own range of y.
void scatter(const SparseScatter& op, std::int64_t begin, std::int64_t end) {
    std::int64_t j = std::lower_bound(op.index, op.index + op.count, begin) - op.index;
    for (std::int64_t block = begin; block < end; block += kBlockSize) {
        const std::int64_t stop = std::min(end, block + kBlockSize);
        std::fill(op.y + block, op.y + stop, Complex(0));
        for (; j < op.count && op.index[j] < stop; ++j) op.y[op.index[j]] = op.v[j];
    }
}

void run_scatter(Backend& backend, const SparseScatter& op) {
    const Parts parts(backend, op.size);
    parts.each([&](std::int64_t part) { scatter(op, parts.begin(part), parts.end(part)); });
}

}  // namespace

void add_sparse(OpTable& table) {
    table.add<SparseGather>(Level::reference, run_gather_reference, "one value after the other");
    table.add<SparseGather>(Level::tiled, run_gather, "split over the threads");
    table.add<SparseScatter>(Level::reference, run_scatter_reference, "zeros first, then the values");
    table.add<SparseScatter>(Level::tiled, run_scatter,
                             "zeros and values in one pass over cache blocks, split over the threads");
}

}  // namespace spectral::cpu
