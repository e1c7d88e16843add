#include "ui/session/data_shape.hpp"

#include <exception>
#include <string>

#include "engine/data/features.hpp"
#include "engine/nn/registry.hpp"

namespace spectral::ui {

std::string resolved_features(const ExperimentConfig& config) {
    return config.features == "auto" ? find_model(config.model).features : config.features;
}

std::optional<NetworkSides> probe_sides(const ExperimentConfig& config) {
    try {
        const DatasetInfo& info = find_dataset(config.dataset);
        if (info.shape == nullptr) return std::nullopt;
        const DatasetShape shape =
            info.shape(complete(info.schema, config.dataset_options, "data set " + info.name));
        return NetworkSides{feature_shape(resolved_features(config), shape.signal), shape.classes};
    } catch (const std::exception&) {
        return std::nullopt;  // the run itself tells what is wrong
    }
}

}  // namespace spectral::ui
