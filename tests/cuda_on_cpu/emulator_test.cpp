// The emulated device itself: right kernels give right results in every order of their threads, wrong ones
// are found.
#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <vector>

#include "control.hpp"

namespace cuda_on_cpu {
namespace {

constexpr unsigned kSeeds[] = {0, 1, 2, 3, 4, 5, 6, 7};

/// Memory of the emulated device, with values of the host.
template <class T>
class DeviceArray {
public:
    explicit DeviceArray(std::size_t size, T value = T()) : size_(size) {
        void* memory = nullptr;
        EXPECT_EQ(cudaMalloc(&memory, size * sizeof(T)), cudaSuccess);
        data_ = static_cast<T*>(memory);
        std::fill_n(data_, size, value);
    }
    DeviceArray(const DeviceArray&) = delete;
    DeviceArray& operator=(const DeviceArray&) = delete;
    ~DeviceArray() { cudaFree(data_); }

    T* data() { return data_; }
    T& operator[](std::size_t i) { return data_[i]; }
    std::vector<T> host() const { return {data_, data_ + size_}; }

private:
    std::size_t size_;
    T* data_ = nullptr;
};

class Emulator : public testing::Test {
protected:
    Emulator() { testing::GTEST_FLAG(death_test_style) = "threadsafe"; }
    void TearDown() override { reset(); }
};

int thread_in_block() {
    return static_cast<int>(threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z));
}

__global__ void count_threads(int* visits) {
    const unsigned block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
    const unsigned threads = blockDim.x * blockDim.y * blockDim.z;
    atomicAdd(&visits[block * threads + static_cast<unsigned>(thread_in_block())], 1);
}

TEST_F(Emulator, RunsEveryThreadOnce) {
    const std::array<std::pair<dim3, dim3>, 6> shapes{{{1, 1},
                                                       {7, 33},
                                                       {3, 1024},
                                                       {dim3(2, 3, 4), dim3(5, 3, 2)},
                                                       {dim3(1, 1, 2), dim3(32, 32)},
                                                       {200, 256}}};
    for (const unsigned seed : kSeeds) {
        set_seed(seed);
        for (const auto& [grid, block] : shapes) {
            const std::size_t threads = std::size_t{grid.x} * grid.y * grid.z * block.x * block.y * block.z;
            DeviceArray<int> visits(threads);
            launch(count_threads, grid, block, 0, nullptr, visits.data());
            EXPECT_EQ(visits.host(), std::vector<int>(threads, 1));
        }
    }
}

/// Sum of a block by shuffles and shared memory.
__global__ void sum_block(const int* x, int* sums, int size) {
    __shared__ int partial[32];
    const int t = static_cast<int>(threadIdx.x), lanes = 32;
    int sum = 0;
    for (int i = t; i < size; i += static_cast<int>(blockDim.x)) sum += x[i];
    for (int d = 16; d > 0; d /= 2) sum += __shfl_down_sync(~0U, sum, static_cast<unsigned>(d));
    if (t % lanes == 0) partial[t / lanes] = sum;
    __syncthreads();
    if (t >= lanes) return;
    sum = t < static_cast<int>(blockDim.x) / lanes ? partial[t] : 0;
    for (int d = 16; d > 0; d /= 2) sum += __shfl_xor_sync(~0U, sum, d);
    if (t == 0) sums[blockIdx.x] = sum;
}

TEST_F(Emulator, SumsByShufflesAndSharedMemory) {
    DeviceArray<int> x(5000), sums(3);
    std::iota(x.data(), x.data() + 5000, 1);
    for (const unsigned seed : kSeeds) {
        set_seed(seed);
        for (const unsigned threads : {32U, 96U, 1024U}) {
            launch(sum_block, 3, threads, 0, nullptr, x.data(), sums.data(), 5000);
            EXPECT_EQ(sums.host(), std::vector<int>(3, 5000 * 5001 / 2));
        }
    }
}

__global__ void transpose(const float* x, float* y, int n) {
    float* const tile = static_cast<float*>(dynamic_shared());
    const int row = static_cast<int>(blockIdx.y * blockDim.y + threadIdx.y);
    const int column = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
    const int stride = static_cast<int>(blockDim.x) + 1;
    const int i = static_cast<int>(threadIdx.y), j = static_cast<int>(threadIdx.x);
    if (row < n && column < n) tile[i * stride + j] = x[row * n + column];
    __syncthreads();
    const int out_row = static_cast<int>(blockIdx.x * blockDim.x) + i;
    const int out_column = static_cast<int>(blockIdx.y * blockDim.y) + j;
    if (out_row < n && out_column < n) y[out_row * n + out_column] = tile[j * stride + i];
}

TEST_F(Emulator, TransposesThroughDynamicSharedMemory) {
    constexpr int kSize = 45;
    DeviceArray<float> x(kSize * kSize), y(kSize * kSize);
    std::iota(x.data(), x.data() + kSize * kSize, 0.0F);
    for (const unsigned seed : kSeeds) {
        set_seed(seed);
        launch(transpose, dim3(6, 6), dim3(8, 8), 8 * 9 * sizeof(float), nullptr, x.data(), y.data(), kSize);
        for (std::size_t i = 0; i < kSize; ++i)
            for (std::size_t j = 0; j < kSize; ++j) ASSERT_EQ(y[i * kSize + j], x[j * kSize + i]);
    }
}

/// The values that pass, in their order: ballots within a warp of a block of one warp.
__global__ void keep_even(const int* x, int* kept, int* count, int size) {
    int done = 0;
    const int lane = static_cast<int>(threadIdx.x);
    for (int begin = 0; begin < size; begin += 32) {
        const bool passes = begin + lane < size && x[begin + lane] % 2 == 0;
        const unsigned votes = __ballot_sync(~0U, passes);
        if (passes) kept[done + __popc(votes & ((1U << lane) - 1))] = x[begin + lane];
        done += __popc(votes);
    }
    if (lane == 0) *count = done;
}

TEST_F(Emulator, CompactsByBallots) {
    DeviceArray<int> x(77), kept(77), count(1);
    std::iota(x.data(), x.data() + 77, 10);
    for (const unsigned seed : kSeeds) {
        set_seed(seed);
        launch(keep_even, 1, 32, 0, nullptr, x.data(), kept.data(), count.data(), 77);
        ASSERT_EQ(count[0], 39);
        for (int i = 0; i < 39; ++i) ASSERT_EQ(kept[static_cast<std::size_t>(i)], 10 + 2 * i);
    }
}

__global__ void warp_operations(int* results) {
    const int lane = static_cast<int>(threadIdx.x);
    const unsigned half = lane < 16 ? 0x0000FFFFU : 0xFFFF0000U;
    int* out = results + lane * 8;
    out[0] = __shfl_sync(~0U, lane, 3, 8);
    out[1] = __shfl_up_sync(~0U, lane, 2, 16);
    out[2] = __shfl_down_sync(~0U, lane, 2, 16);
    out[3] = __shfl_xor_sync(half, lane, 1);
    out[4] = static_cast<int>(__match_any_sync(~0U, lane % 4));
    out[5] = __reduce_add_sync(half, lane);
    out[6] = __any_sync(~0U, lane == 31) + 2 * __all_sync(~0U, lane < 32) + 4 * __all_sync(~0U, lane < 31);
    out[7] = __syncthreads_count(lane % 3 == 0);
}

TEST_F(Emulator, WarpOperationsDoWhatTheManualSays) {
    DeviceArray<int> results(32 * 8);
    for (const unsigned seed : kSeeds) {
        set_seed(seed);
        launch(warp_operations, 1, 32, 0, nullptr, results.data());
        for (int lane = 0; lane < 32; ++lane) {
            const int* out = results.data() + lane * 8;
            EXPECT_EQ(out[0], lane / 8 * 8 + 3);
            EXPECT_EQ(out[1], lane % 16 >= 2 ? lane - 2 : lane);
            EXPECT_EQ(out[2], lane % 16 < 14 ? lane + 2 : lane);
            EXPECT_EQ(out[3], lane ^ 1);
            EXPECT_EQ(static_cast<unsigned>(out[4]), 0x11111111U << (lane % 4));
            EXPECT_EQ(out[5], lane < 16 ? 120 : 376);
            EXPECT_EQ(out[6], 3);
            EXPECT_EQ(out[7], 11);
        }
    }
}

// Planted bugs. Each of these kernels is wrong, and each must be found.

/// The barrier between writing and reading is missing.
__global__ void reverse_without_barrier(int* x) {
    __shared__ int copy[64];
    copy[threadIdx.x] = x[threadIdx.x];
    x[threadIdx.x] = copy[63 - threadIdx.x];
}

TEST_F(Emulator, AMissingBarrierShowsInSomeOrder) {
#ifdef CUDA_ON_CPU_TSAN
    GTEST_SKIP() << "ThreadSanitizer reports this race itself, which ends the test";
#else
    std::vector<int> expected(64);
    std::iota(expected.rbegin(), expected.rend(), 0);
    int wrong = 0;
    for (const unsigned seed : kSeeds) {
        set_seed(seed);
        DeviceArray<int> x(64);
        std::iota(x.data(), x.data() + 64, 0);
        launch(reverse_without_barrier, 1, 64, 0, nullptr, x.data());
        wrong += x.host() != expected ? 1 : 0;
    }
    EXPECT_GT(wrong, 0);
#endif
}

#ifdef CUDA_ON_CPU_TSAN
TEST_F(Emulator, ThreadSanitizerFindsAMissingBarrier) {
    constexpr int kExitOfAReport = 66;
    EXPECT_EXIT(
        {
            DeviceArray<int> x(64);
            launch(reverse_without_barrier, 1, 64, 0, nullptr, x.data());
            std::exit(0);
        },
        testing::ExitedWithCode(kExitOfAReport), "data race");
}
#endif

__global__ void divergent_barrier() {
    if (threadIdx.x < 16)
        __syncthreads();
    else
        __syncthreads();
}

__global__ void missing_lane(int* x) {
    if (threadIdx.x >= 20) return;
    x[threadIdx.x] = __shfl_down_sync(~0U, x[threadIdx.x], 1);
}

__global__ void not_in_mask() { __syncwarp(0x0000FFFFU); }

TEST_F(Emulator, NamesThePlaceWhereThreadsWaitInVain) {
    EXPECT_DEATH(launch(divergent_barrier, 1, 32, 0, nullptr), "different barriers(.|\n)*emulator_test.cpp:");
    EXPECT_DEATH(
        {
            DeviceArray<int> x(32);
            launch(missing_lane, 1, 32, 0, nullptr, x.data());
        },
        "wait in vain(.|\n)*warp operation at .*emulator_test.cpp:");
    EXPECT_DEATH(launch(not_in_mask, 1, 32, 0, nullptr), "mask leaves it out(.|\n)*emulator_test.cpp:");
}

__global__ void write_at(int* x, int i) {
    if (threadIdx.x == 0) x[i] = 1;
}

__global__ void write_shared_at(int* x, int i) {
    __shared__ int fixed[8];
    fixed[i] = 1;
    x[0] = fixed[i];
}

__global__ void write_dynamic_at(int i) { static_cast<volatile int*>(dynamic_shared())[i] = 1; }

TEST_F(Emulator, AddressSanitizerFindsWritesBehindTheEnd) {
#ifndef CUDA_ON_CPU_ASAN
    GTEST_SKIP() << "needs the asan preset";
#else
    constexpr auto kFound = "AddressSanitizer|index 8 out of bounds";
    DeviceArray<int> x(8);
    EXPECT_DEATH(launch(write_at, 1, 1, 0, nullptr, x.data(), 8), kFound);
    EXPECT_DEATH(launch(write_shared_at, 1, 1, 0, nullptr, x.data(), 8), kFound);
    EXPECT_DEATH(launch(write_dynamic_at, 1, 1, 8 * sizeof(int), nullptr, 8), kFound);
    launch(write_at, 1, 1, 0, nullptr, x.data(), 7);
    EXPECT_EQ(x[7], 1);
#endif
}

TEST_F(Emulator, RefusesLaunchesThatADeviceRefuses) {
    DeviceArray<int> x(1);
    const auto code_of = [&](dim3 grid, dim3 block, std::size_t shared) {
        launch(write_at, grid, block, shared, nullptr, x.data(), 0);
        return cudaGetLastError();
    };
    EXPECT_EQ(code_of(1, 1025, 0), cudaErrorInvalidConfiguration);
    EXPECT_EQ(code_of(0, 32, 0), cudaErrorInvalidConfiguration);
    EXPECT_EQ(code_of(dim3(1, 65536), 32, 0), cudaErrorInvalidConfiguration);
    EXPECT_EQ(code_of(1, 32, (48 << 10) + 1), cudaErrorInvalidValue);
    EXPECT_EQ(cudaFuncSetAttribute(write_at, cudaFuncAttributeMaxDynamicSharedMemorySize, 100 << 10),
              cudaSuccess);
    EXPECT_EQ(code_of(1, 32, 100 << 10), cudaSuccess);
    EXPECT_EQ(cudaFuncSetAttribute(write_at, cudaFuncAttributeMaxDynamicSharedMemorySize, 228 << 10),
              cudaErrorInvalidValue);
}

TEST_F(Emulator, DeviceMemoryStartsAsGarbageAndIsCounted) {
    const Counts before = counts();
    void* memory = nullptr;
    ASSERT_EQ(cudaMalloc(&memory, 100), cudaSuccess);
    EXPECT_TRUE(std::isnan(static_cast<float*>(memory)[24]));
    EXPECT_EQ(counts().device_bytes, before.device_bytes + 100);
    EXPECT_EQ(cudaFree(memory), cudaSuccess);
    EXPECT_EQ(cudaFree(memory), cudaErrorInvalidValue);
    EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidValue);
    EXPECT_EQ(cudaGetLastError(), cudaSuccess);
    EXPECT_EQ(counts().device_bytes, before.device_bytes);
    machine().memory_bytes = static_cast<std::size_t>(before.device_bytes) + 50;
    EXPECT_EQ(cudaMalloc(&memory, 51), cudaErrorMemoryAllocation);
}

