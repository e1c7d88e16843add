// The models that can be trained, by name, with the schema of their options.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/schema.hpp"
#include "engine/nn/model.hpp"

namespace spectral {

struct ModelInfo {
    std::string name;      ///< "purefft"
    std::string title;     ///< "PureFFT"
    std::string help;      ///< one sentence
    std::string note;      ///< what it can and cannot do
    std::string features;  ///< preferred features
    Schema schema;
    /// Throws BadValue that names the option where options, shape and classes do not fit each other.
    std::unique_ptr<Model> (*make)(const ModelRequest&) = nullptr;
    /// Parameters of a model with these completed options, without building it. Throws as make().
    std::int64_t (*count_parameters)(const Json& options, const SignalShape& shape,
                                     std::int64_t classes) = nullptr;
    /// Names of the features that mean something to it; empty: it takes whatever numbers come.
    std::vector<std::string> reads = {};
};

const std::vector<ModelInfo>& model_registry();

/// Throws Error that lists the known ones.
const ModelInfo& find_model(std::string_view name);

/// Throws BadValue "features" where the model does not read features of this name.
void require_readable(const ModelInfo& model, std::string_view features);

}  // namespace spectral
