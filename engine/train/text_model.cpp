#include "engine/train/text_model.hpp"

#include "engine/core/error.hpp"
#include "engine/train/file_model.hpp"

namespace spectral {

void require_text_model(const ModelFile& file, const std::string& where) {
    require_network(file, where);
    if (file.vocabulary.size() == 0 || !file.feature_shape)
        throw Error(where, "holds no model of text, or was written before such models kept their characters",
                    "give a file of 'spectral train --dataset text'");
}

TextModel open_text_model(const ModelFile& file, const std::string& where, MemoryBudget& budget,
                          const std::string& backend, int threads) {
    require_text_model(file, where);
    TextModel opened;
    opened.config = resolved_model(config_from_json(file.config, where));
    opened.backend = open_backend(backend, threads);
    opened.budget = &budget;
    opened.model = make_file_model(opened.device(), file, where, 1);
    if (opened.model->layers().back()->outputs() !=
        opened.model->predictions() * static_cast<std::int64_t>(file.vocabulary.size()))
        throw Error(where, "its model tells other characters than its vocabulary has",
                    "use it with its own configuration");
    load_layers(opened.device(), *opened.model, file);
    return opened;
}

}  // namespace spectral
