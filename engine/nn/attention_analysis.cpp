#include "engine/nn/attention_analysis.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>

#include "engine/core/error.hpp"
#include "engine/core/finite.hpp"
#include "engine/nn/syntony.hpp"

namespace spectral {

namespace {

std::size_t place(std::int64_t i) { return static_cast<std::size_t>(i); }

void collect(const std::string& name, Layer& layer, std::vector<AttentionLayer>& found) {
    if (auto* attention = dynamic_cast<MultiHeadAttention*>(&layer)) found.push_back({name, attention});
    for (Layer* child : layer.children()) collect(name, *child, found);
}

/// Places behind the tokens are padding of every attention layer while this lives.
class Padding {
public:
    Padding(Device device, std::span<const AttentionLayer> layers, std::int64_t places, std::int64_t kept)
        : layers_(layers), keep_(device, MemoryTag::workspace, place(places), "padding of a text") {
        std::vector<std::uint8_t> host(place(places), 0);
        std::fill_n(host.begin(), kept, std::uint8_t{1});
        device.backend.copy_to_device(keep_.data(), host.data(), host.size());
        for (const AttentionLayer& each : layers_) each.attention->set_padding(keep_.as<std::uint8_t>());
    }
    Padding(const Padding&) = delete;
    Padding& operator=(const Padding&) = delete;
    ~Padding() {
        for (const AttentionLayer& each : layers_) each.attention->set_padding(nullptr);
    }

private:
    std::span<const AttentionLayer> layers_;
    Buffer keep_;
};

/// softmax_j(scale·q_i·k_j) in double precision, over the first `count` places that query i attends to.
HostTensor weights_of(const MultiHeadAttention& layer, const HostTensor& packed, std::int64_t head,
                      std::int64_t count) {
    const AttentionOptions& options = layer.options();
    const std::int64_t width = layer.size().width, size = width / options.heads;
    const double scale = static_cast<double>(attention_scale(options.mode, size));
    const auto row = [&](std::int64_t i, std::int64_t part) {
        return packed.values.data() + i * 3 * width + part * width + head * size;
    };
    // Columns: the sums below then run along memory.
    std::vector<double> keys(place(size * count)), scores(place(count));
    for (std::int64_t j = 0; j < count; ++j)
        for (std::int64_t d = 0; d < size; ++d)
            keys[place(d * count + j)] = static_cast<double>(row(j, 1)[d]);
    HostTensor weights{{count, count}, std::vector<float>(place(count * count))};
    for (std::int64_t i = 0; i < count; ++i) {
        const std::int64_t seen = options.causal ? i + 1 : count;
        std::fill(scores.begin(), scores.end(), 0.0);
        for (std::int64_t d = 0; d < size; ++d) {
            const double query = scale * static_cast<double>(row(i, 0)[d]);
            const double* key = keys.data() + d * count;
            for (std::int64_t j = 0; j < seen; ++j) scores[place(j)] += query * key[j];
        }
        const auto end = scores.begin() + seen;
        const double largest = *std::max_element(scores.begin(), end);
        for (auto score = scores.begin(); score != end; ++score) *score = std::exp(*score - largest);
        const double sum = std::accumulate(scores.begin(), end, 0.0);
        std::transform(scores.begin(), end, weights.values.begin() + i * count,
                       [sum](double power) { return static_cast<float>(power / sum); });
    }
    return weights;
}

double scale_end(std::span<const AttentionHead> heads) {
    constexpr double kShare = 0.99;
    std::vector<float> weights;
    for (const AttentionHead& head : heads)
        std::ranges::copy_if(head.weights.values, std::back_inserter(weights),
                             [](float weight) { return weight > 0; });
    const auto at =
        weights.begin() + static_cast<std::ptrdiff_t>(kShare * static_cast<double>(weights.size() - 1));
    std::ranges::nth_element(weights, at);
    return static_cast<double>(*at);
}

double mean(std::span<const double> values) {
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

std::vector<AttentionLayer> attention_layers(Model& model) {
    std::vector<AttentionLayer> found;
    for (Layer* layer : model.layers()) collect(layer->name(), *layer, found);
    return found;
}

AttentionAnalysis analyse_attention(Device device, Model& model, std::int64_t classes,
                                    std::span<const std::int32_t> tokens, std::int64_t block) {
    const std::vector<AttentionLayer> layers = attention_layers(model);
    require(!layers.empty(), "attention maps", "the model has no attention",
            "train or open one that has, such as char-transformer");
    if (block < 0 || block >= std::ssize(layers))
        throw BadValue("block", fmt::format("{} is not one of the model's {}", block + 1, layers.size()),
                       fmt::format("choose 1 to {}", layers.size()));
    MultiHeadAttention& layer = *layers[place(block)].attention;
    const std::int64_t places = layer.size().places, count = std::ssize(tokens);
    if (count < 1 || count > places)
        throw Error("attention maps",
                    fmt::format("{} tokens are not 1 to {}, the model's context", count, places));
    if (count > kMostMapPlaces)
        throw Error(
            "attention maps",
            fmt::format("{} tokens make maps of more than {} × {} weights", count, kMostMapPlaces,
                        kMostMapPlaces),
            fmt::format("type a text of at most {} tokens, or train with a shorter context", kMostMapPlaces));

    // scale_end() copies what is above 0.
    const Reservation room = device.budget.reserve(
        MemoryTag::workspace, 2 * place(layer.options().heads * count * count) * sizeof(float),
        "attention maps");
    std::vector<float> window(place(places), 0.0F);
    std::ranges::transform(tokens, window.begin(),
                           [](std::int32_t token) { return static_cast<float>(token); });
    const Tensor row(device, MemoryTag::workspace, {places}, "text to look at");
    const Tensor scores(device, MemoryTag::workspace, {model.predictions(), classes}, "scores of the text");
    device.backend.copy_to_device(row.data(), window.data(), row.bytes());
    const Padding padding(device, layers, places, count);
    model.infer({.size = 1, .x = row.data(), .stride = places}, scores.data());
    const HostTensor packed = layer.packed_rows();
    const auto seen = std::span(packed.values).first(place(count * 3 * layer.size().width));
    require(all_finite(seen), "attention maps", "the model's queries and keys are not all finite numbers",
            "go back to the last good state, or take another model");

    AttentionAnalysis analysis;
    for (const AttentionLayer& each : layers) analysis.blocks.push_back(each.name);
    analysis.block = block;
    analysis.causal = layer.options().causal;
    analysis.places = count;
    analysis.context = places;
    analysis.head_size = layer.size().width / layer.options().heads;
    for (std::int64_t h = 0; h < layer.options().heads; ++h) {
        AttentionHead head;
        head.weights = weights_of(layer, packed, h, count);
        head.entropy = attention_entropy(head.weights.values, place(count));
        head.syntony = attention_syntony(head.weights.values, place(count));
        head.mean_entropy = mean(head.entropy);
        head.mean_syntony = mean(head.syntony);
        analysis.heads.push_back(std::move(head));
    }
    analysis.scale_end = scale_end(analysis.heads);
    return analysis;
}

}  // namespace spectral
