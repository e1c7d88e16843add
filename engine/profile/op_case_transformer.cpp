// Cases of what transformers are made of: softmax, norms, attention.
#include <fmt/format.h>

#include "engine/nn/tiled_attention.hpp"
#include "engine/profile/op_case.hpp"
#include "kernels/ops/attention.hpp"
#include "kernels/ops/batch_norm.hpp"
#include "kernels/ops/dropout.hpp"
#include "kernels/ops/gated.hpp"
#include "kernels/ops/layer_norm.hpp"
#include "kernels/ops/scatter_rows.hpp"
#include "kernels/ops/softmax.hpp"

namespace spectral::op_case {

namespace {

/// Extents of a softmax.
struct Axis {
    std::int64_t outer, axis, inner, size = outer * axis * inner;

    explicit Axis(const Json& sizes)
        : outer(size_of(sizes, "outer")), axis(size_of(sizes, "axis")), inner(size_of(sizes, "inner")) {}
    std::string text() const { return fmt::format("{} × {} × {}", outer, axis, inner); }
};

OpCase softmax(Device device, const Json& sizes) {
    const auto inputs = std::make_shared<Inputs>(device);
    const Axis a(sizes);
    const Softmax op{a.outer, a.axis, a.inner, inputs->normal(a.size, 1), inputs->zeros(a.size)};
    return simple(inputs, a.text(), op, op.y, a.size);
}

OpCase softmax_backward(Device device, const Json& sizes) {
    const auto inputs = std::make_shared<Inputs>(device);
    const Axis a(sizes);
    const SoftmaxBackward op{a.outer,
                             a.axis,
                             a.inner,
                             inputs->normal(a.size, 1),
                             inputs->normal(a.size, 2),
                             inputs->zeros(a.size)};
    return simple(inputs, a.text(), op, op.dx, a.size);
}

NormRows norm_rows(Inputs& inputs, const Json& sizes) {
    NormRows rows{size_of(sizes, "batch"), size_of(sizes, "columns")};
    rows.x = inputs.normal(rows.batch * rows.size, 1);
    rows.scale = inputs.normal(rows.size, 2, 0.1, 1);
    rows.shift = inputs.normal(rows.size, 3, 0.1);
    return rows;
}

std::string norm_text(const NormRows& rows) { return fmt::format("{} × {}", rows.batch, rows.size); }

template <class Op>
OpCase norm(Device device, const Json& sizes) {
    const auto inputs = std::make_shared<Inputs>(device);
    const NormRows rows = norm_rows(*inputs, sizes);
    const Op op{rows, inputs->zeros(rows.batch * rows.size), inputs->zeros(rows.batch),
                inputs->zeros(rows.batch)};
    return simple(inputs, norm_text(rows), op, op.y, rows.batch * rows.size);
}

template <class Op>
OpCase norm_backward(Device device, const Json& sizes) {
    const auto inputs = std::make_shared<Inputs>(device);
    const NormRows rows = norm_rows(*inputs, sizes);
    const std::int64_t all = rows.batch * rows.size;
    const LayerNorm forward{rows, inputs->zeros(all), inputs->zeros(rows.batch), inputs->zeros(rows.batch)};
    device.backend.run(forward);
    const Op op{rows,
                forward.mean,
                forward.inverse_deviation,
                inputs->normal(all, 4),
                inputs->zeros(all),
                inputs->zeros(rows.size),
                inputs->zeros(rows.size),
                inputs->zeros(Op::scratch_size(rows.batch, rows.size))};
    return simple(inputs, norm_text(rows), op, op.dx, all);
}

ChannelValues channel_values(const Json& sizes) {
    return {size_of(sizes, "batch"), size_of(sizes, "channels"), size_of(sizes, "space")};
}

std::string channel_text(const ChannelValues& images) {
    return fmt::format("{} × {} channels × {}", images.batch, images.channels, images.space);
}

BatchNorm batch_norm_op(Inputs& inputs, const ChannelValues& images) {
    BatchNorm op{images};
    op.x = inputs.normal(images.size(), 1);
    op.scale = inputs.normal(images.channels, 2, 0.1, 1);
    op.shift = inputs.normal(images.channels, 3, 0.1);
    op.y = inputs.zeros(images.size());
    op.mean = inputs.zeros(images.channels);
    op.inverse_deviation = inputs.zeros(images.channels);
    op.running_mean = inputs.zeros(images.channels);
    op.running_variance = inputs.zeros(images.channels);
    return op;
}

OpCase batch_norm(Device device, const Json& sizes) {
    const auto inputs = std::make_shared<Inputs>(device);
    const ChannelValues images = channel_values(sizes);
    const BatchNorm op = batch_norm_op(*inputs, images);
    return simple(inputs, channel_text(images), op, op.y, images.size());
}

OpCase batch_norm_backward(Device device, const Json& sizes) {
    const auto inputs = std::make_shared<Inputs>(device);
    const ChannelValues images = channel_values(sizes);
    const BatchNorm forward = batch_norm_op(*inputs, images);
    device.backend.run(forward);
    BatchNormBackward op{images};
    op.x = forward.x;
    op.mean = forward.mean;
    op.inverse_deviation = forward.inverse_deviation;
    op.scale = forward.scale;
    op.dy = inputs->normal(images.size(), 4);
    op.dx = inputs->zeros(images.size());
    op.dscale = inputs->zeros(images.channels);
    op.dshift = inputs->zeros(images.channels);
    return simple(inputs, channel_text(images), op, op.dx, images.size());
}

/// Inputs of causal attention and the tile that the program would take.
struct Heads {
    std::shared_ptr<Inputs> inputs;
    AttentionShape shape;
    AttentionTile tile;
    std::int64_t values;

