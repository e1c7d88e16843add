// Convolutional networks in the registry: the ordinary one, and the one with norms of variance 1/φ.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "engine/core/error.hpp"
#include "engine/nn/batch_norm_layer.hpp"
#include "engine/nn/convolution_layer.hpp"
#include "engine/nn/dense.hpp"
#include "engine/nn/layer_norm_layer.hpp"
#include "engine/nn/models/families.hpp"
#include "engine/nn/models/fields.hpp"
#include "engine/nn/network_model.hpp"
#include "engine/nn/pool_layer.hpp"
#include "engine/nn/spectral_pool_layer.hpp"

namespace spectral {

namespace {

/// More planes than colours have are the slices of a volume.
constexpr std::int64_t kMostColours = 4;

FeatureMaps maps_of(const SignalShape& shape) {
    if (shape.rank > kMaxConvolutionRank)
        throw BadValue("features", fmt::format("give samples of {}", extents_text(shape.rank, shape.extent)),
                       "choose features of one to three axes");
    FeatureMaps maps;
    const bool colour = shape.rank == kMaxConvolutionRank && shape.extent[0] <= kMostColours;
    if (colour) maps.channels = shape.extent[0];
    maps.rank = colour ? shape.rank - 1 : shape.rank;
    std::copy_n(shape.extent.begin() + (colour ? 1 : 0), maps.rank, maps.space.begin());
    return maps;
}

/// What tells the two apart. syntonic: golden norms in the blocks, and a syntonic norm of what the class
/// scores are made from.
enum class Norms { optional, syntonic };

struct Block {
    FeatureMaps input, convolved, output;
    ConvolutionChoice choice;
    SpaceExtents window{1, 1, 1};
};

/// The network that options and samples make, without its layers.
struct Plan {
    std::vector<Block> blocks;
    Norms norms;
    bool norm;  ///< in the blocks
    std::int64_t head_inputs, dense, classes;

    Plan(const Json& options, const SignalShape& shape, std::int64_t class_count, Norms which)
        : norms(which),
          norm(which == Norms::syntonic || options.at("batch_norm").get<bool>()),
          dense(options.at("dense").get<std::int64_t>()),
          classes(class_count) {
        const auto number = [&](const char* name) { return options.at(name).get<std::int64_t>(); };
        FeatureMaps maps = maps_of(shape);
        std::int64_t channels = number("channels");
        for (std::int64_t i = 0; i < number("blocks"); ++i, channels *= 2)
            maps =
                add(i + 1, maps, channels, number("kernel"), number("pool"), options.at("padding") == "same");
        head_inputs = options.at("global_pool") == true ? maps.channels : maps.size();
    }

    std::int64_t parameters() const {
        std::int64_t count = 0;
        for (const Block& block : blocks) {
            const std::int64_t outputs = block.choice.channels;
            std::int64_t values = block.input.channels;
            for (int axis = 0; axis < block.input.rank; ++axis)
                values *= block.choice.kernel[static_cast<std::size_t>(axis)];
            count += outputs * (values + (norm ? 2 : 1));
        }
        const std::int64_t width = dense > 0 ? dense : head_inputs;
        if (norms == Norms::syntonic) count += 2 * width;
        return count + (dense > 0 ? (head_inputs + 1) * dense : 0) + (width + 1) * classes;
    }

private:
    static BadValue too_large(std::int64_t number, const FeatureMaps& input, std::int64_t kernel) {
        const std::string maps = extents_text(input.rank, input.space);
        if (number == 1)
            return {"kernel", fmt::format("{} is larger than the samples, {}", kernel, maps),
                    "choose a smaller --kernel"};
        return {"blocks",
                fmt::format("after block {} the maps are {}, smaller than kernels of {}", number - 1, maps,
                            kernel),
                fmt::format("take at most {} --blocks, or a smaller --kernel or --pool", number - 1)};
    }

    FeatureMaps add(std::int64_t number, const FeatureMaps& input, std::int64_t channels, std::int64_t kernel,
                    std::int64_t pool, bool same) {
        Block block{input, input, input, {channels}};
        block.choice.padding = same ? Padding::same : Padding::valid;
        block.choice.bias = !norm;
        block.convolved.channels = channels;
        for (std::size_t axis = 0; axis < static_cast<std::size_t>(input.rank); ++axis) {
            const std::int64_t extent = input.space[axis];
            if (kernel > extent) throw too_large(number, input, kernel);
            block.choice.kernel[axis] = kernel;
            if (!same) block.convolved.space[axis] = extent - kernel + 1;
        }
        block.output = block.convolved;
        for (int axis = 0; axis < input.rank; ++axis) {
            const auto a = static_cast<std::size_t>(axis);
            block.window[a] = std::min(pool, block.convolved.space[a]);
            block.output.space[a] /= block.window[a];
        }
        blocks.push_back(block);
        return block.output;
    }
};

/// Layers of a network as they are added, each with the names and sizes that follow from the one before.
class Stack {
public:
    explicit Stack(const ModelRequest& request) : request_(request) {}

