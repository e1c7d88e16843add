// What kernels use: qualifiers, indices, vector types, barriers, warp operations, atomics, arithmetic.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#if defined(__SANITIZE_ADDRESS__)
#define CUDA_ON_CPU_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__)
#define CUDA_ON_CPU_TSAN 1
#endif

#define __global__
#define __device__
#define __host__
#define __constant__ static
#define __launch_bounds__(...)
#define __forceinline__ inline __attribute__((always_inline))
// A block's shared memory is one per worker. AddressSanitizer guards plain statics only, so there is one
// worker then.
#ifdef CUDA_ON_CPU_ASAN
#define __shared__ static
#else
#define __shared__ static thread_local
#endif

struct uint3 {
    unsigned x, y, z;
};

struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned vx = 1, unsigned vy = 1, unsigned vz = 1) : x(vx), y(vy), z(vz) {}
};

struct alignas(8) float2 {
    float x, y;
};
struct alignas(16) float4 {
    float x, y, z, w;
};
struct alignas(8) int2 {
    int x, y;
};
struct alignas(16) uint4 {
    unsigned x, y, z, w;
};
struct alignas(16) double2 {
    double x, y;
};

inline float2 make_float2(float x, float y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline int2 make_int2(int x, int y) { return {x, y}; }
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }
inline double2 make_double2(double x, double y) { return {x, y}; }

inline thread_local uint3 threadIdx{}, blockIdx{};
inline thread_local dim3 blockDim{}, gridDim{};
inline constexpr int warpSize = 32;

namespace cuda_on_cpu {

/// The caller's place in a kernel, for reports. Lines and files as default arguments name the caller.
struct Where {
    const char* file = "?";
    unsigned line = 0;
    static constexpr Where here(const char* file = __builtin_FILE(), unsigned line = __builtin_LINE()) {
        return {file, line};
    }
};

/// The running block's dynamic shared memory, filled with 0xFF before the block starts.
void* dynamic_shared();

/// Waits for all threads of the block; the sum of their `predicate`s.
int block_barrier(int predicate, Where where);

/// What the lanes of `mask` put in, once all of them have arrived; entries of other lanes are
/// not set. Valid until the lane's next warp operation.
struct WarpValues {
    unsigned mask;
    int lane;
    const std::atomic<std::uint64_t>* value;  ///< 32 of them
};
/// `orders_memory`: what was written before is seen by the others after, as with __syncwarp.
WarpValues exchange(unsigned mask, std::uint64_t value, bool orders_memory, Where where);

template <class T>
std::uint64_t to_bits(T value) {
    static_assert(sizeof(T) <= 8 && std::is_trivially_copyable_v<T>);
    std::uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof(T));
    return bits;
}

template <class T>
T from_bits(std::uint64_t bits) {
    T value;
    std::memcpy(&value, &bits, sizeof(T));
    return value;
}

/// The value of the lane that `source(lane)` names, within segments of `width` lanes; the own one where that
/// lane is in another segment. A lane that does not take part gives no defined value: here a pattern that
/// shows.
template <class T, class Source>
T shuffle(unsigned mask, T value, int width, Where where, const Source& source) {
    const WarpValues all = exchange(mask, to_bits(value), false, where);
    const int segment = all.lane & ~(width - 1);
    const int from = source(all.lane, segment);
    if (from < segment || from >= segment + width) return value;
    if ((all.mask >> from & 1U) == 0) return from_bits<T>(0x7FF7DEAD7FF7DEADU);
    return from_bits<T>(all.value[from]);
}

}  // namespace cuda_on_cpu

inline void __syncthreads(cuda_on_cpu::Where where = cuda_on_cpu::Where::here()) {
    cuda_on_cpu::block_barrier(0, where);
}
inline int __syncthreads_count(int predicate, cuda_on_cpu::Where where = cuda_on_cpu::Where::here()) {
    return cuda_on_cpu::block_barrier(predicate != 0 ? 1 : 0, where);
}
inline int __syncthreads_or(int predicate, cuda_on_cpu::Where where = cuda_on_cpu::Where::here()) {
    return cuda_on_cpu::block_barrier(predicate != 0 ? 1 : 0, where) != 0 ? 1 : 0;
}
inline int __syncthreads_and(int predicate, cuda_on_cpu::Where where = cuda_on_cpu::Where::here()) {
    return cuda_on_cpu::block_barrier(predicate == 0 ? 1 : 0, where) == 0 ? 1 : 0;
}
inline void __syncwarp(unsigned mask = ~0U, cuda_on_cpu::Where where = cuda_on_cpu::Where::here()) {
    cuda_on_cpu::exchange(mask, 0, true, where);
}

template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32,
              cuda_on_cpu::Where where = cuda_on_cpu::Where::here()) {
    return cuda_on_cpu::shuffle(mask, value, width, where,
                                [&](int, int segment) { return segment + (source & (width - 1)); });
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32,
                 cuda_on_cpu::Where where = cuda_on_cpu::Where::here()) {
    return cuda_on_cpu::shuffle(mask, value, width, where,
                                [&](int lane, int) { return lane - static_cast<int>(delta); });
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32,
                   cuda_on_cpu::Where where = cuda_on_cpu::Where::here()) {
    return cuda_on_cpu::shuffle(mask, value, width, where,
                                [&](int lane, int) { return lane + static_cast<int>(delta); });
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int distance, int width = 32,
                  cuda_on_cpu::Where where = cuda_on_cpu::Where::here()) {
    return cuda_on_cpu::shuffle(mask, value, width, where, [&](int lane, int) { return lane ^ distance; });
}

