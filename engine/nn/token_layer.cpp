#include "engine/nn/token_layer.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "engine/core/error.hpp"
#include "engine/core/random.hpp"
#include "kernels/ops/scatter_rows.hpp"

namespace spectral {

TokenLayer::TokenLayer(Device device, std::string name, SequenceSize size, std::int64_t vocabulary,
                       std::int64_t max_batch, Use use)
    : Layer(std::move(name), use),
      device_(device),
      size_(size),
      vocabulary_(vocabulary),
      max_batch_(max_batch) {
    if (size.width < 1) throw BadValue("width", "is below 1");
    require(vocabulary > 0, "vocabulary", "is empty");
}

void TokenLayer::require_no_input_gradient(const float* dx) const {
    require_trained();
    require(dx == nullptr, name().c_str(), "there is no gradient by a token's number");
}

HostTensor TokenLayer::vectors(std::int64_t count) {
    const std::int64_t rows = (count + size_.places - 1) / size_.places;
    // What lies behind the last row of tokens stands for token 0, and is cut off.
    HostTensor tokens{{rows, size_.places},
                      std::vector<float>(static_cast<std::size_t>(rows * size_.places))};
    std::iota(tokens.values.begin(), tokens.values.begin() + count, 0.0F);
    Tensor x(device_, MemoryTag::workspace, tokens.shape, name() + " tokens to show"),
        y(device_, MemoryTag::workspace, {rows, outputs()}, name() + " vectors to show");
    x.assign(device_.backend, tokens);
    for (std::int64_t row = 0; row < rows; row += max_batch_)
        forward(std::min(max_batch_, rows - row), {x.data() + row * inputs(), inputs(), nullptr},
                y.data() + row * outputs(), false);
    HostTensor vectors = y.to_host(device_.backend);
    vectors.shape = {count, size_.width};
    vectors.values.resize(static_cast<std::size_t>(count * size_.width));
    return vectors;
}

std::vector<PatternSnapshot::Matrix> TokenLayer::patterns() {
    return {{"embedding", name() + " of tokens", "token", "dimension",
             vectors(std::min(vocabulary_, kShownTokens))}};
}

TokenTable::TokenTable(Device device, const std::string& layer, std::int64_t vocabulary, std::int64_t width,
                       std::int64_t padding, std::int64_t most_tokens, double deviation, std::uint64_t seed,
                       std::uint64_t stream, Use use)
    : device_(device),
      padding_(padding),
      table_(device, "table", {vocabulary, width}, layer, use),
      rows_(device, MemoryTag::activations, static_cast<std::size_t>(most_tokens) * sizeof(std::uint32_t),
            layer + " rows") {
    if (padding < -1 || padding >= vocabulary)
        throw BadValue("padding", "is not one of the vocabulary's tokens");
    if (use == Use::run) return;
    Random random(seed, stream);
    HostTensor start{table_.value.shape(), std::vector<float>(static_cast<std::size_t>(vocabulary * width))};
    for (float& value : start.values) value = static_cast<float>(deviation * random.normal());
    if (padding >= 0) std::fill_n(start.values.begin() + padding * width, width, 0.0F);
    table_.value.assign(device.backend, start);
}

void TokenTable::take(const TokenRows& tokens, float scale, float* y) {
    const Shape& shape = table_.value.shape();
    device_.backend.run(EmbedTokens{tokens, shape[0], shape[1], padding_, scale, table_.value.data(),
                                    rows_.as<std::uint32_t>(), y});
}

void TokenTable::give_back(std::int64_t count, const float* dy) {
    const Shape& shape = table_.value.shape();
    device_.backend.fill_zero(table_.gradient.data(), table_.gradient.bytes());
    device_.backend.run(
        ScatterAddRows{count, shape[1], shape[0], dy, rows_.as<std::uint32_t>(), table_.gradient.data()});
}

}  // namespace spectral
