// Cases of the dense layer, the loss, the optimisers and what is done to features once.
#include <fmt/format.h>

#include "engine/profile/op_case.hpp"
#include "kernels/ops/dense.hpp"
#include "kernels/ops/features.hpp"
#include "kernels/ops/gather.hpp"
#include "kernels/ops/loss.hpp"
#include "kernels/ops/optimiser.hpp"
#include "kernels/ops/round.hpp"

namespace spectral::op_case {

namespace {

OpCase matmul(Device device, const Json& sizes) {
    const auto inputs = std::make_shared<Inputs>(device);
    const std::int64_t m = size_of(sizes, "m"), n = size_of(sizes, "n"), k = size_of(sizes, "k");
    const MatMul op{m,
                    n,
                    k,
                    false,
                    true,
                    inputs->normal(m * k, 1),
                    k,
                    inputs->normal(n * k, 2),
                    k,
                    0,
                    inputs->zeros(m * n),
                    n};
    return simple(inputs, fmt::format("{} × {} × {}", m, n, k), op, op.c, m * n);
}

OpCase bias_add(Device device, const Json& sizes) {
    const auto inputs = std::make_shared<Inputs>(device);
    const std::int64_t batch = size_of(sizes, "batch"), size = size_of(sizes, "columns"), all = batch * size;
    float* y = inputs->zeros(all);
    const BiasAdd op{batch, size, inputs->normal(size, 1), y};
    return simple(inputs, fmt::format("{} × {}", batch, size), op, y, all,
                  copy_back(inputs, y, inputs->normal(all, 2), all));
}

OpCase column_sum(Device device, const Json& sizes) {
    const auto inputs = std::make_shared<Inputs>(device);
    const std::int64_t batch = size_of(sizes, "batch"), size = size_of(sizes, "columns");
    const ColumnSum op{batch, size, inputs->normal(batch * size, 1), inputs->zeros(size)};
    return simple(inputs, fmt::format("{} × {}", batch, size), op, op.y, size);
}

OpCase gather_rows(Device device, const Json& sizes) {
    const auto inputs = std::make_shared<Inputs>(device);
    const std::int64_t batch = size_of(sizes, "batch"), columns = size_of(sizes, "columns");
    const GatherRows op{batch,
                        columns,
                        inputs->normal(batch * columns, 1),
                        columns,
                        inputs->indices<std::uint32_t>(batch, batch, 2),
                        inputs->zeros(batch * columns),
                        columns};
    return simple(inputs, fmt::format("{} × {}", batch, columns), op, op.y, batch * columns);
}

OpCase gather_columns(Device device, const Json& sizes) {
    const auto inputs = std::make_shared<Inputs>(device);
    const std::int64_t batch = size_of(sizes, "batch"), columns = size_of(sizes, "columns");
    const GatherColumns op{batch,
                           columns,
                           inputs->normal(batch * columns, 1),
                           columns,
                           inputs->indices<std::uint32_t>(columns, columns, 2),
                           inputs->zeros(batch * columns)};
    return simple(inputs, fmt::format("{} × {}", batch, columns), op, op.y, batch * columns);
}

OpCase round_in_blocks(Device device, const Json& sizes) {
    const auto inputs = std::make_shared<Inputs>(device);
    const std::int64_t size = size_of(sizes, "size");
    const RoundInBlocks op{size, 64, 7, inputs->normal(size, 1), inputs->zeros(size)};
    return simple(inputs, fmt::format("{} (4 bits)", size), op, op.y, size);
}

OpCase activation(Device device, const Json& sizes) {
    const auto inputs = std::make_shared<Inputs>(device);
    const std::int64_t size = size_of(sizes, "size");
    const Activation op{ActivationKind::gelu, size, inputs->normal(size, 1), inputs->zeros(size)};
    return simple(inputs, fmt::format("{} (GELU)", size), op, op.y, size);
}

OpCase activation_backward(Device device, const Json& sizes) {
    const auto inputs = std::make_shared<Inputs>(device);
    const std::int64_t size = size_of(sizes, "size");
    const ActivationBackward op{ActivationKind::gelu, size, inputs->normal(size, 1), inputs->normal(size, 2),
                                inputs->zeros(size)};
    return simple(inputs, fmt::format("{} (GELU)", size), op, op.dx, size);
}

OpCase multiply(Device device, const Json& sizes) {
    const auto inputs = std::make_shared<Inputs>(device);
    const std::int64_t size = size_of(sizes, "size");
    const Multiply op{size, inputs->normal(size, 1), inputs->normal(size, 2), inputs->zeros(size)};
    return simple(inputs, fmt::format("{}", size), op, op.y, size);
}

OpCase add_scaled(Device device, const Json& sizes) {
    const auto inputs = std::make_shared<Inputs>(device);
    const std::int64_t size = size_of(sizes, "size");
    const AddScaled op{size, 0.5F, inputs->normal(size, 1), inputs->normal(size, 2), inputs->zeros(size)};
    return simple(inputs, fmt::format("{}", size), op, op.y, size);
}

OpCase softmax_nll(Device device, const Json& sizes) {
    const auto inputs = std::make_shared<Inputs>(device);
    const std::int64_t batch = size_of(sizes, "batch"), classes = size_of(sizes, "classes");
    const SoftmaxNll op{batch,
                        classes,
                        inputs->normal(batch * classes, 1, 3),
                        inputs->indices<std::int32_t>(batch, classes, 2),
                        inputs->zeros(batch * classes),
                        static_cast<LossSums*>(inputs->bytes(sizeof(LossSums)))};
    return simple(inputs, fmt::format("{} × {}", batch, classes), op, op.d_logits, batch * classes);
}

/// `parameters` of `size` values each, as an optimiser lists them; the list lives as long as `inputs`.
std::span<const ParameterSlot> slots(Inputs& inputs, const Json& sizes) {
    const std::int64_t size = size_of(sizes, "size");
    auto list = std::make_shared<std::vector<ParameterSlot>>();
    for (std::int64_t i = 0; i < size_of(sizes, "parameters"); ++i)
        list->push_back({size, inputs.normal(size, 1 + static_cast<std::uint64_t>(i)), inputs.zeros(size),
                         inputs.zeros(size), inputs.zeros(size)});
    inputs.keep(list);
    return *list;
}

std::string slots_text(const Json& sizes) {
    return fmt::format("{} parameters × {}", size_of(sizes, "parameters"), size_of(sizes, "size"));
}

/// Runs an update over all of them; the result is the last one's values.
template <class Update>
OpCase update_case(Device device, const Json& sizes, Update op) {
    const auto inputs = std::make_shared<Inputs>(device);
    op.parameters = slots(*inputs, sizes);
    return simple(inputs, slots_text(sizes), op, op.parameters.back().w, op.parameters.back().size, [=] {
        for (const ParameterSlot& slot : op.parameters)
            for (float* values : {slot.w, slot.m, slot.v})
                inputs->device().backend.fill_zero(values,
                                                   static_cast<std::size_t>(slot.size) * sizeof(float));
    });
}

OpCase adam(Device device, const Json& sizes) { return update_case(device, sizes, Adam{}); }

OpCase momentum_update(Device device, const Json& sizes) {
    return update_case(device, sizes, MomentumUpdate{.momentum = 0.9F});
}

OpCase judge_step(Device device, const Json& sizes) {
    const auto inputs = std::make_shared<Inputs>(device);
    auto* verdict = static_cast<StepVerdict*>(inputs->bytes(sizeof(StepVerdict)));
    const JudgeStep op{slots(*inputs, sizes), static_cast<LossSums*>(inputs->bytes(sizeof(LossSums))),
                       verdict};
    return {slots_text(sizes),
            op.cost(),
            {},
            [=](Level level) { inputs->device().backend.run(op, level); },
            [=] { return inputs->copied(&verdict->squared_gradient, 1); }};
}

OpCase column_moments(Device device, const Json& sizes) {
    const auto inputs = std::make_shared<Inputs>(device);
    const std::int64_t batch = size_of(sizes, "batch"), columns = size_of(sizes, "columns");
    const ColumnMoments op{batch,
                           columns,
                           inputs->normal(batch * columns, 1),
                           columns,
                           nullptr,
                           inputs->zeros(columns),
                           inputs->zeros(columns)};
    return simple(inputs, fmt::format("{} × {}", batch, columns), op, op.deviation, columns);
}

OpCase standardise(Device device, const Json& sizes) {
    const auto inputs = std::make_shared<Inputs>(device);
    const std::int64_t batch = size_of(sizes, "batch"), columns = size_of(sizes, "columns");
    const std::int64_t all = batch * columns;
    float* x = inputs->zeros(all);
    const Standardise op{
        batch, columns, x, columns, inputs->normal(columns, 2), inputs->normal(columns, 3, 0.1, 2)};
    return simple(inputs, fmt::format("{} × {}", batch, columns), op, x, all,
                  copy_back(inputs, x, inputs->normal(all, 1), all));
}

}  // namespace

std::vector<OpCaseInfo> dense_cases() {
    const Schema vector{size_field("size", 1 << 20, 1 << 28)};
    const Schema parameters{size_field("parameters", 4, 256), size_field("size", 1 << 18, 1 << 26)};
    const Schema matrix{size_field("batch", 4096, 1 << 20), size_field("columns", 400, 1 << 20)};
    return {{"matmul",
             {size_field("m", 256, 1 << 14), size_field("n", 256, 1 << 14), size_field("k", 784, 1 << 14)},
             matmul},
            {"bias_add", matrix, bias_add},
            {"column_sum", matrix, column_sum},
            {"gather_rows", matrix, gather_rows},
            {"gather_columns", matrix, gather_columns},
            {"round_in_blocks", vector, round_in_blocks},
            {"activation", vector, activation},
            {"activation_backward", vector, activation_backward},
            {"multiply", vector, multiply},
            {"add_scaled", vector, add_scaled},
            {"softmax_nll",
             {size_field("batch", 4096, 1 << 24), size_field("classes", 10, 1 << 16)},
             softmax_nll},
            {"judge_step", parameters, judge_step},
            {"adam", parameters, adam},
            {"momentum_update", parameters, momentum_update},
            {"column_moments", matrix, column_moments},
            {"standardise", matrix, standardise}};
}

}  // namespace spectral::op_case
