#include "engine/train/text_model.hpp"

#include "engine/core/error.hpp"
#include "engine/nn/registry.hpp"
#include "engine/train/evaluate.hpp"
#include "engine/train/standardisation.hpp"

namespace spectral {

void require_text_model(const ModelFile& file, const std::string& where) {
    require_network(file, where);
    if (file.vocabulary.size() == 0 || !file.feature_shape)
        throw Error(where, "holds no model of text, or was written before such models kept their characters",
                    "give a file of 'spectral train --dataset text'");
}

TextModel open_text_model(const ModelFile& file, const std::string& where, const std::string& backend,
                          int threads) {
    require_text_model(file, where);
    TextModel opened;
    opened.config = config_from_json(file.config, where);
    const ModelInfo& info = find_model(opened.config.model);
    require_readable(info, opened.config.features);
    const std::int64_t classes = file.vocabulary.size();
    // Memory is asked for only when the file holds as many numbers as its configuration promises.
    std::int64_t values = 0;
    for (const LayerRecord& layer : network_layers(file))
        for (const NamedTensor& each : layer.tensors) values += each.tensor.shape.size();
    if (info.count_parameters(opened.config.model_options, *file.feature_shape, classes) != values)
        throw Error(where, "its layers are not those of its configuration",
                    "use it with its own configuration");
    opened.backend = open_backend(backend, threads);
    opened.budget = std::make_unique<MemoryBudget>(available_memory());
    opened.model = info.make({opened.device(), opened.config.model_options, *file.feature_shape, classes, 1,
                              0, opened.backend->threads(), Use::run});
    load_layers(*opened.backend, *opened.model, file);
    return opened;
}

}  // namespace spectral
