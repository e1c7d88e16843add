// What attention's kernels share: 16 × 16 threads, each with every 16th row and column of a tile of scores,
// and rows of heads in shared memory.
#pragma once

#include <string>
#include <string_view>
#include <type_traits>

#include "kernels/cuda/backend.hpp"
#include "kernels/cuda/launch.cuh"
#include "kernels/ops/attention.hpp"

namespace spectral::cuda {

inline constexpr int kSide = 16;  ///< threads along a tile's rows and columns
static_assert(kSide * kSide == kBlock);

/// This thread's first row and column.
__device__ __forceinline__ int tile_row() { return static_cast<int>(threadIdx.x) / kSide; }
__device__ __forceinline__ int tile_column() { return static_cast<int>(threadIdx.x) % kSide; }

/// Floats from one row in shared memory to the next: odd, so that a column's rows lie in different banks.
__host__ __device__ __forceinline__ int shared_row(int size) { return size | 1; }

/// A head and, of its queries or keys, the tile that begins at `first`.
struct TilePlace {
    std::int64_t batch, head, first;
};

__device__ __forceinline__ TilePlace place_of(const AttentionShape& s, std::int64_t unit, std::int64_t tiles,
                                              int tile) {
    const std::int64_t head = unit / tiles;
    return {head / s.heads, head % s.heads, unit % tiles * tile};
}

__device__ __forceinline__ const float* head_at(const float* values, const HeadStrides& at,
                                                const TilePlace& place) {
    return values + place.batch * at.batch + place.head * at.head;
}
__device__ __forceinline__ float* head_at(float* values, const HeadStrides& at, const TilePlace& place) {
    return values + place.batch * at.batch + place.head * at.head;
}

/// Rows first … first + rows − 1 of a head into shared memory, zeros behind the last one of `count`: a warp
/// per row.
__device__ __forceinline__ void load_rows(const float* head, std::int64_t row, std::int64_t first, int rows,
                                          std::int64_t count, int size, float* shared) {
    const int lane = static_cast<int>(threadIdx.x) % kWarp;
    for (int r = static_cast<int>(threadIdx.x) / kWarp; r < rows; r += kBlock / kWarp)
        for (int d = lane; d < size; d += kWarp)
            shared[r * shared_row(size) + d] = first + r < count ? head[(first + r) * row + d] : 0.0F;
}

/// Whether query i attends to key j.
__device__ __forceinline__ bool attends(const AttentionShape& s, const TilePlace& place, std::int64_t i,
                                        std::int64_t j) {
    return i < s.queries && j < s.keys && (!s.causal || j <= i + s.keys - s.queries) &&
           (s.keep == nullptr || s.keep[place.batch * s.keys + j] != 0);
}

/// Keys that queries before `end` attend to: those below.
__device__ __forceinline__ std::int64_t keys_before(const AttentionShape& s, std::int64_t end) {
    const std::int64_t last = (end < s.queries ? end : s.queries) + s.keys - s.queries;
    return !s.causal || last > s.keys ? s.keys : last > 0 ? last : 0;
}

/// sums[r][c] = Σ_d a[row + 16 r, d]·b[column + 16 c, d] over rows in shared memory.
template <int kRows, int kColumns>
__device__ __forceinline__ void row_products(const float* a, const float* b, int size,
                                             float (&sums)[kRows][kColumns]) {
    const int stride = shared_row(size);
    a += tile_row() * stride;
    b += tile_column() * stride;
#pragma unroll
    for (int r = 0; r < kRows; ++r)
#pragma unroll
        for (int c = 0; c < kColumns; ++c) sums[r][c] = 0;
    for (int d = 0; d < size; ++d) {
        float left[kRows], right[kColumns];
#pragma unroll
        for (int r = 0; r < kRows; ++r) left[r] = a[r * kSide * stride + d];
#pragma unroll
        for (int c = 0; c < kColumns; ++c) right[c] = b[c * kSide * stride + d];
#pragma unroll
        for (int r = 0; r < kRows; ++r)
#pragma unroll
            for (int c = 0; c < kColumns; ++c) sums[r][c] += left[r] * right[c];
    }
}

/// sums[r][c] += Σ_j factor(row + 16 r, j)·rows[j, column + 16 c], j < count; columns from `size` on are
/// left.
template <int kRows, int kColumns, class Factor>
__device__ __forceinline__ void add_rows(int count, const Factor& factor, const float* rows, int size,
                                         float (&sums)[kRows][kColumns]) {
    for (int j = 0; j < count; ++j) {
        float left[kRows];
#pragma unroll
        for (int r = 0; r < kRows; ++r) left[r] = factor(tile_row() + r * kSide, j);
#pragma unroll
        for (int c = 0; c < kColumns; ++c) {
            const int d = tile_column() + c * kSide;
            if (d >= size) break;
            const float right = rows[j * shared_row(size) + d];
#pragma unroll
            for (int r = 0; r < kRows; ++r) sums[r][c] += left[r] * right;
        }
    }
}

/// Calls body(columns) with how many of its columns a thread has, as a constant.
template <class Body>
void with_columns(std::int64_t size, const Body& body) {
    if (size <= 4 * kSide)
        body(std::integral_constant<int, 4>());
    else if (size <= 8 * kSide)
        body(std::integral_constant<int, 8>());
    else
        body(std::integral_constant<int, static_cast<int>(kMaxHeadSize) / kSide>());
}

/// A kernel's shared memory, in floats; whether a block of the device has it.
inline bool fits(const CudaBackend& backend, std::int64_t floats) {
    return floats * static_cast<std::int64_t>(sizeof(float)) <=
           static_cast<std::int64_t>(backend.info().shared_bytes);
}

[[noreturn]] inline void refuse_head(std::string_view op) {
    throw Error(std::string(op), "a head is larger than the device's shared memory can take",
                "use smaller heads, or the CPU backend");
}

}  // namespace spectral::cuda
