// Dense networks in the registry: logistic regression and the MLP.
#include "engine/nn/dense.hpp"

#include <fmt/format.h>

#include <memory>
#include <utility>
#include <vector>

#include "engine/nn/models/families.hpp"
#include "engine/nn/models/fields.hpp"
#include "engine/nn/network_model.hpp"

namespace spectral {

namespace {

std::unique_ptr<Model> make_logistic(const ModelRequest& request) {
    std::vector<std::unique_ptr<Layer>> layers;
    layers.push_back(std::make_unique<Dense>(request.device, "linear", request.inputs(), request.classes,
                                             request.max_batch, request.seed, 1, request.use));
    return std::make_unique<NetworkModel>(request, std::move(layers));
}

std::int64_t count_logistic(const Json& /*options*/, const SignalShape& shape, std::int64_t classes) {
    return (shape.size() + 1) * classes;
}

std::unique_ptr<Model> make_mlp(const ModelRequest& request) {
    const auto hidden = request.options.at("hidden").get<std::int64_t>();
    const auto depth = request.options.at("depth").get<std::int64_t>();
    const ActivationKind activation =
        request.options.at("activation") == "relu" ? ActivationKind::relu : ActivationKind::gelu;
    std::vector<std::unique_ptr<Layer>> layers;
    std::int64_t width = request.inputs();
    for (std::int64_t i = 0; i < depth; ++i) {
        layers.push_back(std::make_unique<Dense>(request.device, fmt::format("hidden{}", i + 1), width,
                                                 hidden, request.max_batch, request.seed,
                                                 static_cast<std::uint64_t>(i + 1), request.use));
        layers.push_back(std::make_unique<ActivationLayer>(request.device, fmt::format("activation{}", i + 1),
                                                           activation, hidden));
        width = hidden;
    }
    layers.push_back(std::make_unique<Dense>(request.device, "output", width, request.classes,
                                             request.max_batch, request.seed,
                                             static_cast<std::uint64_t>(depth + 1), request.use));
    return std::make_unique<NetworkModel>(request, std::move(layers));
}

std::int64_t count_mlp(const Json& options, const SignalShape& shape, std::int64_t classes) {
    const auto hidden = options.at("hidden").get<std::int64_t>(),
               depth = options.at("depth").get<std::int64_t>();
    return (shape.size() + 1) * hidden + (depth - 1) * (hidden + 1) * hidden + (hidden + 1) * classes;
}

}  // namespace

ModelInfo logistic_info() {
    return {
        "logistic",
        "Logistic regression",
        "one linear map to the class scores",
        "A linear classifier: classes that no linear map of these features separates, it cannot tell apart.",
        "rfft_magnitude",
        {},
        make_logistic,
        count_logistic};
}

ModelInfo mlp_info() {
    return {"mlp",
            "MLP",
            "dense layers with an activation between",
            "A small universal network: what the features carry beyond the linear part.",
            "raw",
            {integer_field("hidden", 256, 1, 65536, "width of the hidden layers"),
             integer_field("depth", 1, 1, 16, "hidden layers"),
             choice_field("activation", {"relu", "gelu"}, "non-linearity after each hidden layer")},
            make_mlp,
            count_mlp};
}

}  // namespace spectral
