// Cases of pattern dynamics.
#include <fmt/format.h>

#include "engine/profile/op_case.hpp"
#include "kernels/ops/dynamics.hpp"

namespace spectral::op_case {

namespace {

OpCase evolve_pattern(Device device, const Json& sizes) {
    const auto inputs = std::make_shared<Inputs>(device);
    const std::int64_t size = size_of(sizes, "size");
    const EvolvePattern op{
        size, 0.1F, 1, inputs->normal(size, 1, 0.5), inputs->normal(size, 2), inputs->zeros(size)};
    return simple(inputs, fmt::format("{}", size), op, op.y, size);
}

OpCase ricci_step(Device device, const Json& sizes) {
    const auto inputs = std::make_shared<Inputs>(device);
    const std::int64_t batch = size_of(sizes, "batch"), m = size_of(sizes, "dimension");
    const RicciStep op{batch,
                       m,
                       false,
                       0.1F,
                       inputs->normal(batch * m * m, 1),
                       inputs->normal(batch * m * m * m, 2),
                       inputs->zeros(batch * m * m)};
    return simple(inputs, fmt::format("{} × {} × {}", batch, m, m), op, op.y, batch * m * m);
}

OpCase heat_flow(Device device, const Json& sizes) {
    const auto inputs = std::make_shared<Inputs>(device);
    const std::int64_t rows = size_of(sizes, "rows"), columns = size_of(sizes, "columns");
    const std::int64_t bins = rows * (columns / 2 + 1);
    const HeatFlow op{
        rows, columns, 0.5F, {1, 0.25F, 0.5F}, inputs->complex_normal(bins, 1), inputs->complex_zeros(bins)};
    return {fmt::format("{} × {}", rows, columns),
            op.cost(),
            {},
            [inputs, op](Level level) { inputs->device().backend.run(op, level); },
            [inputs, op, bins] { return inputs->host(op.y, bins); }};
}

}  // namespace

std::vector<OpCaseInfo> dynamics_cases() {
    return {
        {"evolve_pattern", {size_field("size", 1 << 20, 1 << 28)}, evolve_pattern},
        {"ricci_step",
         {size_field("batch", 65536, 1 << 24), size_field("dimension", 2, kMaxRicciDimension)},
         ricci_step},
        {"heat_flow", {size_field("rows", 1024, 1 << 14), size_field("columns", 1024, 1 << 14)}, heat_flow}};
}

}  // namespace spectral::op_case
