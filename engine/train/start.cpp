#include "engine/train/start.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include "engine/core/error.hpp"
#include "engine/train/file_model.hpp"

namespace spectral {

Json starting_options(const ModelFile& file, const std::string& where) {
    require_network(file, where);
    const ExperimentConfig config = resolved_model(config_from_json(file.config, where));
    return {{"dataset", config.dataset},
            {"data", config.data},
            {"dataset_options", config.dataset_options},
            {"model", config.model},
            {"model_options", config.model_options},
            {"features", config.features},
            {"standardise", config.standardise}};
}

void require_same_model(const ExperimentConfig& config, const ModelFile& start) {
    const Json own = starting_options(start, config.start), asked = to_json(config);
    const auto compare = [&](const std::string& name, const Json& wanted, const Json& found) {
        if (wanted != found)
            throw BadValue(
                name,
                fmt::format("{} was asked for, and {} has {}", wanted.dump(), config.start, found.dump()),
                "leave the option out, or start with weights that the seed draws");
    };
    for (const char* name : {"model", "features", "standardise"}) compare(name, asked[name], own[name]);
    for (const auto& [name, wanted] : asked["model_options"].items())
        compare(name, wanted, own["model_options"].value(name, Json()));
}

ModelFile starting_point(ModelFile file, const ParameterPart& part) {
    NamedTensor* target = nullptr;
    std::vector<std::string> known;
    for (LayerRecord& layer : file.layers) {
        if (layer.kind == "standardise") continue;
        for (NamedTensor& tensor : layer.tensors) {
            if (!tensor.trained) continue;
            known.push_back(layer.name + "/" + tensor.name);
            if (known.back() == part.parameter) target = &tensor;
        }
    }
    if (target == nullptr)
        throw BadValue("parameter", fmt::format("the file has no '{}'", part.parameter),
                       fmt::format("it has {}", fmt::join(known, ", ")));
    require_fit(part, target->tensor.shape);
    std::ranges::copy(part.values, target->tensor.values.begin() + part.first);
    target->packed.reset();  // those numbers were of the weights before
    const std::int64_t step = file.checkpoint             ? file.checkpoint->step
                              : file.history.step.empty() ? 0
                                                          : file.history.step.back();
    file.provenance.add({part.parameter, step, part.first, std::ssize(part.values)});
    file.checkpoint.reset();
    file.metrics = Json::object();
    return file;
}

}  // namespace spectral
