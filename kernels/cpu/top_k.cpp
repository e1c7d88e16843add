// The k largest complex values by radix selection on their keys in three passes: a histogram over the upper
// 16 bits finds the bin that holds the k-th, one over the lower 15 bits its key, the last pass writes.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/top_k.cpp"
#include "kernels/cpu/top_k.hpp"

#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>

#include "kernels/cpu/energy_keys-inl.hpp"
#include "kernels/cpu/operations.hpp"
#include "kernels/cpu/parts.hpp"
#include "kernels/ops/select.hpp"

HWY_BEFORE_NAMESPACE();
namespace spectral::cpu::HWY_NAMESPACE {

/// Weights by the keys' upper bits.
void upper_histogram(const TopK& op, std::int64_t begin, std::int64_t end, std::int64_t* bins) {
    std::fill_n(bins, TopK::kBins, 0);
    for_keys(op.x, begin, end,
             [&](std::int64_t first, const std::uint32_t* keys, std::int64_t count) HWY_ATTR {
                 if (op.weight)
                     for (std::int64_t i = 0; i < count; ++i)
                         bins[keys[i] >> kLowerBits] += op.weight[first + i];
                 else
                     for (std::int64_t i = 0; i < count; ++i) ++bins[keys[i] >> kLowerBits];
             });
}

/// Weights and counts by the lower bits of the keys in `bin`; returns how many selectable values lie above
/// it.
std::int64_t lower_histogram(const TopK& op, std::int64_t begin, std::int64_t end, std::uint32_t bin,
                             std::int64_t* weights, std::int64_t* counts) {
    std::fill_n(weights, kLowerBins, 0);
    std::fill_n(counts, kLowerBins, 0);
    const std::uint32_t lowest = bin << kLowerBits, beyond = (bin + 1) << kLowerBits;
    std::int64_t above = 0;
    for_keys(op.x, begin, end,
             [&](std::int64_t first, const std::uint32_t* keys, std::int64_t count) HWY_ATTR {
                 for_keys_from(keys, count, lowest, [&](std::int64_t i) {
                     const std::int64_t weight = weight_of(op, first + i);
                     if (keys[i] >= beyond) {
                         above += weight > 0;
                     } else {
                         weights[keys[i] - lowest] += weight;
                         counts[keys[i] - lowest] += weight > 0;
                     }
                 });
             });
    return above;
}

/// How many values whose key is `key` fit into `room`, in their order, up to the first that does not.
std::int64_t count_fitting(const TopK& op, std::int64_t begin, std::int64_t end, std::uint32_t key,
                           std::int64_t room) {
    std::int64_t fitting = 0;
    for_keys(op.x, begin, end,
             [&](std::int64_t first, const std::uint32_t* keys, std::int64_t count) HWY_ATTR {
                 if (room <= 0) return;
                 for_keys_from(keys, count, key, [&](std::int64_t i) {
                     const std::int64_t weight = weight_of(op, first + i);
                     if (keys[i] != key || weight == 0) return;
                     room -= weight;
                     fitting += room >= 0;
                 });
             });
    return fitting;
}

/// From entry `out` of the result: all with a key above `key`, and the first `equal` that have it.
void write_largest(const TopK& op, std::int64_t begin, std::int64_t end, std::uint32_t key,
                   std::int64_t equal, std::int64_t out) {
    const std::uint32_t lowest = equal > 0 ? key : key + 1;
    for_keys(op.x, begin, end,
             [&](std::int64_t first, const std::uint32_t* keys, std::int64_t count) HWY_ATTR {
                 for_keys_from(keys, count, lowest, [&](std::int64_t i) {
                     if (weight_of(op, first + i) == 0) return;
                     if (keys[i] == key && --equal < 0) return;
                     op.index[out] = static_cast<std::uint32_t>(first + i);
                     op.v[out++] = op.x[first + i];
                 });
             });
}

}  // namespace spectral::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spectral::cpu {