TEST_F(Emulator, AGraphRunsWhatWasCaptured) {
    cudaStream_t stream = nullptr;
    ASSERT_EQ(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
    DeviceArray<int> x(4), y(4);
    ASSERT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), cudaSuccess);
    launch(write_at, 1, 1, 0, stream, x.data(), 2);
    EXPECT_EQ(cudaMemcpyAsync(y.data(), x.data(), 4 * sizeof(int), cudaMemcpyDeviceToDevice, stream),
              cudaSuccess);
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t executable = nullptr;
    ASSERT_EQ(cudaStreamEndCapture(stream, &graph), cudaSuccess);
    ASSERT_EQ(cudaGraphInstantiate(&executable, graph), cudaSuccess);
    EXPECT_EQ(x[2], 0);
    EXPECT_EQ(cudaGraphLaunch(executable, stream), cudaSuccess);
    EXPECT_EQ(y.host(), (std::vector<int>{0, 0, 1, 0}));
    cudaGraphDestroy(graph);

    // The same kinds of work with other values take the place of the first; fewer do not.
    const auto update = [&](int at, bool copies) {
        cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed);
        launch(write_at, 1, 1, 0, stream, x.data(), at);
        if (copies) cudaMemcpyAsync(y.data(), x.data(), 4 * sizeof(int), cudaMemcpyDeviceToDevice, stream);
        cudaStreamEndCapture(stream, &graph);
        cudaGraphExecUpdateResultInfo info{};
        const cudaError_t code = cudaGraphExecUpdate(executable, graph, &info);
        cudaGraphDestroy(graph);
        return code;
    };
    EXPECT_EQ(update(3, true), cudaSuccess);
    EXPECT_EQ(update(0, false), cudaErrorGraphExecUpdateFailure);
    EXPECT_EQ(cudaGraphLaunch(executable, stream), cudaSuccess);
    EXPECT_EQ(y.host(), (std::vector<int>{0, 0, 1, 1}));
    cudaGraphExecDestroy(executable);

    // Waiting in between spoils it.
    cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed);
    EXPECT_EQ(cudaStreamSynchronize(stream), cudaErrorStreamCaptureUnsupported);
    EXPECT_EQ(cudaStreamEndCapture(stream, &graph), cudaErrorStreamCaptureInvalidated);
    EXPECT_EQ(graph, nullptr);
    EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
    cudaStreamDestroy(stream);
}

