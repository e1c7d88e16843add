#include "engine/nn/tiled_attention.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>

#include "engine/core/error.hpp"

namespace spectral {

namespace {

HeadStrides strides(const Tensor& tensor) {
    const Shape& shape = tensor.shape();
    return {shape[1] * shape[2] * shape[3], shape[2] * shape[3], shape[3]};
}

void require_shape(const Tensor& tensor, const char* name, const Shape& expected) {
    if (tensor.shape() == expected) return;
    throw Error(fmt::format("attention's {}", name),
                fmt::format("has shape {} where {} is needed", tensor.shape().text(), expected.text()));
}

}  // namespace

float attention_scale(AttentionMode mode, std::int64_t size) {
    const double root = 1 / std::sqrt(static_cast<double>(size));
    switch (mode) {
        case AttentionMode::standard:
            return static_cast<float>(root);
        case AttentionMode::diffuse:
            return static_cast<float>(root * std::numbers::phi);
        case AttentionMode::focused:
            return static_cast<float>(root / std::numbers::phi);
        case AttentionMode::absorbed:
            return static_cast<float>(root / (std::numbers::phi * std::numbers::phi));
    }
    throw Error("attention mode", "unknown");
}

AttentionTile optimize_tiling(const TilingRequest& r) {
    constexpr std::int64_t kLeast = 16, kMost = 512;
    const auto fits = [&](const AttentionTile& tile) {
        // q and y of the queries, scores of a panel, keys and values.
        const std::int64_t floats = 2 * tile.queries * r.size + tile.queries * 64 + 2 * tile.keys * r.size;
        AttentionShape shape;
        shape.batch = r.batch;
        shape.heads = r.heads;
        shape.queries = shape.keys = r.sequence;
        shape.size = r.size;
        const auto scratch =
            static_cast<std::size_t>(Attention::scratch_size(shape, tile, r.threads)) * sizeof(float);
        const std::int64_t tiles = r.batch * r.heads * ((r.sequence + tile.queries - 1) / tile.queries);
        return static_cast<std::size_t>(floats) * sizeof(float) <= r.fast_bytes / 2 &&
               scratch <= r.free_bytes && tiles >= std::int64_t{4} * r.threads;
    };
    const auto whole = static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(r.sequence)));
    AttentionTile tile{std::clamp(whole, kLeast, kMost), 64};
    while (tile.queries > kLeast && !fits(tile)) tile.queries /= 2;
    return tile;
}

AttentionTile optimize_tiling(Device device, std::int64_t sequence, std::int64_t batch, std::int64_t heads,
                              std::int64_t size) {
    const std::size_t held = device.budget.total().current, limit = device.budget.limit();
    return optimize_tiling({sequence, batch, heads, size, limit > held ? limit - held : 0,
                            device.backend.fast_memory_bytes(), device.backend.threads()});
}

double information_density(std::span<const float> rows, std::int64_t size) {
    const std::int64_t count = size == 0 ? 0 : static_cast<std::int64_t>(rows.size()) / size;
    double sum = 0;
    for (std::int64_t i = 0; i + 1 < count; ++i) {
        double squares = 0;
        for (std::int64_t d = 0; d < size; ++d) {
            const auto at = static_cast<std::size_t>(i * size + d),
                       next = at + static_cast<std::size_t>(size);
            const double step = static_cast<double>(rows[next]) - static_cast<double>(rows[at]);
            squares += step * step;
        }
        sum += std::sqrt(squares);
    }
    return count == 0 ? 0 : sum / static_cast<double>(count);
}

std::int64_t adapted_tile(std::int64_t tile, double density, double threshold, double resolution,
                          std::int64_t most) {
    require(threshold > 0, "density threshold", "not positive");
    require(resolution > 0 && resolution <= 1, "resolution", "not above 0 and at most 1");
    const double growth = 1 + (1 - std::min(density / threshold, 1.0)) * (1 / resolution - 1);
    const double grown = std::floor(static_cast<double>(tile) * growth);
    return std::max<std::int64_t>(1, static_cast<std::int64_t>(std::min(grown, static_cast<double>(most))));
}