namespace {

HWY_EXPORT(upper_histogram);
HWY_EXPORT(lower_histogram);
HWY_EXPORT(count_fitting);
HWY_EXPORT(write_largest);

/// The largest bin that does not fit whole; 0 when all do. `histogram` has `bins` for each part, `stride`
/// apart. `room`: the weight that is left, less what lies above that bin afterwards.
std::uint32_t boundary_bin(const std::int64_t* histogram, std::int64_t stride, std::int64_t bins,
                           std::int64_t parts, std::int64_t& room) {
    for (std::int64_t bin = bins - 1; bin > 0; --bin) {
        std::int64_t weight = 0;
        for (std::int64_t part = 0; part < parts; ++part) weight += histogram[part * stride + bin];
        if (weight > room) return static_cast<std::uint32_t>(bin);
        room -= weight;
    }
    return 0;
}

void run_radix(Backend& backend, const TopK& op) {
    const Parts parts(backend, op.size);
    std::int64_t* histograms = op.scratch;
    std::int64_t* out = op.scratch + part_count(op.size) * TopK::kBins;
    std::int64_t* equal = out + compaction_scratch_size(op.size);
    const auto weights = [&](std::int64_t part) { return histograms + part * TopK::kBins; };
    const auto counts = [&](std::int64_t part) { return weights(part) + kLowerBins; };

    parts.each([&](std::int64_t part) {
        HWY_DYNAMIC_DISPATCH(upper_histogram)(op, parts.begin(part), parts.end(part), weights(part));
    });
    std::int64_t room = op.k;
    const std::uint32_t upper = boundary_bin(histograms, TopK::kBins, TopK::kBins, parts.count(), room);
    parts.each([&](std::int64_t part) {
        out[part] = HWY_DYNAMIC_DISPATCH(lower_histogram)(op, parts.begin(part), parts.end(part), upper,
                                                          weights(part), counts(part));
    });
    const std::uint32_t lower = boundary_bin(histograms, TopK::kBins, kLowerBins, parts.count(), room);
    const std::uint32_t key = upper << kLowerBits | lower;

    for (std::int64_t part = 0; part < parts.count(); ++part) {
        if (weights(part)[lower] <= room) {
            equal[part] = counts(part)[lower];
            room -= weights(part)[lower];
        } else {
            equal[part] = op.weight ? HWY_DYNAMIC_DISPATCH(count_fitting)(op, parts.begin(part),
                                                                          parts.end(part), key, room)
                                    : room;
            room = 0;
        }
        for (std::int64_t bin = lower + 1; bin < kLowerBins; ++bin) out[part] += counts(part)[bin];
        out[part] += equal[part];
    }
    *op.count = exclusive_sum(out, parts.count());
    parts.each([&](std::int64_t part) {
        HWY_DYNAMIC_DISPATCH(write_largest)
        (op, parts.begin(part), parts.end(part), key, equal[part], out[part]);
    });
}

/// Bisection over the keys, a pass for each step.
void run_bisection(Backend& /*backend*/, const TopK& op) {
    const auto weight_above = [&](std::uint32_t key) {
        std::int64_t sum = 0;
        for (std::int64_t i = 0; i < op.size; ++i)
            if (energy_key(op.x[i]) > key) sum += weight_of(op, i);
        return sum;
    };
    std::uint32_t key = 0;
    for (std::uint32_t high = kNanKey; key < high;) {
        const std::uint32_t middle = key + (high - key) / 2;
        if (weight_above(middle) <= op.k)
            high = middle;
        else
            key = middle + 1;
    }
    std::int64_t room = op.k - weight_above(key), count = 0;
    for (std::int64_t i = 0; i < op.size; ++i) {
        const std::uint32_t own = energy_key(op.x[i]);
        const std::int64_t weight = weight_of(op, i);
        if (weight == 0 || own < key) continue;
        if (own == key) {
            room = weight <= room ? room - weight : -1;
            if (room < 0) continue;
        }
        op.index[count] = static_cast<std::uint32_t>(i);
        op.v[count++] = op.x[i];
    }
    *op.count = count;
}

}  // namespace

void add_top_k(OpTable& table) {
    table.add<TopK>(Level::reference, run_bisection,
                    "the k-th key by bisection, a pass for each of its bits");
    table.add<TopK>(Level::tiled, run_radix,
                    "the k-th key from two histograms, three passes in all, vector registers and threads");
}

}  // namespace spectral::cpu
#endif  // HWY_ONCE