TEST_F(Emulator, FaultsComeWhenTheyAreAskedFor) {
    DeviceArray<int> x(4);
    machine().fail_launch = 2;
    launch(write_at, 1, 1, 0, nullptr, x.data(), 0);
    launch(write_at, 1, 1, 0, nullptr, x.data(), 1);
    EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidConfiguration);
    EXPECT_EQ(x.host(), (std::vector<int>{1, 0, 0, 0}));

    machine().crash_kernel = 1;
    launch(write_at, 1, 1, 0, nullptr, x.data(), 1);
    EXPECT_EQ(cudaGetLastError(), cudaSuccess) << "a device tells of it only when it is waited for";
    EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorIllegalAddress);
    EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorIllegalAddress) << "and then for ever";
    reset();

    void* memory = nullptr;
    machine().fail_allocation = 1;
    EXPECT_EQ(cudaMalloc(&memory, 8), cudaErrorMemoryAllocation);
    machine().driver_version = 11080;
    int count = 0;
    EXPECT_EQ(cudaGetDeviceCount(&count), cudaErrorInsufficientDriver);
    reset();
    machine().devices = 0;
    EXPECT_EQ(cudaGetDeviceCount(&count), cudaErrorNoDevice);
}

/// One warp: c = a·b, loaded and stored as the PTX manual draws the fragments.
__global__ void multiply_fragments(bool wide, const float* a, const float* b, float* c) {
    const unsigned lane = threadIdx.x, g = lane / 4, t = lane % 4, depth = wide ? 16 : 8;
    const auto left = [&](unsigned row, unsigned k) { return a[row * depth + k]; };
    const auto right = [&](unsigned k, unsigned column) { return b[k * 8 + column]; };
    float d[4] = {};
    if (wide) {
        const auto pair = [&](unsigned row, unsigned k) { return to_bf16x2(left(row, k), left(row, k + 1)); };
        const unsigned as[4] = {pair(g, 2 * t), pair(g + 8, 2 * t), pair(g, 2 * t + 8),
                                pair(g + 8, 2 * t + 8)};
        const unsigned bs[2] = {to_bf16x2(right(2 * t, g), right(2 * t + 1, g)),
                                to_bf16x2(right(2 * t + 8, g), right(2 * t + 9, g))};
        mma_m16n8k16_bf16(d, as, bs);
    } else {
        const unsigned as[4] = {to_tf32(left(g, t)), to_tf32(left(g + 8, t)), to_tf32(left(g, t + 4)),
                                to_tf32(left(g + 8, t + 4))};
        const unsigned bs[2] = {to_tf32(right(t, g)), to_tf32(right(t + 4, g))};
        mma_m16n8k8_tf32(d, as, bs);
    }
    for (unsigned i = 0; i < 4; ++i) c[(g + i / 2 * 8) * 8 + 2 * t + i % 2] = d[i];
}

