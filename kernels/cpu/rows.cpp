// Operations on the rows of a matrix: bias and its gradient, rows and columns gathered by index.
#include <algorithm>

#include "kernels/cpu/backend.hpp"
#include "kernels/cpu/operations.hpp"
#include "kernels/ops/dense.hpp"
#include "kernels/ops/gather.hpp"

namespace spectral::cpu {

namespace {

void run_bias_add(Backend& backend, const BiasAdd& op) {
    as_cpu(backend).pool().split(op.batch, [&](int, std::int64_t begin, std::int64_t end) {
        for (std::int64_t b = begin; b < end; ++b)
            for (std::int64_t i = 0; i < op.size; ++i) op.y[b * op.size + i] += op.bias[i];
    });
}

void run_column_sum(Backend& /*backend*/, const ColumnSum& op) {
    std::fill_n(op.y, op.size, 0.0F);
    for (std::int64_t b = 0; b < op.batch; ++b)
        for (std::int64_t i = 0; i < op.size; ++i) op.y[i] += op.x[b * op.size + i];
}

void run_gather_rows(Backend& backend, const GatherRows& op) {
    as_cpu(backend).pool().split(op.batch, [&](int, std::int64_t begin, std::int64_t end) {
        for (std::int64_t b = begin; b < end; ++b)
            std::copy_n(op.x + (op.rows != nullptr ? op.rows[b] : b) * op.x_stride, op.columns,
                        op.y + b * op.y_stride);
    });
}

void run_gather_columns(Backend& backend, const GatherColumns& op) {
    as_cpu(backend).pool().split(op.batch, [&](int, std::int64_t begin, std::int64_t end) {
        for (std::int64_t b = begin; b < end; ++b) {
            const float* from = op.x + b * op.x_stride;
            float* to = op.y + b * op.count;
            for (std::int64_t i = 0; i < op.count; ++i) to[i] = from[op.columns[i]];
        }
    });
}

}  // namespace

void add_bias(OpTable& table) {
    table.add<BiasAdd>(Level::tiled, run_bias_add, "rows split over the threads");
    table.add<ColumnSum>(Level::fused, run_column_sum, "one pass over the rows, in their order");
}

void add_gather(OpTable& table) {
    table.add<GatherRows>(Level::tiled, run_gather_rows, "row copies split over the threads");
    table.add<GatherColumns>(Level::tiled, run_gather_columns, "rows split over the threads");
}

}  // namespace spectral::cpu
