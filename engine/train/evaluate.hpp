// A model against a labelled set: loss, accuracy, confusion, examples. And its weights out of a file.
#pragma once

#include <cstdint>
#include <span>

#include "engine/data/features.hpp"
#include "engine/io/model_file.hpp"
#include "engine/nn/model.hpp"
#include "engine/train/events.hpp"

namespace spectral {

/// Of the rows `rows` of `features` (all when empty), in batches of `batch` at most; `samples` are the same
/// signals. The loss is accumulated in double precision.
Evaluation evaluate_model(Device device, Model& model, const FeatureMatrix& features, const Samples& samples,
                          std::span<const std::uint32_t> rows, std::int64_t batch, const Dataset& dataset,
                          std::int64_t examples);

/// Throws Error when name, kind, tensors or shapes are not the layer's.
void load_layer(Backend& backend, Layer& layer, const LayerRecord& record);

/// `spectral eval`: the model of a file against a data set's test set.
Evaluation evaluate_file(const ModelFile& file, const std::string& dataset, const std::string& data,
                         const Json& dataset_options, const std::string& backend, const Progress& progress);

}  // namespace spectral
