// Attention by an online softmax: a block holds a tile of queries and passes over panels of keys and values
// in shared memory; a thread keeps some rows and columns of scores and of outputs in registers.
#include <algorithm>
#include <string>
#include <type_traits>

#include "kernels/cuda/attention_tile.cuh"
#include "kernels/cuda/operations.hpp"

namespace spectral::cuda {

namespace {

constexpr float kLog2E = 1.44269504F, kLn2 = 0.693147181F;

__device__ __forceinline__ float side_max(float value) {
#pragma unroll
    for (int distance = kSide / 2; distance > 0; distance /= 2) {
        const float other = __shfl_xor_sync(0xFFFFFFFFU, value, distance);
        value = other > value ? other : value;
    }
    return value;
}

__device__ __forceinline__ float side_sum(float value) {
#pragma unroll
    for (int distance = kSide / 2; distance > 0; distance /= 2)
        value += __shfl_xor_sync(0xFFFFFFFFU, value, distance);
    return value;
}

/// Of a tile of kRows × 16 queries. Panels have kKeys × 16 keys, kColumns × 16 values of a head at most.
template <int kRows, int kKeys, int kColumns>
struct ForwardTile {
    static constexpr int kQueries = kRows * kSide, kPanel = kKeys * kSide, kPowerRow = kPanel + 1;

    static std::int64_t floats(std::int64_t size) {
        return (kQueries + kPanel) * shared_row(static_cast<int>(size)) + kQueries * kPowerRow;
    }
};

template <int kRows, int kKeys, int kColumns>
__global__ void __launch_bounds__(kBlock) attention_kernel(Attention op, std::int64_t tiles) {
    using Tile = ForwardTile<kRows, kKeys, kColumns>;
    SPECTRAL_DYNAMIC_SHARED(float, queries);
    const AttentionShape& s = op.shape;
    const int size = static_cast<int>(s.size);
    float* const panel = queries + Tile::kQueries * shared_row(size);
    float* const powers = panel + Tile::kPanel * shared_row(size);
    const float scale = s.scale * kLog2E;
    for (std::int64_t unit = blockIdx.x; unit < s.batch * s.heads * tiles; unit += gridDim.x) {
        const TilePlace place = place_of(s, unit, tiles, Tile::kQueries);
        __syncthreads();  // all are done with the tile before
        load_rows(head_at(op.q, s.query, place), s.query.row, place.first, Tile::kQueries, s.queries, size,
                  queries);
        float y[kRows][kColumns] = {}, largest[kRows], sum[kRows] = {};
#pragma unroll
        for (int r = 0; r < kRows; ++r) largest[r] = -INFINITY;
        const std::int64_t keys = keys_before(s, place.first + Tile::kQueries);
        for (std::int64_t first = 0; first < keys; first += Tile::kPanel) {
            __syncthreads();
            load_rows(head_at(op.k, s.key, place), s.key.row, first, Tile::kPanel, s.keys, size, panel);
            __syncthreads();
            float scores[kRows][kKeys];
            row_products(queries, panel, size, scores);
#pragma unroll
            for (int r = 0; r < kRows; ++r) {
                const std::int64_t i = place.first + tile_row() + r * kSide;
                float before = largest[r];
#pragma unroll
                for (int c = 0; c < kKeys; ++c) {
                    const std::int64_t j = first + tile_column() + c * kSide;
                    scores[r][c] = attends(s, place, i, j) ? scale * scores[r][c] : -INFINITY;
                    largest[r] = scores[r][c] > largest[r] ? scores[r][c] : largest[r];
                }
                largest[r] = side_max(largest[r]);
                // As long as there is nothing but −∞, powers are taken of that itself.
                const float base = largest[r] == -INFINITY ? 0.0F : largest[r];
                const float factor = exp2f(before - base);
                sum[r] *= factor;
#pragma unroll
                for (int c = 0; c < kColumns; ++c) y[r][c] *= factor;
#pragma unroll
                for (int c = 0; c < kKeys; ++c) {
                    const float power = exp2f(scores[r][c] - base);
                    sum[r] += power;
                    powers[(tile_row() + r * kSide) * Tile::kPowerRow + tile_column() + c * kSide] = power;
                }
            }
            __syncthreads();
            load_rows(head_at(op.v, s.value, place), s.value.row, first, Tile::kPanel, s.keys, size, panel);
            __syncthreads();
            add_rows(
                Tile::kPanel, [&](int row, int j) { return powers[row * Tile::kPowerRow + j]; }, panel, size,
                y);
        }
        float* out = head_at(op.y, s.output, place);
#pragma unroll
        for (int r = 0; r < kRows; ++r) {
            const std::int64_t i = place.first + tile_row() + r * kSide;
            const float total = side_sum(sum[r]), share = total == 0 ? 0.0F : 1 / total;
            if (i >= s.queries) continue;
            if (tile_column() == 0)
                op.log_sum[(place.batch * s.heads + place.head) * s.queries + i] =
                    kLn2 * (largest[r] + log2f(total));
#pragma unroll
            for (int c = 0; c < kColumns; ++c) {
                const int d = tile_column() + c * kSide;
                if (d < size) out[i * s.output.row + d] = share * y[r][c];
            }
        }
    }
}

template <int kRows, int kKeys, int kColumns>
void launch_tiles(CudaBackend& backend, const Attention& op) {
    using Tile = ForwardTile<kRows, kKeys, kColumns>;
    const auto kernel = attention_kernel<kRows, kKeys, kColumns>;
    const std::int64_t tiles = (op.shape.queries + Tile::kQueries - 1) / Tile::kQueries;
    allow_shared_memory(kernel, backend.info().shared_bytes);
    launch(kernel, blocks_for(op.shape.batch * op.shape.heads * tiles, 1, backend.most_blocks()), kBlock,
           static_cast<std::size_t>(Tile::floats(op.shape.size)) * sizeof(float), backend.stream(), op,
           tiles);
}

void run_attention(CudaBackend& backend, const Attention& op) {
    if (op.shape.rows() == 0 || op.shape.size == 0) return;
    with_columns(op.shape.size, [&](auto columns) {
        constexpr int kColumns = decltype(columns)::value;
        // Panels of large heads are short: one has to fit beside the queries.
        constexpr int kKeys = kColumns > 8 ? 2 : 4;
        const auto allowed = [&](auto rows) {
            constexpr int kRows = decltype(rows)::value;
            return op.tile.queries >= kRows * kSide &&
                   fits(backend, ForwardTile<kRows, kKeys, kColumns>::floats(op.shape.size));
        };
        if (allowed(std::integral_constant<int, 4>()))
            launch_tiles<4, kKeys, kColumns>(backend, op);
        else if (allowed(std::integral_constant<int, 2>()))
            launch_tiles<2, kKeys, kColumns>(backend, op);
        else if (fits(backend, ForwardTile<1, kKeys, kColumns>::floats(op.shape.size)))
            launch_tiles<1, kKeys, kColumns>(backend, op);
        else
            refuse_head(Attention::name);
    });
}

}  // namespace

void add_attention(OpTable& table) {
    add<Attention, run_attention>(table, Level::tiled,
                                  "tiles in shared memory and registers, one pass over the keys");
}

}  // namespace spectral::cuda
