// Logarithm, moments and standardisation of feature matrices.
#include "kernels/ops/features.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/cpu/backend.hpp"
#include "kernels/cpu/operations.hpp"

namespace spectral::cpu {

namespace {

void run_log1p(Backend& backend, const Log1p& op) {
    as_cpu(backend).pool().split(op.size, [&](int, std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) op.y[i] = std::log1p(op.x[i]);
    });
}

/// Columns at a time: their sums stay in the first-level cache, and a row's part is a few cache lines.
constexpr std::int64_t kColumnBlock = 64;

void column_moments(const ColumnMoments& op, std::int64_t begin, std::int64_t end) {
    const auto row = [&](std::int64_t b) {
        return op.x + (op.rows ? static_cast<std::int64_t>(op.rows[b]) : b) * op.x_stride;
    };
    const double count = static_cast<double>(std::max<std::int64_t>(op.batch, 1));
    for (std::int64_t first = begin; first < end; first += kColumnBlock) {
        const std::int64_t last = std::min(end, first + kColumnBlock);
        double mean[kColumnBlock] = {}, square[kColumnBlock] = {};
        for (std::int64_t b = 0; b < op.batch; ++b)
            for (std::int64_t f = first; f < last; ++f) mean[f - first] += static_cast<double>(row(b)[f]);
        for (double& value : mean) value /= count;
        for (std::int64_t b = 0; b < op.batch; ++b) {
            for (std::int64_t f = first; f < last; ++f) {
                const double distance = static_cast<double>(row(b)[f]) - mean[f - first];
                square[f - first] += distance * distance;
            }
        }
        for (std::int64_t f = first; f < last; ++f) {
            op.mean[f] = static_cast<float>(mean[f - first]);
            op.deviation[f] = static_cast<float>(std::sqrt(square[f - first] / count));
        }
    }
}

void run_column_moments(Backend& backend, const ColumnMoments& op) {
    as_cpu(backend).pool().split(
        op.columns, [&](int, std::int64_t begin, std::int64_t end) { column_moments(op, begin, end); });
}

void run_standardise(Backend& backend, const Standardise& op) {
    as_cpu(backend).pool().split(op.batch, [&](int, std::int64_t begin, std::int64_t end) {
        for (std::int64_t b = begin; b < end; ++b) {
            float* x = op.x + b * op.x_stride;
            for (std::int64_t f = 0; f < op.columns; ++f)
                x[f] = op.deviation[f] > 0 ? (x[f] - op.mean[f]) / op.deviation[f] : 0.0F;
        }
    });
}

}  // namespace

void add_features(OpTable& table) {
    table.add<Log1p>(Level::tiled, run_log1p, "split over the threads");
    table.add<ColumnMoments>(Level::tiled, run_column_moments,
                             "two passes over blocks of columns, split over the threads");
    table.add<Standardise>(Level::tiled, run_standardise, "rows split over the threads");
}

}  // namespace spectral::cpu
