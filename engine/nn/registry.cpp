#include "engine/nn/registry.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>
#include <utility>

#include "engine/nn/dense.hpp"
#include "engine/nn/network_model.hpp"
#include "engine/nn/purefft.hpp"

namespace spectral {

namespace {

std::unique_ptr<Model> make_purefft(const ModelRequest& request) {
    return std::make_unique<PureFftModel>(request);
}

std::int64_t count_purefft(const Json& options, std::int64_t inputs, std::int64_t classes) {
    return (options.at("patterns").get<std::int64_t>() + options.at("layers").get<std::int64_t>() + classes) *
           inputs;
}

std::unique_ptr<Model> make_logistic(const ModelRequest& request) {
    std::vector<std::unique_ptr<Layer>> layers;
    layers.push_back(std::make_unique<Dense>(request.device, "linear", request.inputs, request.classes,
                                             request.max_batch, request.seed, 1));
    return std::make_unique<NetworkModel>(request, std::move(layers));
}

std::int64_t count_logistic(const Json& /*options*/, std::int64_t inputs, std::int64_t classes) {
    return (inputs + 1) * classes;
}

std::unique_ptr<Model> make_mlp(const ModelRequest& request) {
    const auto hidden = request.options.at("hidden").get<std::int64_t>();
    const auto depth = request.options.at("depth").get<std::int64_t>();
    const ActivationKind activation =
        request.options.at("activation") == "relu" ? ActivationKind::relu : ActivationKind::gelu;
    std::vector<std::unique_ptr<Layer>> layers;
    std::int64_t width = request.inputs;
    for (std::int64_t i = 0; i < depth; ++i) {
        layers.push_back(std::make_unique<Dense>(request.device, fmt::format("hidden{}", i + 1), width,
                                                 hidden, request.max_batch, request.seed,
                                                 static_cast<std::uint64_t>(i + 1)));
        layers.push_back(std::make_unique<ActivationLayer>(request.device, fmt::format("activation{}", i + 1),
                                                           activation, hidden));
        width = hidden;
    }
    layers.push_back(std::make_unique<Dense>(request.device, "output", width, request.classes,
                                             request.max_batch, request.seed,
                                             static_cast<std::uint64_t>(depth + 1)));
    return std::make_unique<NetworkModel>(request, std::move(layers));
}

std::int64_t count_mlp(const Json& options, std::int64_t inputs, std::int64_t classes) {
    const auto hidden = options.at("hidden").get<std::int64_t>(),
               depth = options.at("depth").get<std::int64_t>();
    return (inputs + 1) * hidden + (depth - 1) * (hidden + 1) * hidden + (hidden + 1) * classes;
}

Field integer(std::string name, std::int64_t value, double low, double high, std::string help) {
    return {name, FieldType::integer, value, name, std::move(help), low, high};
}

/// The first choice is the default.
Field choice(std::string name, std::vector<std::string> choices, std::string help) {
    Field field{name, FieldType::choice, choices.front(), name, std::move(help)};
    field.choices = std::move(choices);
    return field;
}

}  // namespace

const std::vector<ModelInfo>& model_registry() {
    static const std::vector<ModelInfo> registry{
        {"purefft",
         "PureFFT",
         "learned gains on spectral magnitudes, then class patterns",
         "PureFFT is a linear classifier on spectral magnitudes: its layers multiply into one gain per "
         "frequency. Depth and pool size add nothing, and it never sees the phase. Whatever it computes, "
         "logistic regression on the same features computes too.",
         "rfft_magnitude",
         {integer("patterns", 8, 1, 256, "rows of the pattern pool that the layers mix"),
          integer("layers", 2, 1, 16, "gains applied one after another"),
          choice(
              "precision", {"float32", "tf32", "bf16"},
              "what class scores are multiplied from: tf32 and bf16 use a GPU's tensor cores and change the "
              "last digits; without such a GPU it is float32 in any case")},
         make_purefft,
         count_purefft},
        {"logistic",
         "Logistic regression",
         "one linear map to the class scores",
         "A linear classifier: classes that no linear map of these features separates, it cannot tell apart.",
         "rfft_magnitude",
         {},
         make_logistic,
         count_logistic},
        {"mlp",
         "MLP",
         "dense layers with an activation between",
         "A small universal network: what the features carry beyond the linear part.",
         "raw",
         {integer("hidden", 256, 1, 65536, "width of the hidden layers"),
          integer("depth", 1, 1, 16, "hidden layers"),
          choice("activation", {"relu", "gelu"}, "non-linearity after each hidden layer")},
         make_mlp,
         count_mlp}};
    return registry;
}

const ModelInfo& find_model(std::string_view name) {
    const auto& registry = model_registry();
    const auto found = std::ranges::find(registry, name, &ModelInfo::name);
    if (found != registry.end()) return *found;
    std::vector<std::string_view> known;
    for (const ModelInfo& info : registry) known.push_back(info.name);
    throw Error(fmt::format("model '{}'", name), "unknown",
                fmt::format("known models: {}", fmt::join(known, ", ")));
}

}  // namespace spectral
