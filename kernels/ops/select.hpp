// Selection of complex values by magnitude, exactly the same on every backend: magnitudes are compared
// through energy_key(), ties go to the lower index. Indices come out ascending, counts stay in device memory,
// outputs overlap no input; size ≤ 2^32.
#pragma once

#include <bit>
#include <cmath>

#include "kernels/ops/blocks.hpp"
#include "kernels/types.hpp"

namespace spectral {

/// The key of every NaN: above infinity, so that a selection shows what is no number instead of losing it.
inline constexpr std::uint32_t kNanKey = 0x7FC00000;

/// The bits of fmaf(re, re, im·im) in float32 with subnormals kept: at most 31 of them, ascending with the
/// magnitude. Magnitudes beyond 1.8e19 tie at infinity, those below 2.6e-23 at zero.
inline std::uint32_t energy_key(Complex x) {
    const float energy = std::fma(x.real(), x.real(), x.imag() * x.imag());
    return std::isnan(energy) ? kNanKey : std::bit_cast<std::uint32_t>(energy);
}

/// The values with energy_key(x[i]) ≥ energy_key(threshold): |x[i]| ≥ threshold in float32; NaN is selected.
/// threshold ≥ 0. *count says how many match; of these the first `capacity` are written to `index` and `v`.
/// `scratch`: scratch_size(size) values.
struct SelectAbove {
    static constexpr std::string_view name = "select_above";
    std::int64_t size = 0, capacity = 0;
    float threshold = 0;
    const Complex* x = nullptr;
    std::uint32_t* index = nullptr;
    Complex* v = nullptr;
    std::int64_t* count = nullptr;
    std::int64_t* scratch = nullptr;
    static constexpr std::int64_t scratch_size(std::int64_t size) { return compaction_scratch_size(size); }
    Cost cost() const;
};

/// The largest by magnitude, whose weights sum to at most k: in the order of falling energy_key, equal ones
/// by rising index, the longest beginning that fits. `weight[i]` is what value i counts: 2 for a coefficient
/// that stands for a conjugate pair, 1 for one that is its own conjugate, 0 for one that is never selected
/// (the member of a stored pair that the other stands for); null: 1 each, and *count = min(k, size). Since
/// the energy that a value stands for is weight·|x|², this order keeps the most energy for each degree of
/// freedom. k ≥ 0. `index` and `v` have room for min(k, size) entries, of which *count are written.
/// `scratch`: scratch_size(size) values.
struct TopK {
    static constexpr std::string_view name = "top_k";
    std::int64_t size = 0, k = 0;
    const Complex* x = nullptr;
    const std::uint8_t* weight = nullptr;
    std::uint32_t* index = nullptr;
    Complex* v = nullptr;
    std::int64_t* count = nullptr;
    std::int64_t* scratch = nullptr;

    /// Bins of the histogram over the keys' upper 16 bits; the lower 15 have a sum and a count in as many.
    static constexpr std::int64_t kBins = 1 << 16;
    /// On a device: histograms over the upper 13 and the lower 18 bits, a sum for every 256 bins, and a few
    /// numbers.
    static constexpr std::int64_t kDeviceBins = (1 << 18) + (1 << 13) + (1 << 11);
    /// A device sets aside the values in and above the bin where the budget ends (12 bytes each), to read the
    /// whole input twice only, where there are at most so many.
    static constexpr std::int64_t list_capacity(std::int64_t size) { return size / 8; }
    /// The larger of both backends' needs, and four numbers for every block.
    static constexpr std::int64_t scratch_size(std::int64_t size) {
        const std::int64_t histograms = part_count(size) * kBins;
        const std::int64_t device = kDeviceBins + list_capacity(size) * 3 / 2 + 1;
        return std::max(histograms, device) + 4 * compaction_scratch_size(size);
    }
    Cost cost() const;
};

}  // namespace spectral
