// The gradient of attention from the saved log-sums: one kernel in which a block holds a tile of queries and
// makes dq, one in which it holds a tile of keys and makes dk and dv; both make the probabilities anew.
#include <algorithm>
#include <string>
#include <type_traits>

#include "kernels/cuda/attention_tile.cuh"
#include "kernels/cuda/operations.hpp"
#include "kernels/cuda/reduce.cuh"

namespace spectral::cuda {

namespace {

/// A warp per row: D.
__global__ void output_alignment_kernel(AttentionBackward op, float* along) {
    const AttentionShape& s = op.shape;
    const int lane = static_cast<int>(threadIdx.x) % kWarp;
    const std::int64_t rows = s.batch * s.heads * s.queries;
    for (std::int64_t at = global_thread() / kWarp; at < rows; at += global_threads() / kWarp) {
        const TilePlace place = place_of(s, at, s.queries, 1);
        const float *y = head_at(op.y, s.output, place), *dy = head_at(op.dy, s.output, place);
        float sum = 0;
        for (std::int64_t d = lane; d < s.size; d += kWarp)
            sum += y[place.first * s.output.row + d] * dy[place.first * s.output.row + d];
        sum = warp_sum(sum);
        if (lane == 0) along[at] = sum;
    }
}

/// Tiles of kRows × 16 queries and as many keys. In shared memory: rows of q, dy, k and v; p and ds.
template <int kRows>
struct GradientTile {
    static constexpr int kTile = kRows * kSide, kPairRow = kTile + 1;

    static std::int64_t floats(std::int64_t size) {
        return 4 * kTile * shared_row(static_cast<int>(size)) + 2 * kTile * kPairRow;
    }
};

template <int kRows>
struct SharedTile {
    float *q, *dy, *k, *v, *p, *ds;

    __device__ SharedTile(float* shared, int size) {
        const int rows = GradientTile<kRows>::kTile * shared_row(size);
        q = shared;
        dy = q + rows;
        k = dy + rows;
        v = k + rows;
        p = v + rows;
        ds = p + GradientTile<kRows>::kTile * GradientTile<kRows>::kPairRow;
    }
};

/// p and ds of a tile of queries from `query` and keys from `key` on, into shared memory.
template <int kRows>
__device__ __forceinline__ void make_pairs(const AttentionBackward& op, const float* along,
                                           const TilePlace& place, std::int64_t query, std::int64_t key,
                                           const SharedTile<kRows>& t) {
    const AttentionShape& s = op.shape;
    const int size = static_cast<int>(s.size);
    float scores[kRows][kRows], dp[kRows][kRows];
    row_products(t.q, t.k, size, scores);
    row_products(t.dy, t.v, size, dp);
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
        const std::int64_t i = query + tile_row() + r * kSide;
        const std::int64_t row = (place.batch * s.heads + place.head) * s.queries + i;
        const float log_sum = i < s.queries ? op.log_sum[row] : 0.0F, own = i < s.queries ? along[row] : 0.0F;
#pragma unroll
        for (int c = 0; c < kRows; ++c) {
            const std::int64_t j = key + tile_column() + c * kSide;
            const int at =
                (tile_row() + r * kSide) * GradientTile<kRows>::kPairRow + tile_column() + c * kSide;
            const float p = attends(s, place, i, j) ? expf(s.scale * scores[r][c] - log_sum) : 0.0F;
            t.p[at] = p;
            t.ds[at] = p * (dp[r][c] - own);
        }
    }
}

/// This thread's sums into rows `first` … of a head, times `scale`.
template <int kRows, int kColumns>
__device__ __forceinline__ void write_rows(const float (&sums)[kRows][kColumns], float scale, float* head,
                                           std::int64_t row, std::int64_t first, std::int64_t count,
                                           int size) {
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
        const std::int64_t i = first + tile_row() + r * kSide;
        if (i >= count) continue;
#pragma unroll
        for (int c = 0; c < kColumns; ++c) {
            const int d = tile_column() + c * kSide;
            if (d < size) head[i * row + d] = scale * sums[r][c];
        }
    }
}

template <int kRows, int kColumns>
__global__ void __launch_bounds__(kBlock)
    query_gradient_kernel(AttentionBackward op, std::int64_t tiles, const float* along) {
    constexpr int kTile = GradientTile<kRows>::kTile;
    SPECTRAL_DYNAMIC_SHARED(float, shared);
    const AttentionShape& s = op.shape;
    const int size = static_cast<int>(s.size);
    const SharedTile<kRows> t(shared, size);
    for (std::int64_t unit = blockIdx.x; unit < s.batch * s.heads * tiles; unit += gridDim.x) {
        const TilePlace place = place_of(s, unit, tiles, kTile);
        __syncthreads();  // all are done with the tile before
        load_rows(head_at(op.q, s.query, place), s.query.row, place.first, kTile, s.queries, size, t.q);
        load_rows(head_at(op.dy, s.output, place), s.output.row, place.first, kTile, s.queries, size, t.dy);
        float dq[kRows][kColumns] = {};
        const std::int64_t keys = keys_before(s, place.first + kTile);
        for (std::int64_t key = 0; key < keys; key += kTile) {
            __syncthreads();
            load_rows(head_at(op.k, s.key, place), s.key.row, key, kTile, s.keys, size, t.k);
            load_rows(head_at(op.v, s.value, place), s.value.row, key, kTile, s.keys, size, t.v);
            __syncthreads();
            make_pairs<kRows>(op, along, place, place.first, key, t);
            __syncthreads();
            add_rows(
                kTile, [&](int row, int j) { return t.ds[row * GradientTile<kRows>::kPairRow + j]; }, t.k,
                size, dq);
        }
        write_rows(dq, s.scale, head_at(op.dq, s.query, place), s.query.row, place.first, s.queries, size);
    }
}