TEST_F(Emulator, TensorCoresMultiplyFragments) {
    for (const bool wide : {false, true}) {
        const std::size_t depth = wide ? 16 : 8;
        DeviceArray<float> a(16 * depth), b(depth * 8), c(16 * 8);
        for (std::size_t i = 0; i < 16 * depth; ++i)
            a[i] = static_cast<float>(i % 13) - 6;  // exact in 7 bits
        for (std::size_t i = 0; i < depth * 8; ++i) b[i] = static_cast<float>(i % 11) - 5;
        for (const unsigned seed : kSeeds) {
            set_seed(seed);
            launch(multiply_fragments, 1, 32, 0, nullptr, wide, a.data(), b.data(), c.data());
            for (std::size_t row = 0; row < 16; ++row) {
                for (std::size_t column = 0; column < 8; ++column) {
                    float expected = 0;
                    for (std::size_t k = 0; k < depth; ++k)
                        expected += a[row * depth + k] * b[k * 8 + column];
                    EXPECT_EQ(c[row * 8 + column], expected) << row << ", " << column;
                }
            }
        }
    }
}

TEST_F(Emulator, RoundsWhatTensorCoresTake) {
    const auto tf32 = [](float x) { return std::bit_cast<float>(to_tf32(x)); };
    EXPECT_EQ(tf32(1 + 0x1p-11F), 1 + 0x1p-10F);  // a tie goes away from zero
    EXPECT_EQ(tf32(-1 - 0x1p-11F), -1 - 0x1p-10F);
    EXPECT_EQ(tf32(1 + 0x1p-12F), 1.0F);
    EXPECT_TRUE(std::isinf(tf32(INFINITY)));
    const auto bf16 = [](float x) { return std::bit_cast<float>(to_bf16(x) << 16); };
    EXPECT_EQ(bf16(1 + 0x1p-8F), 1.0F);  // a tie goes to even
    EXPECT_EQ(bf16(1 + 0x3p-8F), 1 + 0x1p-6F);
    EXPECT_EQ(bf16(1 + 0x1p-8F + 0x1p-20F), 1 + 0x1p-7F);
    EXPECT_TRUE(std::isnan(bf16(NAN)));
    EXPECT_TRUE(std::isinf(bf16(-INFINITY)));
}

}  // namespace
}  // namespace cuda_on_cpu