    /// `gain`: of the norm; nothing for a block without one.
    void add_block(std::size_t number, const Block& block, std::optional<float> gain,
                   ActivationKind activation, const std::string& pooling) {
        const auto named = [&](const char* what) { return fmt::format("{}{}", what, number); };
        const FeatureMaps& maps = block.convolved;
        add<ConvolutionLayer>(named("convolution"), block.input, block.choice, request_.max_batch,
                              request_.seed, number, request_.use);
        if (gain)
            add<BatchNormLayer>(named("norm"), maps.channels, maps.space_size(), request_.max_batch,
                                request_.use, *gain);
        add<ActivationLayer>(named("activation"), activation, maps.size());
        if (block.output == maps) return;
        if (pooling == "spectral") {
            add<SpectralPoolLayer>(named("pool"), maps, block.output.space, request_.max_batch, request_.use);
            return;
        }
        add<PoolLayer>(named("pool"), pooling == "max" ? PoolKind::max : PoolKind::average, maps,
                       block.window, block.window, request_.max_batch, request_.use);
    }

    template <class L, class... Arguments>
    void add(const std::string& name, Arguments&&... arguments) {
        layers_.push_back(std::make_unique<L>(request_.device, name, std::forward<Arguments>(arguments)...));
    }
    void add_dense(const char* name, std::int64_t inputs, std::int64_t outputs, std::uint64_t stream) {
        add<Dense>(name, inputs, outputs, request_.max_batch, request_.seed, stream, request_.use);
    }
    std::unique_ptr<Model> finish() { return std::make_unique<NetworkModel>(request_, std::move(layers_)); }

private:
    const ModelRequest& request_;
    std::vector<std::unique_ptr<Layer>> layers_;
};

template <Norms norms>
std::unique_ptr<Model> make_cnn(const ModelRequest& request) {
    const Json& options = request.options;
    const Plan plan(options, request.shape, request.classes, norms);
    std::optional<float> gain;
    if (plan.norm) gain = norms == Norms::syntonic ? kSyntonicGain : 1.0F;
    const ActivationKind activation =
        options.at("activation") == "relu" ? ActivationKind::relu : ActivationKind::gelu;
    Stack stack(request);
    for (std::size_t i = 0; i < plan.blocks.size(); ++i)
        stack.add_block(i + 1, plan.blocks[i], gain, activation, options.at("pooling"));
    const FeatureMaps& maps = plan.blocks.back().output;
    if (plan.head_inputs != maps.size())
        stack.add<PoolLayer>("global_pool", PoolKind::average, maps, maps.space, maps.space,
                             request.max_batch, request.use);
    std::int64_t width = plan.head_inputs;
    std::uint64_t stream = plan.blocks.size();
    if (plan.dense > 0) {
        stack.add_dense("dense", width, plan.dense, ++stream);
        stack.add<ActivationLayer>("activation", activation, plan.dense);
        width = plan.dense;
    }
    if (norms == Norms::syntonic)
        stack.add<LayerNormLayer>("head_norm", SequenceSize{1, width}, request.max_batch,
                                  LayerNormLayer::Then::nothing, request.use, kSyntonicGain);
    stack.add_dense("output", width, request.classes, ++stream);
    return stack.finish();
}

template <Norms norms>
std::int64_t count_cnn(const Json& options, const SignalShape& shape, std::int64_t classes) {
    return Plan(options, shape, classes, norms).parameters();
}

Schema block_fields() {
    return {
        integer_field("channels", 16, 1, 1024,
                      "maps that the first block makes; each further one twice as many"),
        integer_field("blocks", 2, 1, 8, "times convolution, activation and pooling"),
        integer_field("kernel", 3, 1, 63, "extent of the kernels along every axis"),
        choice_field("padding", {"same", "valid"},
                     "same: zeros around the maps, which keep their extent; valid: the kernel stays inside"),
        only_with({"pool", {}, 2},
                  choice_field(
                      "pooling", {"max", "average", "spectral"},
                      "how a block makes its maps smaller: the largest or the mean value of windows, or the "
                      "lowest frequencies")),
        integer_field("pool", 2, 1, 16, "how many times smaller, along every axis; 1: not at all"),
        choice_field("activation", {"relu", "gelu"}, "non-linearity of the blocks and the dense layer"),
        integer_field("dense", 128, 0, 65536, "width of a dense layer before the class scores; 0: none"),
        flag_field("global_pool", false, "only the mean of every map goes to the class scores")};
}

}  // namespace

ModelInfo cnn_info() {
    Schema schema = block_fields();
    schema.push_back(flag_field("batch_norm", true, "normalise every map over the batch"));
    return {"cnn",
            "Convolutional network",
            "blocks of convolution, activation and pooling, then dense layers",
            "What people compare against: small kernels that are the same everywhere. Signals of one axis, "
            "pictures and volumes alike; up to four planes in front of two axes are colours.",
            "raw",
            std::move(schema),
            make_cnn<Norms::optional>,
            count_cnn<Norms::optional>};
}

ModelInfo syntonic_cnn_info() {
    return {
        "syntonic-cnn",
        "Syntonic convolutional network",
        "a convolutional network with norms whose variance is 1/φ",
        "It is cnn with golden norms for batch norms, and a syntonic norm before the class scores. Scales "
        "after a norm are learned, so both can compute the same: only where they start, and how far a step "
        "takes them, differs.",
        "raw",
        block_fields(),
        make_cnn<Norms::syntonic>,
        count_cnn<Norms::syntonic>};
}

}  // namespace spectral
