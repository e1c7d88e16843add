// The largest complex values by magnitude, by two histograms over the key's bits, its upper 13 and then,
// within the bin where the budget ends, its lower 18. The second reading sets aside what lies in that bin or
// above; where it fits the scratch, counting and writing go over that alone. Among equal keys the budget goes
// by index.
#include "kernels/cuda/compact.cuh"
#include "kernels/cuda/complex.cuh"
#include "kernels/cuda/histogram.cuh"
#include "kernels/cuda/operations.hpp"
#include "kernels/ops/select.hpp"

namespace spectral::cuda {

namespace {

constexpr int kLowBits = 18, kHighBits = 31 - kLowBits;
constexpr unsigned kLowMask = (1U << kLowBits) - 1;
constexpr int kHistogramBlock = 512;

/// What the passes know so far, in device memory. All zero at first.
struct State {
    Cut cut;                    ///< after the first histogram, of the keys' upper bits; `left` is weight
    std::int64_t above, equal;  ///< selected values with keys above the cut's, and with that
    unsigned long long listed;  ///< values set aside; beyond the list's capacity they are of no use
    Histogram<kHighBits> high;
    Histogram<kLowBits> low;
};
static_assert(sizeof(State) <= TopK::kDeviceBins * sizeof(std::int64_t));

struct Values {
    std::int64_t size;
    const float2* x;
    const std::uint8_t* weight;

    __device__ int weight_of(std::int64_t i) const { return weight != nullptr ? weight[i] : 1; }
};

/// Where a chunk's values stand in the list, in their order.
struct alignas(8) Segment {
    std::uint32_t first, count;
};

/// The values set aside. Chunks stand in it in any order.
struct List {
    std::int64_t capacity;
    float2* v;
    std::uint32_t* index;
    Segment* segment;  ///< of each chunk
};

/// What the last passes see of a chunk: its part of the list, or where the list has not become whole all of
/// it.
struct Chunk {
    Values values;
    const float2* x;
    const std::uint32_t* listed_index;  ///< null: not listed
    std::int64_t first;
    int count;

    __device__ Chunk(const Values& all, const State* state, const List& list, std::int64_t chunk)
        : values(all) {
        if (state->listed <= static_cast<unsigned long long>(list.capacity)) {
            const Segment segment = list.segment[chunk];
            first = segment.first;
            count = static_cast<int>(segment.count);
            x = list.v + first;
            listed_index = list.index + first;
        } else {
            first = chunk * kBlockSize;
            count = static_cast<int>(min(values.size - first, kBlockSize));
            x = values.x + first;
            listed_index = nullptr;
        }
    }
    __device__ std::uint32_t index(int j) const {
        return listed_index != nullptr ? listed_index[j] : static_cast<std::uint32_t>(first + j);
    }
    /// The key, or −2 for what is not selected whatever fits; `weight` is right for keys that equal the cut.
    __device__ std::int64_t key(int j, std::int64_t cut, int& weight) const {
        weight = 0;
        if (j >= count) return -2;
        const auto own = static_cast<std::int64_t>(device_energy_key(x[j]));
        if (own < cut) return -2;
        if (listed_index != nullptr && own > cut) return own;
        weight = values.weight_of(index(j));
        return weight > 0 ? own : -2;
    }
};

/// Weights by the upper bits of the key. A block counts in shared memory, where a bin holds what 2^31 values
/// weigh; a thread adds a run of values that share a bin, such as zeros, at once.
__global__ void __launch_bounds__(kHistogramBlock) high_histogram_kernel(Values values, State* state) {
    constexpr int kRounds = 8, kBins = 1 << kHighBits;
    __shared__ unsigned bins[kBins];
    for (int bin = static_cast<int>(threadIdx.x); bin < kBins; bin += kHistogramBlock) bins[bin] = 0;
    __syncthreads();
    const std::int64_t step = global_threads();
    unsigned run_bin = 0, run_weight = 0;
    for (std::int64_t first = global_thread(); first < values.size; first += kRounds * step) {
        float2 x[kRounds];  // loaded together: loads on their way hide each other's latency
        int weight[kRounds];
#pragma unroll
        for (int round = 0; round < kRounds; ++round) {
            const std::int64_t i = first + round * step;
            weight[round] = i < values.size ? values.weight_of(i) : 0;
            x[round] = i < values.size ? values.x[i] : make_float2(0, 0);
        }
#pragma unroll
        for (int round = 0; round < kRounds; ++round) {
            if (weight[round] == 0) continue;
            const unsigned bin = device_energy_key(x[round]) >> kLowBits;
            if (bin != run_bin) {
                if (run_weight > 0) atomicAdd(&bins[run_bin], run_weight);
                run_bin = bin;
                run_weight = 0;
            }
            run_weight += static_cast<unsigned>(weight[round]);
        }
    }
    if (run_weight > 0) atomicAdd(&bins[run_bin], run_weight);
    __syncthreads();
    for (int bin = static_cast<int>(threadIdx.x); bin < kBins; bin += kHistogramBlock)
        if (bins[bin] > 0) atomicAdd(&state->high.bin[bin], static_cast<unsigned long long>(bins[bin]));
}

/// One block. Without weights it is known now whether the list will do; with them there may be as few values
/// as half of what they weigh.
__global__ void find_high_kernel(std::int64_t k, bool weighted, std::int64_t capacity, State* state) {
    sum_groups(state->high);
    const Cut cut = find_bin(state->high, k);
    if (threadIdx.x != 0) return;
    state->cut = cut;
    const auto from_here =
        cut.key < 0 ? 0 : k - cut.left + static_cast<std::int64_t>(state->high.bin[cut.key]);
    const bool listed = cut.key >= 0 && (weighted ? (from_here + 1) / 2 : from_here) <= capacity;
    state->listed = listed ? 0 : static_cast<unsigned long long>(capacity) + 1;
}

/// One block.
__global__ void find_low_kernel(State* state) {
    const Cut high = state->cut;
    if (high.key < 0) return;
    const Cut low = find_bin(state->low, high.left);
    if (threadIdx.x == 0) state->cut = {high.key << kLowBits | low.key, low.left};
}

/// A lane's weights for one low bin, on their way to the histogram.
struct Run {
    unsigned bin, weight;

