// Sparse × sparse and sparse + sparse: two ascending index lists merged, cut along the merge so that every
// part has as much to do (Odeh et al. 2012, "merge path").
#include <algorithm>
#include <array>

#include "kernels/cpu/complex.hpp"
#include "kernels/cpu/operations.hpp"
#include "kernels/cpu/parts.hpp"
#include "kernels/ops/sparse.hpp"

namespace spectral::cpu {

namespace {

struct Position {
    std::int64_t i = 0, j = 0;  ///< entries of a and of b in front of it
};

/// Where `diagonal` entries of the merged lists are in front; one more when that would part equal indices.
Position cut(const SparseView& a, const SparseView& b, std::int64_t diagonal) {
    std::int64_t low = std::max<std::int64_t>(0, diagonal - b.count), high = std::min(diagonal, a.count);
    while (low < high) {
        const std::int64_t middle = low + (high - low) / 2;
        if (a.index[middle] <= b.index[diagonal - 1 - middle])
            low = middle + 1;
        else
            high = middle;
    }
    Position at{low, diagonal - low};
    if (at.i > 0 && at.j < b.count && a.index[at.i - 1] == b.index[at.j]) ++at.j;
    return at;
}

/// Calls both(i, j) for every index that a and b share between two cuts.
template <class Both>
void intersect(const SparseView& a, const SparseView& b, Position at, Position end, const Both& both) {
    while (at.i < end.i && at.j < end.j) {
        const std::uint32_t left = a.index[at.i], right = b.index[at.j];
        if (left == right) both(at.i, at.j);
        at.i += left <= right;
        at.j += right <= left;
    }
}

/// Four merges side by side: one alone waits for its own last compare most of the time.
std::int64_t count_shared(const SparseView& a, const SparseView& b, Position begin, Position end) {
    constexpr std::size_t kMerges = 4;
    const std::int64_t first = begin.i + begin.j, length = end.i + end.j - first;
    std::array<Position, kMerges> at, stop;
    for (std::size_t m = 0; m < kMerges; ++m) {
        at[m] = m == 0 ? begin : stop[m - 1];
        stop[m] = m + 1 == kMerges
                      ? end
                      : cut(a, b, first + length * static_cast<std::int64_t>(m + 1) / std::int64_t{kMerges});
    }
    const auto going = [&](std::size_t m) { return at[m].i < stop[m].i && at[m].j < stop[m].j; };
    std::int64_t count = 0;
    while (going(0) && going(1) && going(2) && going(3)) {
        for (std::size_t m = 0; m < kMerges; ++m) {
            const std::uint32_t left = a.index[at[m].i], right = b.index[at[m].j];
            count += left == right;
            at[m].i += left <= right;
            at[m].j += right <= left;
        }
    }
    for (std::size_t m = 0; m < kMerges; ++m)
        intersect(a, b, at[m], stop[m], [&](std::int64_t, std::int64_t) { ++count; });
    return count;
}

/// From entry `out` of the result; returns where it stops.
std::int64_t write_product(const SparseMultiply& op, Position begin, Position end, std::int64_t out) {
    intersect(op.a, op.b, begin, end, [&](std::int64_t i, std::int64_t j) {
        op.index[out] = op.a.index[i];
        op.v[out++] = multiply(op.a.v[i], op.b.v[j]);
    });
    return out;
}

/// From entry `out` of the result; returns where it stops.
std::int64_t write_sum(const SparseAdd& op, Position at, Position end, std::int64_t out) {
    for (; at.i < end.i && at.j < end.j; ++out) {
        const std::uint32_t left = op.a.index[at.i], right = op.b.index[at.j];
        op.index[out] = std::min(left, right);
        if (left == right)
            op.v[out] = op.alpha * op.a.v[at.i++] + op.beta * op.b.v[at.j++];
        else
            op.v[out] = left < right ? op.alpha * op.a.v[at.i++] : op.beta * op.b.v[at.j++];
    }
    for (; at.i < end.i; ++at.i, ++out) {
        op.index[out] = op.a.index[at.i];
        op.v[out] = op.alpha * op.a.v[at.i];
    }
    for (; at.j < end.j; ++at.j, ++out) {
        op.index[out] = op.b.index[at.j];
        op.v[out] = op.beta * op.b.v[at.j];
    }
    return out;
}

void run_multiply_reference(Backend& /*backend*/, const SparseMultiply& op) {
    *op.count = write_product(op, {}, {op.a.count, op.b.count}, 0);
}

void run_add_reference(Backend& /*backend*/, const SparseAdd& op) {
    *op.count = write_sum(op, {}, {op.a.count, op.b.count}, 0);
}

/// First every part counts what it will write, then it writes from where the ones before it end; one part
/// alone just writes. entries(begin, end): how many; write(begin, end, out): where it stops.
template <class Op, class Entries, class Write>
void merge_in_parts(Backend& backend, const Op& op, const Entries& entries, const Write& write) {
    const Parts parts(backend, op.a.count + op.b.count);
    const auto at = [&](std::int64_t part) { return cut(op.a, op.b, parts.begin(part)); };
    if (parts.count() == 1) {
        *op.count = write(at(0), at(1), 0);
        return;
    }
    parts.each([&](std::int64_t part) { op.scratch[part] = entries(at(part), at(part + 1)); });
    *op.count = exclusive_sum(op.scratch, parts.count());
    parts.each([&](std::int64_t part) { write(at(part), at(part + 1), op.scratch[part]); });
}

void run_multiply(Backend& backend, const SparseMultiply& op) {
    merge_in_parts(
        backend, op, [&](Position begin, Position end) { return count_shared(op.a, op.b, begin, end); },
        [&](Position begin, Position end, std::int64_t out) { return write_product(op, begin, end, out); });
}

void run_add(Backend& backend, const SparseAdd& op) {
    merge_in_parts(
        backend, op,
        [&](Position begin, Position end) {
            return (end.i - begin.i) + (end.j - begin.j) - count_shared(op.a, op.b, begin, end);
        },
        [&](Position begin, Position end, std::int64_t out) { return write_sum(op, begin, end, out); });
}

}  // namespace

void add_sparse_merge(OpTable& table) {
    constexpr auto kChange = "cut along the merge into equal parts for the threads, counted before written";
    table.add<SparseMultiply>(Level::reference, run_multiply_reference, "one merge of the two lists");
    table.add<SparseMultiply>(Level::tiled, run_multiply, kChange);
    table.add<SparseAdd>(Level::reference, run_add_reference, "one merge of the two lists");
    table.add<SparseAdd>(Level::tiled, run_add, kChange);
}

}  // namespace spectral::cpu