AttentionShape AttentionPlan::masked(const AttentionMask& mask) const {
    AttentionShape shape = shape_;
    shape.causal = mask.causal;
    if (mask.keep == nullptr) return shape;
    const auto needed = static_cast<std::size_t>(shape.batch * shape.keys);
    if (mask.keep->bytes() != needed)
        throw Error("attention's padding mask",
                    fmt::format("has {} bytes where {} are needed", mask.keep->bytes(), needed));
    shape.keep = mask.keep->as<std::uint8_t>();
    return shape;
}

AttentionPlan prepare_attention(Device device, const Tensor& q, const Tensor& k, const Tensor& v,
                                AttentionTile tile, AttentionMode mode) {
    for (const Tensor* tensor : {&q, &k, &v})
        require(tensor->shape().rank() == 4, "attention's inputs", "are not batch × heads × rows × size");
    const Shape& shape = q.shape();
    const Shape keys{shape[0], shape[1], k.shape()[2], shape[3]};
    require_shape(k, "keys", keys);
    require_shape(v, "values", keys);
    require(shape[3] > 0 && shape[3] <= kMaxHeadSize, "attention's heads", "do not have 1 to 256 values");
    require(tile.queries > 0 && tile.keys > 0, "attention's tile", "is empty");
    AttentionPlan plan(device, q, k, v);
    plan.shape_ = {shape[0],   shape[1],   shape[2],   keys[2],    shape[3],
                   strides(q), strides(k), strides(v), strides(q), attention_scale(mode, shape[3])};
    plan.tile_ = tile;
    plan.scratch_ =
        Tensor(device, MemoryTag::workspace,
               {Attention::scratch_size(plan.shape_, tile, device.backend.threads())}, "attention work area");
    plan.log_sum_ =
        Tensor(device, MemoryTag::activations, {shape[0], shape[1], shape[2]}, "attention log-sums");
    return plan;
}

Tensor compute_attention(AttentionPlan& plan, const AttentionMask& mask) {
    Tensor y(plan.device_, MemoryTag::activations, plan.q_->shape(), "attention output");
    compute_attention(plan, mask, y);
    return y;
}

void compute_attention(AttentionPlan& plan, const AttentionMask& mask, Tensor& y) {
    require_shape(y, "output", plan.q_->shape());
    plan.device_.backend.run(Attention{plan.masked(mask), plan.tile_, plan.q_->data(), plan.k_->data(),
                                       plan.v_->data(), y.data(), plan.log_sum_.data(),
                                       plan.scratch_.data()});
}

AttentionGradients attention_gradients(AttentionPlan& plan, const AttentionMask& mask, const Tensor& y,
                                       const Tensor& dy) {
    require_shape(y, "output", plan.q_->shape());
    require_shape(dy, "gradient", plan.q_->shape());
    const AttentionShape shape = plan.masked(mask);
    Backend& backend = plan.device_.backend;
    const auto like = [&](const Tensor& tensor, const char* name) {
        return Tensor(plan.device_, MemoryTag::gradients, tensor.shape(), name);
    };
    AttentionGradients gradients{like(*plan.q_, "attention query gradient"),
                                 like(*plan.k_, "attention key gradient"),
                                 like(*plan.v_, "attention value gradient")};
    const Tensor scratch(plan.device_, MemoryTag::workspace,
                         {AttentionBackward::scratch_size(shape, plan.tile_, backend.threads())},
                         "attention gradient work area");
    backend.run(AttentionBackward{shape, plan.tile_, plan.q_->data(), plan.k_->data(), plan.v_->data(),
                                  y.data(), plan.log_sum_.data(), dy.data(), gradients.q.data(),
                                  gradients.k.data(), gradients.v.data(), scratch.data()});
    return gradients;
}

}  // namespace spectral
