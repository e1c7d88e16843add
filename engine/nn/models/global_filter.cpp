// Networks of learned spectral filters in the registry.
#include "engine/nn/global_filter.hpp"

#include <fmt/format.h>

#include <memory>
#include <utility>
#include <vector>

#include "engine/core/error.hpp"
#include "engine/nn/dense.hpp"
#include "engine/nn/models/families.hpp"
#include "engine/nn/models/fields.hpp"
#include "engine/nn/network_model.hpp"

namespace spectral {

namespace {

struct Options {
    std::int64_t channels, blocks, support;
    bool mixing;
    FilterActivation activation;

    explicit Options(const Json& options)
        : channels(options.at("channels").get<std::int64_t>()),
          blocks(options.at("blocks").get<std::int64_t>()),
          support(options.at("support").get<std::int64_t>()),
          mixing(options.at("mixing") == "full"),
          activation(options.at("activation") == "relu" ? FilterActivation::relu
                                                        : FilterActivation::mod_relu) {}
};

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
    GlobalFilter::require_support(result.signal, options.support);
    return result;
}

/// Filters of every block. The first lifts the channels of the signal to those of the network.
std::vector<GlobalFilterShape> block_shapes(const SignalShape& shape, const Options& options) {
    std::vector<GlobalFilterShape> shapes{first_shape(shape, options)};
    while (std::ssize(shapes) < options.blocks)
        shapes.push_back({shapes.front().signal, options.channels, options.channels,
                          options.mixing ? 1 : options.channels});
    return shapes;
}

std::unique_ptr<Model> make_global_filter(const ModelRequest& request) {
    const Options options(request.options);
    std::vector<std::unique_ptr<Layer>> layers;
    std::uint64_t stream = 1;
    for (const GlobalFilterShape& shape : block_shapes(request.shape, options)) {
        layers.push_back(std::make_unique<GlobalFilter>(
            request.device, fmt::format("filter{}", stream), shape, options.activation, options.support,
            request.max_batch, request.seed, stream, request.use));
        ++stream;
    }
    layers.push_back(std::make_unique<Dense>(request.device, "output", layers.back()->outputs(),
                                             request.classes, request.max_batch, request.seed, stream,
                                             request.use));
    return std::make_unique<NetworkModel>(request, std::move(layers));
}

std::int64_t count_global_filter(const Json& values, const SignalShape& shape, std::int64_t classes) {
    const Options options(values);
    std::int64_t count = 0, width = 0;
    for (const GlobalFilterShape& block : block_shapes(shape, options)) {
        count += block.filter_values() +
                 (options.activation == FilterActivation::mod_relu ? block.out_channels : 0);
        width = block.out_channels * block.signal.size();
    }
    return count + (width + 1) * classes;
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
        {integer_field("channels", 8, 1, 1024, "filters of each block"),
         integer_field("blocks", 1, 1, 16, "blocks of transform, filters, inverse transform, activation"),
         choice_field("mixing", {"full", "depthwise"},
                      "from the second block on: every filter sums over all channels, or has its own"),
         choice_field("activation", {"relu", "modrelu"},
                      "relu in space, or modrelu on the spectrum, which leaves phases as they are"),
         integer_field("support", 5, 0, 4096,
                       "filters start as those of kernels of this extent; 0: white in frequency")},
        make_global_filter,
        count_global_filter};
}

}  // namespace spectral