    /// Empties the runs of the lanes that say so; those alike add once. All lanes call it.
    __device__ void flush(bool flushed, Histogram<kLowBits>& histogram) {
        if (__any_sync(kAllLanes, flushed) == 0) return;
        const unsigned long long own = flushed ? static_cast<unsigned long long>(bin) << 32 | weight : ~0ULL;
        const unsigned same = __match_any_sync(kAllLanes, own);
        if (!flushed) return;
        if (static_cast<int>(threadIdx.x) % kWarp == __ffs(static_cast<int>(same)) - 1) {
            const unsigned long long sum =
                static_cast<unsigned long long>(weight) * static_cast<unsigned long long>(__popc(same));
            atomicAdd(&histogram.bin[bin], sum);
            atomicAdd(&histogram.group[bin / Histogram<kLowBits>::kGroup], sum);
        }
        weight = 0;
    }
};

/// Weights by the lower bits, of the keys whose upper bits are the cut's; these values and those above are
/// set aside, as long as there is room. A warp has contiguous values of a chunk.
__global__ void __launch_bounds__(kBlock, 4) low_histogram_kernel(Values values, State* state, List list) {
    constexpr int kWarps = kBlock / kWarp, kOfWarp = static_cast<int>(kBlockSize) / kWarps;
    constexpr int kRounds = kOfWarp / kWarp;
    static_assert(2 * kRounds <= 32, "two bits for each weight");
    __shared__ int passing[kWarps];
    __shared__ unsigned long long place;
    const std::int64_t high = state->cut.key;
    if (high < 0) return;
    const unsigned lowest = static_cast<unsigned>(high) << kLowBits, highest = lowest | kLowMask;
    const int lane = static_cast<int>(threadIdx.x) % kWarp, warp = static_cast<int>(threadIdx.x) / kWarp;
    Run run{0, 0};
    for (std::int64_t chunk = blockIdx.x; chunk * kBlockSize < values.size; chunk += gridDim.x) {
        const std::int64_t first = chunk * kBlockSize + warp * kOfWarp + lane;
        const int end = static_cast<int>(min(values.size - first, kBlockSize));  // what is left from here on
        float2 x[kRounds];
        unsigned weights = 0;
#pragma unroll
        for (int round = 0; round < kRounds; ++round)
            x[round] = round * kWarp < end ? values.x[first + round * kWarp] : make_float2(0, 0);
#pragma unroll
        for (int round = 0; round < kRounds; ++round)
            if (round * kWarp < end && device_energy_key(x[round]) >= lowest)
                weights |= (static_cast<unsigned>(values.weight_of(first + round * kWarp)) & 3U) << 2 * round;
#pragma unroll
        for (int round = 0; round < kRounds; ++round) {
            const unsigned key = device_energy_key(x[round]), weight = weights >> 2 * round & 3U;
            const bool counts = weight > 0 && key <= highest;
            const unsigned bin = key & kLowMask;
            run.flush(counts && run.weight > 0 && bin != run.bin, state->low);
            if (counts) run = {bin, run.weight + weight};
        }
        const int of_warp = warp_sum(__popc((weights | weights >> 1) & 0x55555555U));
        if (lane == 0) passing[warp] = of_warp;
        __syncthreads();
        unsigned before = 0;
        for (int w = 0; w < warp; ++w) before += static_cast<unsigned>(passing[w]);
        if (threadIdx.x == kBlock - 1) {
            const unsigned count = before + static_cast<unsigned>(of_warp);
            place = atomicAdd(&state->listed, static_cast<unsigned long long>(count));
            list.segment[chunk] = {static_cast<std::uint32_t>(place), count};
        }
        __syncthreads();
        unsigned long long to = place + before;
        if (of_warp == 0 ||
            to + static_cast<unsigned>(of_warp) > static_cast<unsigned long long>(list.capacity))
            continue;
#pragma unroll
        for (int round = 0; round < kRounds; ++round) {
            const bool passes = (weights >> 2 * round & 3U) != 0;
            const unsigned all = __ballot_sync(kAllLanes, passes);
            if (passes) {
                const auto at = to + static_cast<unsigned>(__popc(all & ((1U << lane) - 1)));
                list.index[at] = static_cast<std::uint32_t>(first + round * kWarp);
                list.v[at] = x[round];
            }
            to += static_cast<unsigned>(__popc(all));
        }
    }
    run.flush(run.weight > 0, state->low);
}

/// Per chunk: how many are above the cut, how many equal it, and what these weigh.
__global__ void count_chunks_kernel(Values values, const State* state, List list, std::int64_t* above,
                                    std::int64_t* equal, std::int64_t* equal_weight) {
    constexpr int kBits = 20;  // three counts in one sum: a chunk has 2^12 values
    constexpr std::int64_t kMask = (1 << kBits) - 1;
    __shared__ std::int64_t partial[kBlock / kWarp];
    const std::int64_t cut = state->cut.key;
    for (std::int64_t at = blockIdx.x; at * kBlockSize < values.size; at += gridDim.x) {
        const Chunk chunk(values, state, list, at);
        std::int64_t counts = 0;
        for (int j = static_cast<int>(threadIdx.x); j < chunk.count; j += kBlock) {
            int weight = 0;
            const std::int64_t key = chunk.key(j, cut, weight);
            if (key >= 0 && key > cut) ++counts;
            if (key >= 0 && key == cut)
                counts += std::int64_t{1} << kBits | std::int64_t{weight} << 2 * kBits;
        }
        counts = block_sum<kBlock>(counts, partial);
        if (threadIdx.x == 0) {
            above[at] = counts & kMask;
            equal[at] = counts >> kBits & kMask;
            equal_weight[at] = counts >> 2 * kBits;
        }
    }
}

/// Writes the selected values of a chunk behind `done`; the number of those that equal the cut is returned to
/// all threads. Without `index` nothing is written.
__device__ int write_chunk(const Chunk& chunk, Cut cut, std::int64_t weight_before, std::int64_t done,
                           std::uint32_t* index, float2* v, int* partial) {
    int equals = 0;
    for (int first = 0; first < chunk.count; first += kBlock) {
        const int j = first + static_cast<int>(threadIdx.x);
        int weight = 0, round_weight = 0, selected = 0;
        const std::int64_t key = chunk.key(j, cut.key, weight);
        const bool equal = key >= 0 && key == cut.key;
        const int before = block_exclusive_sum<kBlock>(equal ? weight : 0, round_weight, partial);
        const bool fits = equal && weight_before + before + weight <= cut.left;
        const bool select = (key >= 0 && key > cut.key) || fits;
        const int rank = block_exclusive_sum<kBlock>(select ? 1 : 0, selected, partial);
        if (select && index != nullptr) {
            index[done + rank] = chunk.index(j);
            v[done + rank] = chunk.x[j];
        }
        equals += block_sum<kBlock>(fits ? 1 : 0, partial);
        done += selected;
        weight_before += round_weight;
    }
    return equals;
}

/// How many values of the cut's key are selected: all of the chunks before the one in which the budget ends,
/// and of that one as many as fit. One block; the arrays hold running sums.
__global__ void count_equals_kernel(Values values, State* state, List list, const std::int64_t* equal,
                                    const std::int64_t* equal_weight, std::int64_t* count) {
    __shared__ int partial[kBlock / kWarp];
    const Cut cut = state->cut;
    const std::int64_t chunks = (values.size + kBlockSize - 1) / kBlockSize;
    std::int64_t selected = 0;
    if (cut.key >= 0) {
        int within = 0;  // chunks that start within the budget: the last one of these, the first has no sum
#pragma unroll 8
        for (std::int64_t chunk = threadIdx.x; chunk < chunks; chunk += kBlock)
            within += equal_weight[chunk] <= cut.left ? 1 : 0;
        const std::int64_t last = block_sum<kBlock>(within, partial) - 1;
        selected = equal[last] + write_chunk(Chunk(values, state, list, last), cut, equal_weight[last], 0,
                                             nullptr, nullptr, partial);
    }
    if (threadIdx.x == 0) {
        state->equal = selected;
        *count = state->above + selected;
    }
}

__global__ void write_selected_kernel(Values values, const State* state, List list, const std::int64_t* above,
                                      const std::int64_t* equal, const std::int64_t* equal_weight,
                                      std::uint32_t* index, float2* v) {
    __shared__ int partial[kBlock / kWarp];
    for (std::int64_t at = blockIdx.x; at * kBlockSize < values.size; at += gridDim.x) {
        const std::int64_t equals_before = min(equal[at], state->equal);
        write_chunk(Chunk(values, state, list, at), state->cut, equal_weight[at], above[at] + equals_before,
                    index, v, partial);
    }
}

void run_top_k(CudaBackend& backend, const TopK& op) {
    const cudaStream_t stream = backend.stream();
    const Values values{op.size, parts_of(op.x), op.weight};
    const std::int64_t capacity = TopK::list_capacity(op.size), stride = compaction_scratch_size(op.size);
    auto* const state = reinterpret_cast<State*>(op.scratch);
    std::int64_t* const listed = op.scratch + TopK::kDeviceBins;
    std::int64_t* const above = op.scratch + TopK::scratch_size(op.size) - 4 * stride;
    std::int64_t *const equal = above + stride, *const equal_weight = equal + stride;
    const List list{capacity, reinterpret_cast<float2*>(listed),
                    reinterpret_cast<std::uint32_t*>(listed + capacity),
                    reinterpret_cast<Segment*>(equal_weight + stride)};
    const unsigned blocks = chunk_blocks(backend, op.size);

    backend.fill_zero(state, sizeof(State));
    launch(high_histogram_kernel,
           blocks_for(op.size, kHistogramBlock, backend.info().multiprocessors * std::int64_t{3}),
           kHistogramBlock, 0, stream, values, state);
    launch(find_high_kernel, 1, kFindBlock, 0, stream, op.k, op.weight != nullptr, capacity, state);
    launch(low_histogram_kernel, blocks, kBlock, 0, stream, values, state, list);
    launch(find_low_kernel, 1, kFindBlock, 0, stream, state);
    launch(count_chunks_kernel, blocks, kBlock, 0, stream, values, state, list, above, equal, equal_weight);
    exclusive_sums(backend, block_count(op.size), above, &state->above, 3, stride);
    launch(count_equals_kernel, 1, kBlock, 0, stream, values, state, list, equal, equal_weight, op.count);
    launch(write_selected_kernel, blocks, kBlock, 0, stream, values, state, list, above, equal, equal_weight,
           op.index, parts_of(op.v));
}

}  // namespace

void add_top_k(OpTable& table) {
    add<TopK, run_top_k>(
        table, Level::tiled,
        "two histograms of the keys' bits, then one compaction of what the second set aside");
}

}  // namespace spectral::cuda
