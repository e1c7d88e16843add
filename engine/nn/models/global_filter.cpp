// Networks of learned spectral filters in the registry.
#include "engine/nn/global_filter.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "engine/core/error.hpp"
#include "engine/nn/dense.hpp"
#include "engine/nn/dropout_layer.hpp"
#include "engine/nn/models/families.hpp"
#include "engine/nn/models/fields.hpp"
#include "engine/nn/network_model.hpp"
#include "engine/nn/pool_layer.hpp"
#include "engine/nn/reorder_layer.hpp"

namespace spectral {

namespace {

struct Options {
    std::int64_t channels, blocks, support;
    bool mixing;
    FilterActivation activation;
    std::optional<PoolKind> pooling;
    double dropout;

    explicit Options(const Json& options)
        : channels(options.at("channels").get<std::int64_t>()),
          blocks(options.at("blocks").get<std::int64_t>()),
          support(options.at("support").get<std::int64_t>()),
          mixing(options.at("mixing") == "full"),
          activation(options.at("activation") == "relu" ? FilterActivation::relu
                                                        : FilterActivation::mod_relu),
          dropout(options.at("dropout").get<double>()) {
        const std::string& kind = options.at("pooling").get_ref<const std::string&>();
        if (kind != "none") pooling = kind == "max" ? PoolKind::max : PoolKind::average;
    }
};

/// Along every axis of the signal that has two values and more.
SpaceExtents pool_window(const SignalShape& signal) {
    SpaceExtents window{1, 1, 1};
    for (std::size_t axis = 0; axis < static_cast<std::size_t>(signal.rank); ++axis)
        window[axis] = std::min<std::int64_t>(2, signal.extent[axis]);
    return window;
}

FeatureMaps filtered_maps(const GlobalFilterShape& shape) {
    FeatureMaps maps{shape.out_channels, shape.signal.rank, {1, 1, 1}};
    std::copy_n(shape.signal.extent.begin(), maps.rank, maps.space.begin());
    return maps;
}

/// What a block gives, after pooling.
FeatureMaps block_maps(const GlobalFilterShape& shape, const Options& options) {
    const SpaceExtents window = pool_window(shape.signal);
    const FeatureMaps maps = filtered_maps(shape);
    return options.pooling ? pooled(maps, window, window) : maps;
}

/// The first block and those that follow it.
std::vector<GlobalFilterShape> with_following(const GlobalFilterShape& first, const Options& options) {
    GlobalFilter::require_support(first.signal, options.support);
    std::vector<GlobalFilterShape> shapes{first};
    while (std::ssize(shapes) < options.blocks) {
        const FeatureMaps maps = block_maps(shapes.back(), options);
        SignalShape signal = first.signal;
        std::copy_n(maps.space.begin(), maps.rank, signal.extent.begin());
        GlobalFilter::require_support(signal, options.support);
        shapes.push_back({signal, options.channels, options.channels, options.mixing ? 1 : options.channels});
    }
    return shapes;
}

/// Signals of rank 3 are images of several channels.
GlobalFilterShape first_shape(const SignalShape& shape, const Options& options) {
    GlobalFilterShape result{shape, 1, options.channels, 1};
    if (shape.rank > 3)
        throw BadValue("features", "signals of more than three axes are neither images nor sounds",
                       "choose other features or another model");
    if (shape.rank == 3) {
        result.signal = {2, {shape.extent[1], shape.extent[2]}};
        result.in_channels = shape.extent[0];
    }
    return result;
}

/// Filters of every block. The first lifts the channels of the signal to those of the network.
std::vector<GlobalFilterShape> block_shapes(const SignalShape& shape, const Options& options) {
    return with_following(first_shape(shape, options), options);
}

/// The blocks, each with its pooling, dropout where it is asked for, and a linear map to the classes.
void append_classifier(const ModelRequest& request, const Options& options,
                       const std::vector<GlobalFilterShape>& shapes,
                       std::vector<std::unique_ptr<Layer>>& layers) {
    std::uint64_t stream = 1;
    for (const GlobalFilterShape& shape : shapes) {
        layers.push_back(std::make_unique<GlobalFilter>(
            request.device, fmt::format("filter{}", stream), shape, options.activation, options.support,
            request.max_batch, request.seed, stream, request.use));
        if (options.pooling) {
            const SpaceExtents window = pool_window(shape.signal);
            layers.push_back(std::make_unique<PoolLayer>(request.device, fmt::format("pool{}", stream),
                                                         *options.pooling, filtered_maps(shape), window,
                                                         window, request.max_batch, request.use));
        }
        ++stream;
    }
    const std::int64_t width = layers.back()->outputs();
    if (options.dropout > 0)
        layers.push_back(std::make_unique<DropoutLayer>(request.device, "dropout", options.dropout, width,
                                                        request.max_batch, request.seed, 0, request.use));
    layers.push_back(std::make_unique<Dense>(request.device, "output", width, request.classes,
                                             request.max_batch, request.seed, stream, request.use));
}

std::int64_t count_classifier(const Options& options, const std::vector<GlobalFilterShape>& shapes,
                              std::int64_t classes) {
    std::int64_t count = 0;
    for (const GlobalFilterShape& shape : shapes)
        count += shape.filter_values() +
                 (options.activation == FilterActivation::mod_relu ? shape.out_channels : 0);
    return count + (block_maps(shapes.back(), options).size() + 1) * classes;
}

std::unique_ptr<Model> make_global_filter(const ModelRequest& request) {
    const Options options(request.options);
    std::vector<std::unique_ptr<Layer>> layers;
    append_classifier(request, options, block_shapes(request.shape, options), layers);
    return std::make_unique<NetworkModel>(request, std::move(layers));
}

std::int64_t count_global_filter(const Json& values, const SignalShape& shape, std::int64_t classes) {
    const Options options(values);
    return count_classifier(options, block_shapes(shape, options), classes);
}

/// Filters over time: of a spectrogram, whose frequencies are the channels, or of a waveform, which is one.
std::vector<GlobalFilterShape> audio_shapes(const SignalShape& shape, const Options& options) {
    if (shape.rank == 1) return with_following({shape, 1, options.channels, 1}, options);
    if (shape.rank != 2)
        throw BadValue("features", "filters over time take frames × frequencies, or a waveform",
                       "choose raw features of a data set of sounds");
    return with_following({{1, {shape.extent[0]}}, shape.extent[1], options.channels, 1}, options);
}

std::unique_ptr<Model> make_audio_spectral(const ModelRequest& request) {
    const Options options(request.options);
    const std::vector<GlobalFilterShape> shapes = audio_shapes(request.shape, options);
    std::vector<std::unique_ptr<Layer>> layers;
    if (request.shape.rank == 2) {
        const std::int64_t frames = request.shape.extent[0], frequencies = request.shape.extent[1];
        std::vector<std::uint32_t> by_frequency;
        for (std::int64_t f = 0; f < frequencies; ++f)
            for (std::int64_t t = 0; t < frames; ++t)
                by_frequency.push_back(static_cast<std::uint32_t>(t * frequencies + f));
        layers.push_back(
            std::make_unique<ReorderLayer>(request.device, "frequencies", by_frequency, request.max_batch));
    }
    append_classifier(request, options, shapes, layers);
    return std::make_unique<NetworkModel>(request, std::move(layers));
}

std::int64_t count_audio_spectral(const Json& values, const SignalShape& shape, std::int64_t classes) {
    const Options options(values);
    return count_classifier(options, audio_shapes(shape, options), classes);
}

/// `channels`, `blocks`, `dropout`: the defaults.
Schema filter_schema(std::int64_t channels, std::int64_t blocks, double dropout) {
    return {
        integer_field("channels", channels, 1, 1024, "filters of each block"),
        integer_field("blocks", blocks, 1, 16, "blocks of transform, filters, inverse transform, activation"),
        only_with(
            {"blocks", {}, 2},
            choice_field("mixing", {"full", "depthwise"},
                         "from the second block on: every filter sums over all channels, or has its own")),
        choice_field("activation", {"relu", "modrelu"},
                     "relu in space, or modrelu on the spectrum, which leaves phases as they are"),
        integer_field("support", 5, 0, 4096,
                      "filters start as those of kernels of this extent; 0: white in frequency"),
        choice_field("pooling", {"none", "average", "max"},
                     "after each block: the mean or the largest of every 2 × 2 values, or of two in a row"),
        real_field("dropout", dropout, 0, 0.95, "share of values dropped before the classes are read")};
}

}  // namespace

ModelInfo global_filter_info() {
    return {
        "global-filter",
        "Global filters",
        "learned filters in the frequency domain, as large as the signal",
        "Each filter is a circular convolution with a kernel as large as the image: what leaves on one side "
        "comes in on the other. Without the activation between them all blocks would be one linear map.",
        "raw",
        filter_schema(8, 1, 0),
        make_global_filter,
        count_global_filter};
}

ModelInfo audio_spectral_info() {
    return {
        "audio-spectral",
        "Audio filters",
        "learned filters over the whole time of a log-spectrogram, its frequencies as channels, or of a "
        "waveform",
        "Filters are circular in time: the end of a recording meets its beginning, which is silence where "
        "recordings are padded. Frequencies are read from where they stand: another voice is another place. "
        "Waveforms need blocks and pooling between them, and are learned worse than spectrograms.",
        "raw",
        filter_schema(32, 1, 0.5),
        make_audio_spectral,
        count_audio_spectral};
}

}  // namespace spectral
