// PureFFT in the registry, on magnitudes and on complex spectra.
#include "engine/nn/purefft.hpp"

#include <fmt/format.h>

#include <memory>
#include <utility>
#include <vector>

#include "engine/core/error.hpp"
#include "engine/nn/complex_hidden.hpp"
#include "engine/nn/complex_purefft.hpp"
#include "engine/nn/models/families.hpp"
#include "engine/nn/models/fields.hpp"
#include "engine/nn/network_model.hpp"
#include "engine/nn/sample_gain_purefft.hpp"

namespace spectral {

namespace {

std::unique_ptr<Model> make_purefft(const ModelRequest& request) {
    return std::make_unique<PureFftModel>(request);
}

std::int64_t count_purefft(const Json& options, const SignalShape& shape, std::int64_t classes) {
    return (options.at("patterns").get<std::int64_t>() + options.at("layers").get<std::int64_t>() + classes) *
           shape.size();
}

std::int64_t complex_bins(const SignalShape& shape) {
    if (shape.size() % 2 != 0)
        throw BadValue(
            "features",
            fmt::format("are no complex spectra: {} values are not pairs of real and imaginary parts",
                        shape.size()),
            "choose rfft_complex, or rfft2_complex for images");
    return shape.size() / 2;
}

std::unique_ptr<Model> make_purefft_complex(const ModelRequest& request) {
    std::vector<std::unique_ptr<Layer>> layers;
    const auto hidden = request.options.at("hidden").get<std::int64_t>();
    std::int64_t bins = complex_bins(request.shape);
    if (hidden > 0) {
        layers.push_back(std::make_unique<ComplexHidden>(request.device, "hidden", bins, hidden,
                                                         request.max_batch, request.seed, 1, request.use));
        bins = hidden;
    }
    layers.push_back(std::make_unique<ComplexPureFftLayer>(
        request.device, "purefft", request.options.at("patterns").get<std::int64_t>(),
        request.options.at("layers").get<std::int64_t>(), bins, request.classes, request.max_batch,
        request.use));
    return std::make_unique<NetworkModel>(request, std::move(layers));
}

std::int64_t count_purefft_complex(const Json& options, const SignalShape& shape, std::int64_t classes) {
    const auto hidden = options.at("hidden").get<std::int64_t>();
    const std::int64_t bins = complex_bins(shape);
    if (hidden == 0) return count_purefft(options, shape, classes);
    return hidden * (2 * bins + 2 + 1) + count_purefft(options, {1, {2 * hidden, 1, 1}}, classes);
}

std::unique_ptr<Model> make_purefft_per_sample(const ModelRequest& request) {
    std::vector<std::unique_ptr<Layer>> layers;
    layers.push_back(std::make_unique<SampleGainPureFftLayer>(
        request.device, "purefft", request.options.at("patterns").get<std::int64_t>(),
        request.options.at("layers").get<std::int64_t>(), request.inputs(), request.classes,
        request.max_batch, request.use));
    return std::make_unique<NetworkModel>(request, std::move(layers));
}

Schema pattern_schema() {
    return {integer_field("patterns", 8, 1, 256, "rows of the pattern pool that the layers mix"),
            integer_field("layers", 2, 1, 16, "gains applied one after another")};
}

}  // namespace

ModelInfo purefft_info() {
    Schema schema = pattern_schema();
    schema.push_back(choice_field(
        "precision", {"float32", "tf32", "bf16"},
        "what class scores are multiplied from: tf32 and bf16 use a GPU's tensor cores and change the "
        "last digits; without such a GPU it is float32 in any case"));
    return {"purefft",
            "PureFFT",
            "learned gains on spectral magnitudes, then class patterns",
            "PureFFT is a linear classifier on spectral magnitudes: its layers multiply into one gain per "
            "frequency. Depth and pool size add nothing, and it never sees the phase. Whatever it computes, "
            "logistic regression on the same features computes too.",
            "rfft_magnitude",
            std::move(schema),
            make_purefft,
            count_purefft};
}

ModelInfo purefft_complex_info() {
    Schema schema = pattern_schema();
    schema.push_back(integer_field(
        "hidden", 0, 0, 65536, "complex units with modReLU between the spectrum and the patterns; 0: none"));
    return {
        "purefft-complex",
        "PureFFT, complex",
        "PureFFT on complex spectra: patterns and gains with a phase",
        "Unlike PureFFT it sees the phase, and still it is a linear classifier: its layers multiply into one "
        "complex gain per frequency, and the transform is linear too. Whatever it computes, logistic "
        "regression on the signal itself computes too. Signals that start anywhere, as tones, need "
        "magnitudes, or hidden units, which make it a network that is not linear.",
        "rfft_complex",
        std::move(schema),
        make_purefft_complex,
        count_purefft_complex,
        {"rfft_complex", "rfft2_complex"}};
}

ModelInfo purefft_per_sample_info() {
    return {
        "purefft-per-sample",
        "PureFFT, gains per sample",
        "PureFFT whose gains follow each sample's own spectrum",
        "Unlike PureFFT it is no linear classifier: how a sample mixes the pool depends on where its energy "
        "lies, so that each finds its own gain. A spectrum that is flat finds the source's. It sees "
        "magnitudes, and never the phase.",
        "rfft_magnitude",
        pattern_schema(),
        make_purefft_per_sample,
        count_purefft};
}

}  // namespace spectral
