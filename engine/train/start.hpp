// A run that begins with the weights of a model file instead of those that its seed draws.
#pragma once

#include <string>

#include "engine/io/model_file.hpp"
#include "engine/nn/learned_pattern.hpp"
#include "engine/train/config.hpp"

namespace spectral {

/// The file's model, its options, its features, whether they are standardised, and its data, as a
/// configuration says them. `where` names the file. Throws Error where it says nothing of its network.
Json starting_options(const ModelFile& file, const std::string& where);

/// Throws BadValue that names the option in which `config`, resolved, asks for another model or for other
/// features than its start has. The data may be others.
void require_same_model(const ExperimentConfig& config, const ModelFile& start);

/// A model file to start from: with the part's values in the place of its parameter's; without what speaks of
/// the weights before, the checkpoint and the metrics. Its provenance says so. Throws BadValue that names
/// what is wrong, "parameter" or "values".
ModelFile starting_point(ModelFile file, const ParameterPart& part);

}  // namespace spectral
