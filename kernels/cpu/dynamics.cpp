#include "kernels/ops/dynamics.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "kernels/cpu/backend.hpp"
#include "kernels/cpu/operations.hpp"
#include "kernels/cpu/parts.hpp"

namespace spectral::cpu {

namespace {

void run_evolve_pattern(Backend& backend, const EvolvePattern& op) {
    for_elements(backend, op.size, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
            const float p = op.p[i];
            op.y[i] = std::clamp(p + op.f[i] * std::exp(-p * p * op.stability) * op.rate, -1.0F, 1.0F);
        }
    });
}

void ricci_step(const RicciStep& op, std::int64_t point) {
    const std::int64_t m = op.dimension;
    const float* g = op.metric + (op.constant_metric ? 0 : point * m * m);
    const float* connection = op.connection + point * m * m * m;
    float* y = op.y + point * m * m;
    std::array<float, kMaxRicciDimension> traced{};  // Σ_k Γ[l,j,k] of one column j
    for (std::int64_t j = 0; j < m; ++j) {
        for (std::int64_t l = 0; l < m; ++l) {
            float sum = 0;
            for (std::int64_t k = 0; k < m; ++k) sum += connection[(l * m + j) * m + k];
            traced[static_cast<std::size_t>(l)] = sum;
        }
        for (std::int64_t i = 0; i < m; ++i) {
            float sum = 0;
            for (std::int64_t l = 0; l < m; ++l) sum += g[i * m + l] * traced[static_cast<std::size_t>(l)];
            y[i * m + j] = -2 * op.rate * sum;
        }
    }
}

void run_ricci_step(Backend& backend, const RicciStep& op) {
    as_cpu(backend).pool().split(op.batch, [&](int, std::int64_t begin, std::int64_t end) {
        for (std::int64_t point = begin; point < end; ++point) ricci_step(op, point);
    });
}

void run_heat_flow(Backend& backend, const HeatFlow& op) {
    const std::int64_t bins = op.columns / 2 + 1;
    constexpr double kFourPiSquared = 4 * std::numbers::pi * std::numbers::pi;
    const auto rows = static_cast<double>(op.rows), columns = static_cast<double>(op.columns);
    as_cpu(backend).pool().split(op.rows, [&](int, std::int64_t begin, std::int64_t end) {
        for (std::int64_t u = begin; u < end; ++u) {
            const double k0 = static_cast<double>(2 * u > op.rows ? u - op.rows : u) / rows;
            for (std::int64_t v = 0; v < bins; ++v) {
                const double k1 = static_cast<double>(v) / columns;
                const double straight = static_cast<double>(op.inverse.rows) * k0 * k0 +
                                        static_cast<double>(op.inverse.columns) * k1 * k1;
                const double mixed = 2 * static_cast<double>(op.inverse.mixed) * k0 * k1;
                const double rate = -kFourPiSquared * static_cast<double>(op.time);
                double factor = std::exp(rate * (straight + mixed));
                if (2 * u == op.rows || 2 * v == op.columns)
                    factor = (factor + std::exp(rate * (straight - mixed))) / 2;
                op.y[u * bins + v] = static_cast<float>(factor) * op.x[u * bins + v];
            }
        }
    });
}

}  // namespace

void add_dynamics(OpTable& table) {
    table.add<EvolvePattern>(Level::fused, run_evolve_pattern, "one pass, threads");
    table.add<RicciStep>(Level::custom, run_ricci_step, "the connection summed first, threads");
    table.add<HeatFlow>(Level::fused, run_heat_flow, "one pass, threads");
}

}  // namespace spectral::cpu