template <int kRows, int kColumns>
__global__ void __launch_bounds__(kBlock)
    key_gradient_kernel(AttentionBackward op, std::int64_t tiles, const float* along) {
    constexpr int kTile = GradientTile<kRows>::kTile;
    SPECTRAL_DYNAMIC_SHARED(float, shared);
    const AttentionShape& s = op.shape;
    const int size = static_cast<int>(s.size);
    const SharedTile<kRows> t(shared, size);
    for (std::int64_t unit = blockIdx.x; unit < s.batch * s.heads * tiles; unit += gridDim.x) {
        const TilePlace place = place_of(s, unit, tiles, kTile);
        __syncthreads();
        load_rows(head_at(op.k, s.key, place), s.key.row, place.first, kTile, s.keys, size, t.k);
        load_rows(head_at(op.v, s.value, place), s.value.row, place.first, kTile, s.keys, size, t.v);
        float dk[kRows][kColumns] = {}, dv[kRows][kColumns] = {};
        for (std::int64_t query = 0; query < s.queries; query += kTile) {
            if (keys_before(s, query + kTile) <= place.first) continue;  // for all threads alike
            __syncthreads();
            load_rows(head_at(op.q, s.query, place), s.query.row, query, kTile, s.queries, size, t.q);
            load_rows(head_at(op.dy, s.output, place), s.output.row, query, kTile, s.queries, size, t.dy);
            __syncthreads();
            make_pairs<kRows>(op, along, place, query, place.first, t);
            __syncthreads();
            add_rows(
                kTile, [&](int row, int i) { return t.p[i * GradientTile<kRows>::kPairRow + row]; }, t.dy,
                size, dv);
            add_rows(
                kTile, [&](int row, int i) { return t.ds[i * GradientTile<kRows>::kPairRow + row]; }, t.q,
                size, dk);
        }
        write_rows(dk, s.scale, head_at(op.dk, s.key, place), s.key.row, place.first, s.keys, size);
        write_rows(dv, 1.0F, head_at(op.dv, s.value, place), s.value.row, place.first, s.keys, size);
    }
}

template <int kRows, int kColumns>
void launch_tiles(CudaBackend& backend, const AttentionBackward& op) {
    using Kernel = void (*)(AttentionBackward, std::int64_t, const float*);
    const AttentionShape& s = op.shape;
    const auto shared = static_cast<std::size_t>(GradientTile<kRows>::floats(s.size)) * sizeof(float);
    const auto run = [&](Kernel kernel, std::int64_t rows) {
        const std::int64_t tiles = (rows + GradientTile<kRows>::kTile - 1) / GradientTile<kRows>::kTile;
        if (tiles == 0) return;
        allow_shared_memory(kernel, backend.info().shared_bytes);
        launch(kernel, blocks_for(s.batch * s.heads * tiles, 1, backend.most_blocks()), kBlock, shared,
               backend.stream(), op, tiles, op.scratch);
    };
    run(query_gradient_kernel<kRows, kColumns>, s.queries);
    run(key_gradient_kernel<kRows, kColumns>, s.keys);
}

void run_backward(CudaBackend& backend, const AttentionBackward& op) {
    const AttentionShape& s = op.shape;
    if (s.batch * s.heads * s.size == 0) return;
    if (s.rows() > 0)
        launch(output_alignment_kernel, blocks_for(s.rows(), kBlock / kWarp, backend.most_blocks()), kBlock,
               0, backend.stream(), op, op.scratch);
    with_columns(s.size, [&](auto columns) {
        constexpr int kColumns = decltype(columns)::value;
        // The tile is the device's affair: sums are cut where it ends.
        if (kColumns <= 8 && fits(backend, GradientTile<2>::floats(s.size)))
            launch_tiles<2, kColumns <= 8 ? kColumns : 8>(backend, op);
        else if (fits(backend, GradientTile<1>::floats(s.size)))
            launch_tiles<1, kColumns>(backend, op);
        else
            refuse_head(AttentionBackward::name);
    });
}

}  // namespace

void add_attention_backward(OpTable& table) {
    add<AttentionBackward, run_backward>(
        table, Level::tiled,
        "tiles in shared memory and registers; queries and keys each in a kernel of theirs");
}

}  // namespace spectral::cuda