inline unsigned __ballot_sync(unsigned mask, int predicate,
                              cuda_on_cpu::Where where = cuda_on_cpu::Where::here()) {
    const auto all = cuda_on_cpu::exchange(mask, predicate != 0 ? 1 : 0, false, where);
    unsigned votes = 0;
    for (int lane = 0; lane < 32; ++lane)
        if ((all.mask >> lane & 1U) != 0 && all.value[lane] != 0) votes |= 1U << lane;
    return votes;
}
inline int __any_sync(unsigned mask, int predicate, cuda_on_cpu::Where where = cuda_on_cpu::Where::here()) {
    return __ballot_sync(mask, predicate, where) != 0 ? 1 : 0;
}
inline int __all_sync(unsigned mask, int predicate, cuda_on_cpu::Where where = cuda_on_cpu::Where::here()) {
    return __ballot_sync(mask, predicate == 0 ? 1 : 0, where) == 0 ? 1 : 0;
}
template <class T>
unsigned __match_any_sync(unsigned mask, T value, cuda_on_cpu::Where where = cuda_on_cpu::Where::here()) {
    const auto all = cuda_on_cpu::exchange(mask, cuda_on_cpu::to_bits(value), false, where);
    unsigned equal = 0;
    for (int lane = 0; lane < 32; ++lane)
        if ((all.mask >> lane & 1U) != 0 && all.value[lane] == all.value[all.lane]) equal |= 1U << lane;
    return equal;
}
template <class T>
T __reduce_add_sync(unsigned mask, T value, cuda_on_cpu::Where where = cuda_on_cpu::Where::here()) {
    static_assert(std::is_integral_v<T> && sizeof(T) == 4);
    const auto all = cuda_on_cpu::exchange(mask, cuda_on_cpu::to_bits(value), false, where);
    T sum = 0;
    for (int lane = 0; lane < 32; ++lane)
        if ((all.mask >> lane & 1U) != 0) sum += cuda_on_cpu::from_bits<T>(all.value[lane]);
    return sum;
}

// Atomics on integers only: one on floats would make results depend on the order of the threads, so a kernel
// that uses it must not compile.
template <class T, class U>
T atomicAdd(T* at, U value) {
    static_assert(std::is_integral_v<T>, "atomics on floats are not reproducible");
    return std::atomic_ref<T>(*at).fetch_add(static_cast<T>(value), std::memory_order_relaxed);
}
template <class T, class U>
T atomicOr(T* at, U value) {
    return std::atomic_ref<T>(*at).fetch_or(static_cast<T>(value), std::memory_order_relaxed);
}
template <class T, class U>
T atomicExch(T* at, U value) {
    return std::atomic_ref<T>(*at).exchange(static_cast<T>(value), std::memory_order_relaxed);
}
template <class T, class U, class V>
T atomicCAS(T* at, U compare, V value) {
    T seen = static_cast<T>(compare);
    std::atomic_ref<T>(*at).compare_exchange_strong(seen, static_cast<T>(value), std::memory_order_relaxed);
    return seen;
}
template <class T, class U>
T atomicMax(T* at, U value) {
    static_assert(std::is_integral_v<T>);
    std::atomic_ref<T> cell(*at);
    T seen = cell.load(std::memory_order_relaxed);
    while (seen < static_cast<T>(value) &&
           !cell.compare_exchange_weak(seen, static_cast<T>(value), std::memory_order_relaxed)) {
    }
    return seen;
}
template <class T, class U>
T atomicMin(T* at, U value) {
    static_assert(std::is_integral_v<T>);
    std::atomic_ref<T> cell(*at);
    T seen = cell.load(std::memory_order_relaxed);
    while (static_cast<T>(value) < seen &&
           !cell.compare_exchange_weak(seen, static_cast<T>(value), std::memory_order_relaxed)) {
    }
    return seen;
}
inline void __threadfence() { std::atomic_thread_fence(std::memory_order_seq_cst); }
inline void __threadfence_block() { std::atomic_thread_fence(std::memory_order_seq_cst); }

inline int __popc(unsigned x) { return std::popcount(x); }
inline int __popcll(unsigned long long x) { return std::popcount(x); }
inline int __clz(int x) { return std::countl_zero(static_cast<unsigned>(x)); }
inline int __clzll(long long x) { return std::countl_zero(static_cast<unsigned long long>(x)); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline unsigned __float_as_uint(float x) { return std::bit_cast<unsigned>(x); }
inline float __uint_as_float(unsigned x) { return std::bit_cast<float>(x); }
inline int __float_as_int(float x) { return std::bit_cast<int>(x); }
inline float __int_as_float(int x) { return std::bit_cast<float>(x); }
template <class T>
T __ldg(const T* from) {
    return *from;
}
inline float rsqrtf(float x) { return 1.0F / std::sqrt(x); }
inline float __expf(float x) { return std::exp(x); }
inline float __fmaf_rn(float a, float b, float c) { return std::fma(a, b, c); }
inline void sincospif(float x, float* sine, float* cosine) {
    *sine = static_cast<float>(std::sin(3.14159265358979323846 * static_cast<double>(x)));
    *cosine = static_cast<float>(std::cos(3.14159265358979323846 * static_cast<double>(x)));
}
inline void sincospi(double x, double* sine, double* cosine) {
    *sine = std::sin(3.14159265358979323846 * x);
    *cosine = std::cos(3.14159265358979323846 * x);
}
using std::isfinite;
using std::isinf;
using std::isnan;
using std::max;
using std::min;