    Heads(Device device, const Json& sizes) : inputs(std::make_shared<Inputs>(device)) {
        const std::int64_t batch = size_of(sizes, "batch"), heads = size_of(sizes, "heads"),
                           sequence = size_of(sizes, "sequence"), size = size_of(sizes, "head_size");
        const HeadStrides strides{heads * sequence * size, sequence * size, size};
        shape = {batch,   heads,   sequence, sequence, size,
                 strides, strides, strides,  strides,  attention_scale(AttentionMode::standard, size),
                 true};
        tile = optimize_tiling(device, sequence, batch, heads, size);
        values = shape.rows() * size;
    }

    std::string text() const {
        return fmt::format("{} × {} heads × {} × {}, causal, tiles of {}", shape.batch, shape.heads,
                           shape.queries, shape.size, tile.queries);
    }
    Attention forward() const {
        Inputs& in = *inputs;
        return {shape,
                tile,
                in.normal(values, 1),
                in.normal(values, 2),
                in.normal(values, 3),
                in.zeros(values),
                in.zeros(shape.rows()),
                in.zeros(Attention::scratch_size(shape, tile, in.device().backend.threads()))};
    }
};

OpCase attention(Device device, const Json& sizes) {
    const Heads heads(device, sizes);
    const Attention op = heads.forward();
    return simple(heads.inputs, heads.text(), op, op.y, heads.values);
}

OpCase attention_backward(Device device, const Json& sizes) {
    const Heads heads(device, sizes);
    const Attention forward = heads.forward();
    device.backend.run(forward);
    Inputs& in = *heads.inputs;
    const AttentionBackward op{
        heads.shape,
        heads.tile,
        forward.q,
        forward.k,
        forward.v,
        forward.y,
        forward.log_sum,
        in.normal(heads.values, 4),
        in.zeros(heads.values),
        in.zeros(heads.values),
        in.zeros(heads.values),
        in.zeros(AttentionBackward::scratch_size(heads.shape, heads.tile, device.backend.threads()))};
    return simple(heads.inputs, heads.text(), op, op.dk, heads.values);
}

OpCase swiglu(Device device, const Json& sizes) {
    const auto inputs = std::make_shared<Inputs>(device);
    const std::int64_t batch = size_of(sizes, "batch"), size = size_of(sizes, "columns");
    const float* x = inputs->normal(2 * batch * size, 1);
    const SwiGlu op{batch, size, 2 * size, x, x + size, inputs->zeros(batch * size)};
    return simple(inputs, fmt::format("{} × {}", batch, size), op, op.y, batch * size);
}

OpCase swiglu_backward(Device device, const Json& sizes) {
    const auto inputs = std::make_shared<Inputs>(device);
    const std::int64_t batch = size_of(sizes, "batch"), size = size_of(sizes, "columns");
    const float* x = inputs->normal(2 * batch * size, 1);
    float* dx = inputs->zeros(2 * batch * size);
    const SwiGluBackward op{batch, size,     2 * size, x, x + size, inputs->normal(batch * size, 2),
                            dx,    dx + size};
    return simple(inputs, fmt::format("{} × {}", batch, size), op, dx, 2 * batch * size);
}

OpCase dropout(Device device, const Json& sizes) {
    const auto inputs = std::make_shared<Inputs>(device);
    const std::int64_t size = size_of(sizes, "size");
    const Dropout op{size, dropout_threshold(0.1), 1, 2, inputs->normal(size, 1), inputs->zeros(size)};
    return simple(inputs, fmt::format("{}, a tenth left out", size), op, op.y, size);
}

OpCase scatter_add_rows(Device device, const Json& sizes) {
    const auto inputs = std::make_shared<Inputs>(device);
    const std::int64_t batch = size_of(sizes, "batch"), columns = size_of(sizes, "columns"),
                       rows = size_of(sizes, "rows");
    float* y = inputs->zeros(rows * columns);
    const ScatterAddRows op{batch,
                            columns,
                            -1,
                            inputs->normal(batch * columns, 1),
                            inputs->indices<std::uint32_t>(batch, rows, 2),
                            y};
    return simple(inputs, fmt::format("{} × {} into {}", batch, columns, rows), op, y, rows * columns,
                  copy_back(inputs, y, inputs->zeros(rows * columns), rows * columns));
}

}  // namespace

std::vector<OpCaseInfo> transformer_cases() {
    const Schema axis{size_field("outer", 2048, 1 << 24), size_field("axis", 512, 1 << 20),
                      size_field("inner", 1, 1 << 20)};
    const Schema matrix{size_field("batch", 2048, 1 << 20), size_field("columns", 512, 1 << 20)};
    const Schema images{size_field("batch", 64, 1 << 20), size_field("channels", 32, 1 << 16),
                        size_field("space", 784, 1 << 24)};
    const Schema heads{size_field("batch", 4, 1 << 16), size_field("heads", 8, 1 << 10),
                       size_field("sequence", 512, 1 << 20),
                       size_field("head_size", 64, static_cast<double>(kMaxHeadSize))};
    return {{"attention", heads, attention},
            {"attention_backward", heads, attention_backward},
            {"swiglu", matrix, swiglu},
            {"swiglu_backward", matrix, swiglu_backward},
            {"dropout", {size_field("size", 1 << 20, 1 << 28)}, dropout},
            {"scatter_add_rows",
             {size_field("batch", 2048, 1 << 20), size_field("columns", 512, 1 << 16),
              size_field("rows", 8192, 1 << 20)},
             scatter_add_rows},
            {"softmax", axis, softmax},
            {"softmax_backward", axis, softmax_backward},
            {"layer_norm", matrix, norm<LayerNorm>},
            {"layer_norm_backward", matrix, norm_backward<LayerNormBackward>},
            {"layer_norm_gelu", matrix, norm<LayerNormGelu>},
            {"layer_norm_gelu_backward", matrix, norm_backward<LayerNormGeluBackward>},
            {"batch_norm", images, batch_norm},
            {"batch_norm_backward", images, batch_norm_backward}};
}

}  // namespace spectral::op_case
