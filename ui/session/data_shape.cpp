#include "ui/session/data_shape.hpp"

#include <algorithm>
#include <exception>
#include <string>
#include <utility>

#include "engine/data/dataset.hpp"
#include "engine/data/features.hpp"
#include "engine/nn/registry.hpp"

namespace spectral::ui {

std::string resolved_features(const ExperimentConfig& config) {
    return config.features == "auto" ? find_model(config.model).features : config.features;
}

std::optional<DataShape> probe_shape(const ExperimentConfig& config) {
    try {
        const DatasetInfo& info = find_dataset(config.dataset);
        if (info.needs_path) return std::nullopt;
        DatasetRequest request;
        request.options = config.dataset_options;
        for (const char* count : {"train_samples", "test_samples"}) {
            if (const Field* field = find_field(info.schema, count))
                request.options[count] = static_cast<std::int64_t>(std::max(1.0, field->minimum));
        }
        const Dataset data = load_dataset(config.dataset, std::move(request));
        return DataShape{feature_count(resolved_features(config), data.train.shape), data.classes()};
    } catch (const std::exception&) {
        return std::nullopt;  // the run itself tells what is wrong
    }
}

}  // namespace spectral::ui
