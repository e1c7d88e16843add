// The Fourier mixer in the registry: FNet's blocks on the patches of images and sounds.
#include <fmt/format.h>

#include <memory>
#include <utility>
#include <vector>

#include "engine/core/error.hpp"
#include "engine/nn/dense.hpp"
#include "engine/nn/each_place.hpp"
#include "engine/nn/feed_forward.hpp"
#include "engine/nn/fourier_mixing.hpp"
#include "engine/nn/models/families.hpp"
#include "engine/nn/models/fields.hpp"
#include "engine/nn/network_model.hpp"
#include "engine/nn/reorder_layer.hpp"
#include "engine/nn/transformer_block.hpp"

namespace spectral {

namespace {

/// Signals as images of channels × height × width, cut into patches of patch × patch (1 × patch where they
/// have one axis), which are the places of a sequence.
struct Patches {
    std::int64_t channels = 1, height = 1, width = 1, rows = 1, columns = 1;  ///< of a patch

    Patches(const SignalShape& shape, std::int64_t patch) {
        if (shape.rank > 3)
            throw BadValue("features", "signals of more than three axes are neither images nor sounds",
                           "choose other features or another model");
        if (shape.rank == 3) channels = shape.extent[0];
        if (shape.rank >= 2) height = shape.extent[static_cast<std::size_t>(shape.rank - 2)];
        width = shape.extent[static_cast<std::size_t>(shape.rank - 1)];
        columns = patch;
        rows = shape.rank >= 2 ? patch : 1;
        if (height % rows != 0 || width % columns != 0)
            throw BadValue("patch",
                           fmt::format("patches of {} do not divide signals of {}", patch,
                                       extents_text(shape.rank, shape.extent)),
                           "choose a divisor of every axis");
    }

    std::int64_t count() const { return height / rows * (width / columns); }
    std::int64_t values() const { return channels * rows * columns; }

    /// Where each value stands in the signal, patch after patch.
    std::vector<std::uint32_t> order() const {
        std::vector<std::uint32_t> places;
        for (std::int64_t top = 0; top < height; top += rows)
            for (std::int64_t left = 0; left < width; left += columns)
                for (std::int64_t c = 0; c < channels; ++c)
                    for (std::int64_t r = 0; r < rows; ++r)
                        for (std::int64_t i = 0; i < columns; ++i)
                            places.push_back(
                                static_cast<std::uint32_t>((c * height + top + r) * width + left + i));
        return places;
    }
};

struct Options {
    std::int64_t patch, width, blocks, hidden;

    explicit Options(const Json& options)
        : patch(options.at("patch").get<std::int64_t>()),
          width(options.at("width").get<std::int64_t>()),
          blocks(options.at("blocks").get<std::int64_t>()),
          hidden(options.at("hidden").get<std::int64_t>()) {}
};

std::unique_ptr<Model> make_fourier_mixer(const ModelRequest& request) {
    const Options options(request.options);
    const Patches patches(request.shape, options.patch);
    const SequenceSize size{patches.count(), options.width};
    const Device device = request.device;
    const std::int64_t batch = request.max_batch;
    std::uint64_t stream = 1;
    std::vector<std::unique_ptr<Layer>> layers;
    layers.push_back(std::make_unique<ReorderLayer>(device, "patches", patches.order(), batch));
    layers.push_back(std::make_unique<EachPlace>(
        device,
        std::make_unique<Dense>(device, "embedding", patches.values(), size.width, batch * size.places,
                                request.seed, stream++, request.use),
        size.places, batch, request.use));
    for (std::int64_t i = 1; i <= options.blocks; ++i) {
        auto mix = std::make_unique<FourierMixing>(device, "mix", size, batch, request.use);
        auto work = std::make_unique<FeedForward>(device, "work", size, FeedForwardKind::gelu, options.hidden,
                                                  batch, request.seed, stream, request.use);
        stream += 2;
        layers.push_back(std::make_unique<TransformerBlock>(device, fmt::format("block{}", i), size,
                                                            std::move(mix), std::move(work), BlockOptions{},
                                                            batch, request.use));
    }
    layers.push_back(std::make_unique<Dense>(device, "output", size.values(), request.classes, batch,
                                             request.seed, stream, request.use));
    return std::make_unique<NetworkModel>(request, std::move(layers));
}

std::int64_t count_fourier_mixer(const Json& values, const SignalShape& shape, std::int64_t classes) {
    const Options options(values);
    const Patches patches(shape, options.patch);
    const std::int64_t width = options.width, hidden = options.hidden;
    const std::int64_t norms = 4 * width, work = (width + 1) * hidden + (hidden + 1) * width;
    return (patches.values() + 1) * width + options.blocks * (norms + work) +
           (patches.count() * width + 1) * classes;
}

}  // namespace

ModelInfo fourier_mixer_info() {
    return {
        "fourier-mixer",
        "Fourier mixer",
        "places mixed by Fourier transforms instead of attention (FNet)",
        "Only the dense layers learn; what mixes the patches is fixed. Differs from FNet: norms stand before "
        "the parts instead of behind them, the transform is orthonormal, and the classes are read from all "
        "places instead of the first.",
        "raw",
        {integer_field("patch", 4, 1, 4096, "side of the patches of an image, samples of those of a signal"),
         integer_field("width", 64, 1, 4096, "values of a place"),
         integer_field("blocks", 2, 1, 32, "blocks of mixing and dense layers"),
         integer_field("hidden", 128, 1, 16384, "values between the two dense layers of a block")},
        make_fourier_mixer,
        count_fourier_mixer};
}

}  // namespace spectral
