// Models of text in the registry: blocks of attention, or of long convolutions, over embedded tokens.
#include <fmt/format.h>

#include <memory>
#include <utility>
#include <vector>

#include "engine/core/error.hpp"
#include "engine/nn/dense.hpp"
#include "engine/nn/dropout_layer.hpp"
#include "engine/nn/each_place.hpp"
#include "engine/nn/embedding.hpp"
#include "engine/nn/feed_forward.hpp"
#include "engine/nn/layer_norm_layer.hpp"
#include "engine/nn/long_convolution.hpp"
#include "engine/nn/models/families.hpp"
#include "engine/nn/models/fields.hpp"
#include "engine/nn/multi_head_attention.hpp"
#include "engine/nn/network_model.hpp"
#include "engine/nn/positional_encoding.hpp"
#include "engine/nn/rotary.hpp"
#include "engine/nn/transformer_block.hpp"

namespace spectral {

namespace {

/// Streams of the seed: the embedding's, then as many for each block.
constexpr std::uint64_t kEmbeddingStream = 1, kBlockStream = 16, kStreamsOfBlock = 8;

/// The options that both families have, checked against a sample's shape.
struct Plan {
    SequenceSize size;
    std::int64_t layers, hidden;
    FeedForwardKind bend;
    double dropout;
    float residual_scale;
    std::string embedding, position;
    std::int64_t windings;
    bool harmonise;

    Plan(const Json& options, const SignalShape& shape) {
        // A place of a window is one token: a matrix of values is something else.
        if (shape.rank != 1)
            throw BadValue("features", "are not the tokens of a text", "leave the option out, or say tokens");
        const auto number = [&](const char* name) { return options.at(name).get<std::int64_t>(); };
        size = {shape.extent[0], number("width")};
        layers = number("layers");
        hidden = number("feed_forward_factor") * size.width;
        bend = options.at("feed_forward") == "swiglu" ? FeedForwardKind::swiglu : FeedForwardKind::gelu;
        dropout = options.at("dropout").get<double>();
        residual_scale = options.at("residual") == "golden" ? static_cast<float>(kGoldenResidual) : 1.0F;
        embedding = options.at("embedding").get<std::string>();
        position = options.at("position").get<std::string>();
        windings = number("windings");
        harmonise = options.at("harmonise").get<bool>();
        if ((position == "golden" || position == "standard") && size.width % 2 != 0)
            throw BadValue("width",
                           fmt::format("{} values do not make pairs of a sine and a cosine", size.width),
                           "choose an even width, or --position none");
    }

