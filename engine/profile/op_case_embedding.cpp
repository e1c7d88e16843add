// Cases of what makes vectors of tokens.
#include <fmt/format.h>

#include <algorithm>

#include "engine/profile/op_case.hpp"
#include "kernels/ops/embedding.hpp"

namespace spectral::op_case {

namespace {

/// Tokens below the vocabulary as a row of floats for each window.
TokenRows tokens(Inputs& inputs, const Json& sizes) {
    TokenRows rows{size_of(sizes, "batch"), size_of(sizes, "context")};
    const std::int64_t count = rows.count();
    const auto numbers =
        inputs.copied(inputs.indices<std::uint32_t>(count, size_of(sizes, "vocabulary"), 1), count);
    const std::vector<float> values(numbers.begin(), numbers.end());
    float* x = inputs.zeros(count);
    inputs.device().backend.copy_to_device(x, values.data(), values.size() * sizeof(float));
    rows.x = x;
    rows.stride = rows.context;
    return rows;
}

OpCase embed_tokens(Device device, const Json& sizes) {
    const auto inputs = std::make_shared<Inputs>(device);
    const std::int64_t vocabulary = size_of(sizes, "vocabulary"), width = size_of(sizes, "width");
    EmbedTokens op{tokens(*inputs, sizes), vocabulary, width};
    op.table = inputs->normal(vocabulary * width, 2);
    op.row = static_cast<std::uint32_t*>(
        inputs->bytes(static_cast<std::size_t>(op.tokens.count()) * sizeof(std::uint32_t)));
    op.y = inputs->zeros(op.tokens.count() * width);
    return simple(inputs,
                  fmt::format("{} × {} of {} by {}", op.tokens.batch, op.tokens.context, vocabulary, width),
                  op, op.y, op.tokens.count() * width);
}

OpCase winding_features(Device device, const Json& sizes) {
    const auto inputs = std::make_shared<Inputs>(device);
    WindingFeatures op{tokens(*inputs, sizes), size_of(sizes, "vocabulary"), size_of(sizes, "windings")};
    std::vector<std::int64_t> windings(static_cast<std::size_t>(op.windings));
    for (std::size_t j = 0; j < windings.size(); ++j) windings[j] = static_cast<std::int64_t>(4 * j + 1);
    auto* device_windings = static_cast<std::int64_t*>(inputs->bytes(windings.size() * sizeof(std::int64_t)));
    device.backend.copy_to_device(device_windings, windings.data(), windings.size() * sizeof(std::int64_t));
    op.winding = device_windings;
    op.y = inputs->zeros(op.tokens.count() * 2 * op.windings);
    return simple(inputs,
                  fmt::format("{} × {}, {} windings", op.tokens.batch, op.tokens.context, op.windings), op,
                  op.y, op.tokens.count() * 2 * op.windings);
}

OpCase harmonise(Device device, const Json& sizes) {
    const auto inputs = std::make_shared<Inputs>(device);
    const std::int64_t size = size_of(sizes, "size");
    const Harmonise op{size,
                       inputs->normal(size, 1),
                       inputs->normal(size, 2),
                       inputs->normal(size, 3),
                       inputs->normal(1, 4),
                       inputs->normal(1, 5),
                       inputs->zeros(size)};
    return simple(inputs, fmt::format("{}", size), op, op.y, size);
}

OpCase harmonise_backward(Device device, const Json& sizes) {
    const auto inputs = std::make_shared<Inputs>(device);
    const std::int64_t size = size_of(sizes, "size");
    HarmoniseBackward op{size};
    op.h = inputs->normal(size, 1);
    op.s = inputs->normal(size, 2);
    op.beta = inputs->normal(1, 3);
    op.gamma = inputs->normal(1, 4);
    op.dy = inputs->normal(size, 5);
    op.dh = inputs->zeros(size);
    op.ds = inputs->zeros(size);
    op.dbeta = inputs->zeros(1);
    op.dgamma = inputs->zeros(1);
    op.scratch = static_cast<double*>(
        inputs->bytes(static_cast<std::size_t>(HarmoniseBackward::scratch_size(size)) * sizeof(double)));
    return simple(inputs, fmt::format("{}", size), op, op.dh, size);
}

}  // namespace

std::vector<OpCaseInfo> embedding_cases() {
    const Schema size{size_field("size", 1 << 20, 1 << 28)};
    Schema text{size_field("batch", 64, 1 << 16), size_field("context", 128, 1 << 16),
                size_field("vocabulary", 65, 1 << 20)};
    Schema table = text, windings = text;
    table.push_back(size_field("width", 128, 1 << 14));
    windings.push_back(size_field("windings", 8, 1 << 5));
    return {{"embed_tokens", table, embed_tokens},
            {"winding_features", windings, winding_features},
            {"harmonise", size, harmonise},
            {"harmonise_backward", size, harmonise_backward}};
}

}  // namespace spectral::op_case
