// Selection of complex values by magnitude. TopK finds the key of the last value that fits by two histograms
// over the key's bits, its upper 15 and then, within the bin where the budget ends, its lower 16; two more
// passes over the values count and write. Among equal keys the budget goes by index.
#include "kernels/cuda/compact.cuh"
#include "kernels/cuda/complex.cuh"
#include "kernels/cuda/operations.hpp"
#include "kernels/ops/select.hpp"

namespace spectral::cuda {

namespace {

constexpr int kLowBits = 16;
constexpr int kHighBins = 1 << (31 - kLowBits), kLowBins = 1 << kLowBits;  ///< a key has 31 bits
static_assert(kLowBins <= TopK::kBins && kHighBins <= TopK::kBins);

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

/// What the passes of TopK know so far, in device memory.
struct Cut {
    std::int64_t key;   ///< larger ones are selected; −1: all that count anything
    std::int64_t left;  ///< weight for values of exactly this key
};

struct Values {
    std::int64_t size;
    const float2* x;
    const std::uint8_t* weight;

    __device__ std::uint32_t key(std::int64_t i) const { return device_energy_key(x[i]); }
    __device__ int weight_of(std::int64_t i) const { return weight != nullptr ? weight[i] : 1; }
};

/// Weights by the upper bits of the key. A block counts in shared memory; a bin there holds what 2^31 values
/// weigh.
__global__ void high_histogram_kernel(Values values, unsigned long long* histogram) {
    SPECTRAL_DYNAMIC_SHARED(unsigned, bins);
    for (int bin = static_cast<int>(threadIdx.x); bin < kHighBins; bin += static_cast<int>(blockDim.x))
        bins[bin] = 0;
    __syncthreads();
    for (std::int64_t i = global_thread(); i < values.size; i += global_threads()) {
        const int weight = values.weight_of(i);
        if (weight > 0) atomicAdd(&bins[values.key(i) >> kLowBits], static_cast<unsigned>(weight));
    }
    __syncthreads();
    for (int bin = static_cast<int>(threadIdx.x); bin < kHighBins; bin += static_cast<int>(blockDim.x))
        if (bins[bin] > 0) atomicAdd(&histogram[bin], static_cast<unsigned long long>(bins[bin]));
}

/// Weights by the lower bits, of the keys whose upper bits are the cut's. Lanes that meet in a bin add once.
__global__ void low_histogram_kernel(Values values, const Cut* cut, unsigned long long* histogram) {
    const std::int64_t high = cut->key;
    if (high < 0) return;
    const int lane = static_cast<int>(threadIdx.x) % kWarp;
    const std::int64_t step = global_threads();
    for (std::int64_t first = global_thread() - lane; first < values.size; first += step) {
        const std::int64_t i = first + lane;
        const int weight = i < values.size ? values.weight_of(i) : 0;
        const std::uint32_t key = weight > 0 ? values.key(i) : 0;
        const bool counts = weight > 0 && static_cast<std::int64_t>(key >> kLowBits) == high;
        if (__any_sync(kAllLanes, counts) == 0) continue;
        const std::uint32_t bin = key & (kLowBins - 1);
        const unsigned same =
            __match_any_sync(kAllLanes, counts ? bin << 2 | static_cast<unsigned>(weight) : ~0U);
        if (counts && lane == __ffs(static_cast<int>(same)) - 1)
            atomicAdd(&histogram[bin], static_cast<unsigned long long>(weight) *
                                           static_cast<unsigned long long>(__popc(same)));
    }
}

/// The highest bin that does not fit whole into what is left, and what is left for it: one block. `low`: the
/// bins refine the cut.
__global__ void find_cut_kernel(int bins, const unsigned long long* histogram, bool low, Cut* cut) {
    __shared__ std::int64_t partial[kScanBlock / kWarp];
    const std::int64_t high = cut->key, left = cut->left;
    if (low && high < 0) return;
    const int own = bins / kScanBlock;
    const int first = bins - 1 - static_cast<int>(threadIdx.x) * own;  // from the top downwards
    std::int64_t sum = 0, total = 0;
    for (int i = 0; i < own; ++i) sum += static_cast<std::int64_t>(histogram[first - i]);
    std::int64_t before = block_exclusive_sum<kScanBlock>(sum, total, partial);
    if (threadIdx.x == 0 && total <= left) *cut = {-1, left - total};
    if (before > left || before + sum <= left) return;
    for (int i = 0; i < own; ++i) {
        const auto weight = static_cast<std::int64_t>(histogram[first - i]);
        if (before + weight > left) {
            *cut = {low ? high << kLowBits | (first - i) : first - i, left - before};
            return;
        }
        before += weight;
    }
}

/// Per chunk: how many are above the cut, how many equal it, and what these weigh.
__global__ void count_chunks_kernel(Values values, const Cut* cut, std::int64_t* above, std::int64_t* equal,
                                    std::int64_t* equal_weight) {
    __shared__ int partial[kBlock / kWarp];
    const std::int64_t key = cut->key;
    for (std::int64_t chunk = blockIdx.x; chunk * kBlockSize < values.size; chunk += gridDim.x) {
        const std::int64_t end = min(values.size, (chunk + 1) * kBlockSize);
        int larger = 0, same = 0, weight = 0;
        for (std::int64_t i = chunk * kBlockSize + threadIdx.x; i < end; i += kBlock) {
            const int own = values.weight_of(i);
            const auto own_key = static_cast<std::int64_t>(values.key(i));
            if (own == 0 || own_key < key) continue;
            larger += own_key > key ? 1 : 0;
            same += own_key == key ? 1 : 0;
            weight += own_key == key ? own : 0;
        }
        larger = block_sum<kBlock>(larger, partial);
        same = block_sum<kBlock>(same, partial);
        weight = block_sum<kBlock>(weight, partial);
        if (threadIdx.x == 0) {
            above[chunk] = larger;
            equal[chunk] = same;
            equal_weight[chunk] = weight;
        }
    }
}

/// Writes the selected values of a chunk behind `done`; the number of those that equal the cut is returned to
/// all threads. Without `index` nothing is written.
__device__ int write_chunk(const Values& values, Cut cut, std::int64_t chunk, std::int64_t weight_before,
                           std::int64_t done, std::uint32_t* index, float2* v, int* partial) {
    const std::int64_t end = min(values.size, (chunk + 1) * kBlockSize);
    int equals = 0;
    for (std::int64_t first = chunk * kBlockSize; first < end; first += kBlock) {
        const std::int64_t i = first + threadIdx.x;
        const int weight = i < end ? values.weight_of(i) : 0;
        const std::int64_t key = weight > 0 ? static_cast<std::int64_t>(values.key(i)) : -2;
        const bool equal = weight > 0 && key == cut.key;
        int round_weight = 0, selected = 0;
        const int before = block_exclusive_sum<kBlock>(equal ? weight : 0, round_weight, partial);
        const bool fits = equal && weight_before + before + weight <= cut.left;
        const bool select = (weight > 0 && key > cut.key) || fits;
        const int rank = block_exclusive_sum<kBlock>(select ? 1 : 0, selected, partial);
        if (select && index != nullptr) {
            index[done + rank] = static_cast<std::uint32_t>(i);
            v[done + rank] = values.x[i];
        }
        equals += block_sum<kBlock>(fits ? 1 : 0, partial);
        done += selected;
        weight_before += round_weight;
    }
    return equals;
}

/// How many values of the cut's key are selected: all of the chunks before the one in which the budget ends,
/// and of that one as many as fit. One block; the arrays hold running sums.
__global__ void count_equals_kernel(Values values, const Cut* cut, const std::int64_t* equal,
                                    const std::int64_t* equal_weight, std::int64_t* equals_selected,
                                    const std::int64_t* above_total, std::int64_t* count) {
    __shared__ int partial[kBlock / kWarp];
    const std::int64_t chunks = (values.size + kBlockSize - 1) / kBlockSize;
    std::int64_t selected = 0;
    if (cut->key >= 0) {
        std::int64_t first = 0, last = chunks - 1;  // the last chunk that starts within the budget
        while (first < last) {
            const std::int64_t middle = (first + last + 1) / 2;
            if (equal_weight[middle] <= cut->left)
                first = middle;
            else
                last = middle - 1;
        }
        selected = equal[first] +
                   write_chunk(values, *cut, first, equal_weight[first], 0, nullptr, nullptr, partial);
    }
    if (threadIdx.x == 0) {
        *equals_selected = selected;
        *count = *above_total + selected;
    }
}

__global__ void write_selected_kernel(Values values, const Cut* cut, const std::int64_t* above,
                                      const std::int64_t* equal, const std::int64_t* equal_weight,
                                      const std::int64_t* equals_selected, std::uint32_t* index, float2* v) {
    __shared__ int partial[kBlock / kWarp];
    for (std::int64_t chunk = blockIdx.x; chunk * kBlockSize < values.size; chunk += gridDim.x) {
        const std::int64_t equals_before = min(equal[chunk], *equals_selected);
        write_chunk(values, *cut, chunk, equal_weight[chunk], above[chunk] + equals_before, index, v,
                    partial);
    }
}

__global__ void start_cut_kernel(std::int64_t k, Cut* cut) { *cut = {-1, k}; }

void run_above(CudaBackend& backend, const SelectAbove& op) {
    compact(backend, op.size,
            Above{parts_of(op.x), energy_key({op.threshold, 0}), op.capacity, op.index, parts_of(op.v)},
            op.scratch, op.count);
}

void run_top_k(CudaBackend& backend, const TopK& op) {
    const cudaStream_t stream = backend.stream();
    const Values values{op.size, parts_of(op.x), op.weight};
    // The histogram's place is free again when the chunks are counted.
    auto* const histogram = reinterpret_cast<unsigned long long*>(op.scratch);
    std::int64_t* const equal_weight = op.scratch;
    std::int64_t* const above = op.scratch + part_count(op.size) * TopK::kBins;
    std::int64_t* const equal = above + compaction_scratch_size(op.size);
    std::int64_t* const above_total = above + block_count(op.size);
    std::int64_t* const equals_selected = equal + block_count(op.size);
    auto* const cut = backend.reduction<Cut>();

    launch(start_cut_kernel, 1, 1, 0, stream, op.k, cut);
    backend.fill_zero(histogram, kHighBins * sizeof *histogram);
    constexpr std::size_t kShared = kHighBins * sizeof(unsigned);
    check(cudaFuncSetAttribute(high_histogram_kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                               static_cast<int>(kShared)),
          "shared memory");
    launch(high_histogram_kernel, blocks_for(op.size, kScanBlock, backend.info().multiprocessors), kScanBlock,
           kShared, stream, values, histogram);
    launch(find_cut_kernel, 1, kScanBlock, 0, stream, kHighBins, histogram, false, cut);
    backend.fill_zero(histogram, kLowBins * sizeof *histogram);
    launch(low_histogram_kernel, blocks_for(op.size, kBlock, backend.most_blocks()), kBlock, 0, stream,
           values, cut, histogram);
    launch(find_cut_kernel, 1, kScanBlock, 0, stream, kLowBins, histogram, true, cut);

    const unsigned blocks = chunk_blocks(backend, op.size);
    launch(count_chunks_kernel, blocks, kBlock, 0, stream, values, cut, above, equal, equal_weight);
    const std::int64_t chunks = block_count(op.size);
    exclusive_sums(backend, chunks, above, above_total);
    exclusive_sums(backend, chunks, equal, nullptr);
    exclusive_sums(backend, chunks, equal_weight, nullptr);
    launch(count_equals_kernel, 1, kBlock, 0, stream, values, cut, equal, equal_weight, equals_selected,
           above_total, op.count);
    launch(write_selected_kernel, blocks, kBlock, 0, stream, values, cut, above, equal, equal_weight,
           equals_selected, op.index, parts_of(op.v));
}

}  // namespace

void add_select(OpTable& table) {
    add<SelectAbove, run_above>(table, Level::tiled, "blocks count, then write behind those before them");
    add<TopK, run_top_k>(table, Level::tiled, "two histograms of the keys' bits, then one compaction");
}

}  // namespace spectral::cuda
