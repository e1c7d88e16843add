// Weights by bins, and the bin in which a budget ends, counted from the highest bin downwards.
#pragma once

#include "kernels/cuda/compact.cuh"
#include "kernels/cuda/reduce.cuh"

namespace spectral::cuda {

inline constexpr int kFindBlock = 1024;

template <int kBits>
struct Histogram {
    static constexpr int kBins = 1 << kBits, kGroup = 256, kGroups = kBins / kGroup;
    static_assert(kGroup <= kFindBlock && kGroups <= kFindBlock);
    unsigned long long bin[kBins], group[kGroups];  ///< a group is the sum of kGroup bins
};

/// Where a budget ends.
struct Cut {
    std::int64_t key;   ///< larger ones fit whole; −1: all do
    std::int64_t left;  ///< of the budget, for this one
};

/// The groups' sums, a warp for each: as atomics they would meet in few places.
template <int kBits>
__device__ void sum_groups(Histogram<kBits>& histogram) {
    constexpr int kGroup = Histogram<kBits>::kGroup;
    static_assert(Histogram<kBits>::kGroups == kFindBlock / kWarp);
    const int lane = static_cast<int>(threadIdx.x) % kWarp, group = static_cast<int>(threadIdx.x) / kWarp;
    unsigned long long sum = 0;
#pragma unroll
    for (int i = 0; i < kGroup; i += kWarp) sum += histogram.bin[group * kGroup + i + lane];
    sum = warp_sum(sum);
    if (lane == 0) histogram.group[group] = sum;
    __syncthreads();
}

/// The highest of `count` ≤ kFindBlock places that does not fit whole into `left`, −1 where all fit; what
/// lies above is taken off `left`. All threads of the block call it.
__device__ __forceinline__ int find_place(int count, const unsigned long long* weights, std::int64_t& left) {
    __shared__ std::int64_t partial[kFindBlock / kWarp], found_left;
    __shared__ int found;
    if (threadIdx.x == 0) found = -1;
    const int place = count - 1 - static_cast<int>(threadIdx.x);  // from the top downwards
    const auto weight = static_cast<std::int64_t>(place >= 0 ? weights[place] : 0);
    std::int64_t total = 0;
    const std::int64_t before = block_exclusive_sum<kFindBlock>(weight, total, partial);
    if (before <= left && before + weight > left) {
        found = place;
        found_left = left - before;
    }
    __syncthreads();
    const int result = found;
    left = result >= 0 ? found_left : left - total;
    __syncthreads();
    return result;
}

/// All threads of a block of kFindBlock call it.
template <int kBits>
__device__ Cut find_bin(const Histogram<kBits>& histogram, std::int64_t left) {
    constexpr int kGroup = Histogram<kBits>::kGroup;
    const int group = find_place(Histogram<kBits>::kGroups, histogram.group, left);
    if (group < 0) return {-1, left};
    const int bin = find_place(kGroup, histogram.bin + group * kGroup, left);
    return {group * kGroup + bin, left};
}

}  // namespace spectral::cuda
