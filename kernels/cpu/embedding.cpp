// From tokens to vectors, and the harmonisation of those: tokens or values split over the threads.
#include "kernels/ops/embedding.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "kernels/cpu/block_sums.hpp"
#include "kernels/cpu/operations.hpp"
#include "kernels/cpu/parts.hpp"

namespace spectral::cpu {

namespace {

float token_at(const TokenRows& tokens, std::int64_t i) {
    const std::int64_t b = i / tokens.context;
    return tokens.x[(tokens.rows != nullptr ? tokens.rows[b] : b) * tokens.stride + i % tokens.context];
}

void run_embed_tokens(Backend& backend, const EmbedTokens& op) {
    const auto end_of_table = static_cast<float>(op.vocabulary);
    as_cpu(backend).pool().split(op.tokens.count(), [&](int, std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
            const float token = token_at(op.tokens, i);
            float* y = op.y + i * op.width;
            if (!(token >= 0 && token < end_of_table) || token != std::floor(token)) {
                std::fill_n(y, op.width, std::numeric_limits<float>::quiet_NaN());
                op.row[i] = static_cast<std::uint32_t>(op.vocabulary);
                continue;
            }
            const auto row = static_cast<std::int64_t>(token);
            const float* from = op.table + row * op.width;
            for (std::int64_t j = 0; j < op.width; ++j) y[j] = op.scale * from[j];
            op.row[i] = static_cast<std::uint32_t>(row == op.padding ? op.vocabulary : row);
        }
    });
}

void run_winding_features(Backend& backend, const WindingFeatures& op) {
    const auto vocabulary = static_cast<double>(op.vocabulary);
    as_cpu(backend).pool().split(op.tokens.count(), [&](int, std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
            const auto token = static_cast<double>(token_at(op.tokens, i));
            float* y = op.y + i * 2 * op.windings;
            if (!std::isfinite(token) || token != std::floor(token)) {
                std::fill_n(y, 2 * op.windings, std::numeric_limits<float>::quiet_NaN());
                continue;
            }
            auto rest = static_cast<std::int64_t>(std::fmod(token, vocabulary));
            if (rest < 0) rest += op.vocabulary;
            for (std::int64_t j = 0; j < op.windings; ++j) {
                const std::int64_t turn = op.winding[j] % op.vocabulary * rest % op.vocabulary;
                const double angle = 2 * std::numbers::pi * static_cast<double>(turn) / vocabulary;
                y[2 * j] = static_cast<float>(std::cos(angle));
                y[2 * j + 1] = static_cast<float>(std::sin(angle));
            }
        }
    });
}

float logistic(float x) { return 1 / (1 + std::exp(-x)); }

void run_harmonise(Backend& backend, const Harmonise& op) {
    const float beta = *op.beta, gamma = *op.gamma;
    for_elements(backend, op.size, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i)
            op.y[i] = op.x[i] - beta * logistic(op.h[i]) + gamma * std::tanh(op.s[i]);
    });
}

void run_harmonise_backward(Backend& backend, const HarmoniseBackward& op) {
    const float beta = *op.beta, gamma = *op.gamma;
    for_blocks(backend, op.size, [&](std::int64_t block, std::int64_t begin, std::int64_t end) {
        double along_beta = 0, along_gamma = 0;
        for (std::int64_t i = begin; i < end; ++i) {
            const float dy = op.dy[i], open = logistic(op.h[i]), closed = logistic(-op.h[i]);
            const float bend = std::tanh(op.s[i]);
            along_beta -= static_cast<double>(open) * static_cast<double>(dy);
            along_gamma += static_cast<double>(bend) * static_cast<double>(dy);
            op.dh[i] = -beta * open * closed * dy;
            // 1 − tanh² s = 4σ(2s)σ(−2s), which keeps its digits far from zero.
            op.ds[i] = gamma * 4 * logistic(2 * op.s[i]) * logistic(-2 * op.s[i]) * dy;
        }
        op.scratch[2 * block] = along_beta;
        op.scratch[2 * block + 1] = along_gamma;
    });
    double beta_sum = 0, gamma_sum = 0;
    for (std::int64_t block = 0; block < block_count(op.size); ++block) {
        beta_sum += op.scratch[2 * block];
        gamma_sum += op.scratch[2 * block + 1];
    }
    *op.dbeta = static_cast<float>(beta_sum);
    *op.dgamma = static_cast<float>(gamma_sum);
}

}  // namespace

void add_embedding(OpTable& table) {
    table.add<EmbedTokens>(Level::tiled, run_embed_tokens, "row copies split over the threads");
    table.add<WindingFeatures>(Level::tiled, run_winding_features, "tokens split over the threads");
    table.add<Harmonise>(Level::tiled, run_harmonise, "one pass, values split over the threads");
    table.add<HarmoniseBackward>(Level::tiled, run_harmonise_backward,
                                 "one pass, blocks split over the threads, their sums in order");
}

}  // namespace spectral::cpu