    std::int64_t count_block_around(std::int64_t mix) const {
        const std::int64_t width = size.width, wide = bend == FeedForwardKind::swiglu ? 2 * hidden : hidden;
        return 4 * width + mix + wide * (width + 1) + width * (hidden + 1);
    }
    std::int64_t count_embedding(std::int64_t classes) const {
        const std::int64_t width = size.width;
        if (embedding == "winding") return (2 * windings + 3) * width;
        if (embedding == "lookup") return classes * width;
        return (classes + 2) * width + (harmonise ? 2 * width * (width + 1) + 2 : 0);
    }
    std::int64_t count(std::int64_t mix, std::int64_t classes) const {
        return count_embedding(classes) + layers * count_block_around(mix) + 2 * size.width +
               classes * (size.width + 1);
    }
};

AttentionOptions attention_of(const Json& options) {
    AttentionOptions attention{.heads = options.at("heads").get<std::int64_t>(), .causal = true};
    const auto mode = options.at("attention").get<std::string>();
    attention.mode = mode == "diffuse"    ? AttentionMode::diffuse
                     : mode == "focused"  ? AttentionMode::focused
                     : mode == "absorbed" ? AttentionMode::absorbed
                                          : AttentionMode::standard;
    if (options.at("position") == "rotary") attention.rotary_base = kRotaryBase;
    return attention;
}

std::int64_t filter_length_of(const Json& options, std::int64_t context) {
    const auto length = options.at("filter_length").get<std::int64_t>();
    if (length > context)
        throw BadValue("filter_length", fmt::format("{} is longer than the context, {}", length, context),
                       "choose at most the context; 0 takes all of it");
    return length == 0 ? context : length;
}

std::unique_ptr<Layer> make_embedding(const ModelRequest& request, const Plan& plan) {
    const std::string name = "embedding";
    if (plan.embedding == "winding")
        return std::make_unique<WindingEmbedding>(request.device, name, plan.size, request.classes,
                                                  plan.windings, request.max_batch, request.seed,
                                                  kEmbeddingStream, request.use);
    if (plan.embedding == "syntonic")
        return std::make_unique<SyntonicEmbedding>(request.device, name, plan.size, request.classes,
                                                   SyntonicOptions{-1, plan.harmonise}, request.max_batch,
                                                   request.seed, kEmbeddingStream, request.use);
    return std::make_unique<LookupEmbedding>(request.device, name, plan.size, request.classes,
                                             request.max_batch, request.seed, kEmbeddingStream, request.use);
}

/// `mix` makes what mixes the places of a block from its first stream of the seed.
template <class Mix>
std::unique_ptr<Model> make_sequence(const ModelRequest& request, const Plan& plan, const Mix& mix) {
    const SequenceSize size = plan.size;
    std::vector<std::unique_ptr<Layer>> layers;
    std::uint64_t dropouts = 0;
    layers.push_back(make_embedding(request, plan));
    if (plan.position == "golden" || plan.position == "standard")
        layers.push_back(std::make_unique<PositionalEncoding>(
            request.device, "position",
            plan.position == "golden" ? PositionKind::golden : PositionKind::standard, size,
            request.max_batch));
    if (plan.dropout > 0)
        layers.push_back(std::make_unique<DropoutLayer>(request.device, "dropout", plan.dropout,
                                                        size.values(), request.max_batch, request.seed,
                                                        dropouts++, request.use));
    for (std::int64_t i = 0; i < plan.layers; ++i) {
        const std::uint64_t stream = kBlockStream + static_cast<std::uint64_t>(i) * kStreamsOfBlock;
        layers.push_back(std::make_unique<TransformerBlock>(
            request.device, fmt::format("block{}", i + 1), size, mix(stream),
            std::make_unique<FeedForward>(request.device, "feed_forward", size, plan.bend, plan.hidden,
                                          request.max_batch, request.seed, stream + 4, request.use),
            BlockOptions{plan.residual_scale, plan.dropout, request.seed,
                         dropouts + 2 * static_cast<std::uint64_t>(i)},
            request.max_batch, request.use));
    }
    layers.push_back(std::make_unique<LayerNormLayer>(request.device, "norm", size, request.max_batch,
                                                      LayerNormLayer::Then::nothing, request.use));
    layers.push_back(std::make_unique<EachPlace>(
        request.device,
        std::make_unique<Dense>(request.device, "output", size.width, request.classes,
                                request.max_batch * size.places, request.seed,
                                kBlockStream + static_cast<std::uint64_t>(plan.layers) * kStreamsOfBlock,
                                request.use),
        size.places, request.max_batch, request.use));
    return std::make_unique<NetworkModel>(request, std::move(layers), size.places);
}

std::unique_ptr<Model> make_transformer(const ModelRequest& request) {
    const Plan plan(request.options, request.shape);
    const AttentionOptions attention = attention_of(request.options);
    return make_sequence(request, plan, [&](std::uint64_t stream) {
        return std::make_unique<MultiHeadAttention>(request.device, "attention", plan.size, attention,
                                                    request.max_batch, request.seed, stream, request.use);
    });
}

std::int64_t count_transformer(const Json& options, const SignalShape& shape, std::int64_t classes) {
    const Plan plan(options, shape);
    head_size(plan.size.width, attention_of(options));
    const std::int64_t width = plan.size.width;
    return plan.count(4 * width * (width + 1), classes);
}

std::unique_ptr<Model> make_spectral(const ModelRequest& request) {
    const Plan plan(request.options, request.shape);
    const std::int64_t length = filter_length_of(request.options, plan.size.places);
    return make_sequence(request, plan, [&](std::uint64_t stream) {
        return std::make_unique<SpectralMixer>(request.device, "mixer", plan.size, length, request.max_batch,
                                               request.seed, stream, request.use);
    });
}

std::int64_t count_spectral(const Json& options, const SignalShape& shape, std::int64_t classes) {
    const Plan plan(options, shape);
    const std::int64_t width = plan.size.width, length = filter_length_of(options, plan.size.places);
    return plan.count(width * length + 2 * width + width * (width + 1), classes);
}

Schema sequence_schema(std::vector<std::string> positions, Schema own) {
    Schema schema{
        integer_field("width", 128, 2, 4096, "values of a place between the layers"),
        integer_field("layers", 5, 1, 64, "blocks, or gains of purefft, one after another"),
        choice_field(
            "embedding", {"lookup", "syntonic", "winding"},
            "what a token becomes: a row of a table, one that is made harmonious, or windings around "
            "a torus, which need no table"),
        only_with({"embedding", {"winding"}},
                  integer_field("windings", 8, 1, kMostWindings,
                                "turns of a token that the winding embedding looks at")),
        only_with(
            {"embedding", {"syntonic"}},
            flag_field("harmonise", false, "the syntonic embedding takes from its vectors and adds to them")),
        choice_field("position", std::move(positions), "how a place is told from the others"),
        choice_field("feed_forward", {"gelu", "swiglu"}, "what bends between the two products of a block"),
        labelled("widening", integer_field("feed_forward_factor", 4, 1, 16, "width between them, in widths")),
        real_field("dropout", 0, 0, 0.9, "share of values left out in training"),
        choice_field("residual", {"one", "golden"}, "what a block adds counts as it is, or times 1/φ")};
    schema.insert(schema.end(), std::make_move_iterator(own.begin()), std::make_move_iterator(own.end()));
    return schema;
}

}  // namespace

ModelInfo char_transformer_info() {
    return {"char-transformer",
            "Character transformer",
            "pre-norm blocks of causal attention tell the next character at every place of a window",
            "Sees as many characters as the data set's context has, and nothing before them.",
            "tokens",
            sequence_schema({"golden", "standard", "rotary", "none"},
                            {integer_field("heads", 4, 1, 256, "attention heads; they divide the width"),
                             choice_field("attention", {"standard", "diffuse", "focused", "absorbed"},
                                          "scores as they are, or times φ, 1/φ or 1/φ²")}),
            make_transformer,
            count_transformer,
            {"tokens"}};
}

ModelInfo char_spectral_info() {
    return {
        "char-spectral",
        "Character spectral network",
        "blocks of long causal convolutions through spectra tell the next character at every place",
        "Mixes places by filters that are the same for every text, where attention looks at what is there.",
        "tokens",
        sequence_schema({"none", "golden", "standard"},
                        {integer_field("filter_length", 0, 0, 65536,
                                       "places that a filter looks back, itself included; 0: the whole "
                                       "context")}),
        make_spectral,
        count_spectral,
        {"tokens"}};
}

}  // namespace spectral
