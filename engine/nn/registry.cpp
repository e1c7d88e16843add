#include "engine/nn/registry.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "engine/core/error.hpp"
#include "engine/nn/models/families.hpp"

namespace spectral {

const std::vector<ModelInfo>& model_registry() {
    static const std::vector<ModelInfo> registry{purefft_info(),
                                                 purefft_complex_info(),
                                                 purefft_per_sample_info(),
                                                 logistic_info(),
                                                 mlp_info(),
                                                 cnn_info(),
                                                 syntonic_cnn_info(),
                                                 global_filter_info(),
                                                 fourier_mixer_info(),
                                                 audio_spectral_info(),
                                                 char_transformer_info(),
                                                 char_spectral_info()};
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

void require_readable(const ModelInfo& model, std::string_view features) {
    if (model.reads.empty() || std::ranges::find(model.reads, features) != model.reads.end()) return;
    throw BadValue("features", fmt::format("'{}' are nothing that {} reads", features, model.name),
                   fmt::format("leave the option out, or say {}", fmt::join(model.reads, " or ")));
}

}  // namespace spectral
