// From tokens to vectors, and the harmonisation of those.
#include <limits>

#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/operations.hpp"
#include "kernels/cuda/reduce.cuh"
#include "kernels/ops/embedding.hpp"

namespace spectral::cuda {

namespace {

__device__ __forceinline__ float token_at(const TokenRows& tokens, std::int64_t i) {
    const std::int64_t b = i / tokens.context;
    const std::int64_t row = tokens.rows != nullptr ? static_cast<std::int64_t>(tokens.rows[b]) : b;
    return tokens.x[row * tokens.stride + i % tokens.context];
}

/// A warp copies a row.
__global__ void embed_tokens_kernel(EmbedTokens op, float no_number) {
    const int lane = static_cast<int>(threadIdx.x) % kWarp;
    const auto end_of_table = static_cast<float>(op.vocabulary);
    const std::int64_t tokens = op.tokens.batch * op.tokens.context;
    for (std::int64_t i = global_thread() / kWarp; i < tokens; i += global_threads() / kWarp) {
        const float token = token_at(op.tokens, i);
        const bool known = token >= 0 && token < end_of_table && token == floorf(token);
        const std::int64_t row = known ? static_cast<std::int64_t>(token) : 0;
        for (std::int64_t j = lane; j < op.width; j += kWarp)
            op.y[i * op.width + j] = known ? op.scale * op.table[row * op.width + j] : no_number;
        if (lane == 0)
            op.row[i] = static_cast<std::uint32_t>(known && row != op.padding ? row : op.vocabulary);
    }
}

__global__ void winding_features_kernel(WindingFeatures op, float no_number) {
    constexpr double kTurn = 6.283185307179586477;
    const auto vocabulary = static_cast<double>(op.vocabulary);
    const std::int64_t values = op.tokens.batch * op.tokens.context * op.windings;
    for (std::int64_t at = global_thread(); at < values; at += global_threads()) {
        const double token = token_at(op.tokens, at / op.windings);
        float cosine = no_number, sine = no_number;
        // Infinity less itself is no number.
        if (token - token == 0 && token == floor(token)) {
            auto rest = static_cast<std::int64_t>(fmod(token, vocabulary));
            if (rest < 0) rest += op.vocabulary;
            const std::int64_t turn = op.winding[at % op.windings] % op.vocabulary * rest % op.vocabulary;
            const double angle = kTurn * static_cast<double>(turn) / vocabulary;
            cosine = static_cast<float>(cos(angle));
            sine = static_cast<float>(sin(angle));
        }
        op.y[2 * at] = cosine;
        op.y[2 * at + 1] = sine;
    }
}

__device__ __forceinline__ float logistic(float x) { return 1 / (1 + expf(-x)); }

__global__ void harmonise_kernel(Harmonise op) {
    const float beta = *op.beta, gamma = *op.gamma;
    for (std::int64_t i = global_thread(); i < op.size; i += global_threads())
        op.y[i] = op.x[i] - beta * logistic(op.h[i]) + gamma * tanhf(op.s[i]);
}

__global__ void harmonise_backward_kernel(HarmoniseBackward op) {
    __shared__ double partial[kBlock / kWarp];
    const float beta = *op.beta, gamma = *op.gamma;
    for (std::int64_t block = blockIdx.x; block * kBlockSize < op.size; block += gridDim.x) {
        const std::int64_t end = min(op.size, (block + 1) * kBlockSize);
        double along_beta = 0, along_gamma = 0;
        for (std::int64_t i = block * kBlockSize + threadIdx.x; i < end; i += kBlock) {
            const float dy = op.dy[i], open = logistic(op.h[i]), closed = logistic(-op.h[i]), s = op.s[i];
            along_beta -= static_cast<double>(open) * dy;
            along_gamma += static_cast<double>(tanhf(s)) * dy;
            op.dh[i] = -beta * open * closed * dy;
            // 1 − tanh² s = 4σ(2s)σ(−2s), which keeps its digits far from zero.
            op.ds[i] = gamma * 4 * logistic(2 * s) * logistic(-2 * s) * dy;
        }
        along_beta = block_sum<kBlock>(along_beta, partial);
        along_gamma = block_sum<kBlock>(along_gamma, partial);
        if (threadIdx.x == 0) {
            op.scratch[2 * block] = along_beta;
            op.scratch[2 * block + 1] = along_gamma;
        }
    }
}

__global__ void harmony_sums_kernel(HarmoniseBackward op, std::int64_t blocks) {
    __shared__ double partial[kBlock / kWarp];
    double beta = 0, gamma = 0;
    for (std::int64_t block = threadIdx.x; block < blocks; block += kBlock) {
        beta += op.scratch[2 * block];
        gamma += op.scratch[2 * block + 1];
    }
    beta = block_sum<kBlock>(beta, partial);
    gamma = block_sum<kBlock>(gamma, partial);
    if (threadIdx.x == 0) {
        *op.dbeta = static_cast<float>(beta);
        *op.dgamma = static_cast<float>(gamma);
    }
}

void run_embed_tokens(CudaBackend& backend, const EmbedTokens& op) {
    if (op.tokens.count() == 0) return;
    launch(embed_tokens_kernel, blocks_for(op.tokens.count(), kBlock / kWarp, backend.most_blocks()), kBlock,
           0, backend.stream(), op, std::numeric_limits<float>::quiet_NaN());
}

void run_winding_features(CudaBackend& backend, const WindingFeatures& op) {
    const std::int64_t values = op.tokens.count() * op.windings;
    if (values == 0) return;
    launch(winding_features_kernel, blocks_for(values, kBlock, backend.most_blocks()), kBlock, 0,
           backend.stream(), op, std::numeric_limits<float>::quiet_NaN());
}

void run_harmonise(CudaBackend& backend, const Harmonise& op) {
    if (op.size == 0) return;
    launch(harmonise_kernel, blocks_for(op.size, kBlock, backend.most_blocks()), kBlock, 0, backend.stream(),
           op);
}

void run_harmonise_backward(CudaBackend& backend, const HarmoniseBackward& op) {
    const std::int64_t blocks = block_count(op.size);
    if (blocks > 0)
        launch(harmonise_backward_kernel, blocks_for(blocks, 1, backend.most_blocks()), kBlock, 0,
               backend.stream(), op);
    launch(harmony_sums_kernel, 1, kBlock, 0, backend.stream(), op, blocks);
}

}  // namespace

void add_embedding(OpTable& table) {
    add<EmbedTokens, run_embed_tokens>(table, Level::tiled, "a warp per row");
    add<WindingFeatures, run_winding_features>(table, Level::tiled, "a thread per token and winding");
    add<Harmonise, run_harmonise>(table, Level::fused, "one pass, a thread per value");
    add<HarmoniseBackward, run_harmonise_backward>(table, Level::tiled,
                                                   "one pass, a block per 4096 values, their sums in order");
}

}  // namespace spectral::cuda
