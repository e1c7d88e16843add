// Fine-tuning: the numbers that a compressed model stores are trained on, where they are.
#pragma once

#include <functional>
#include <memory>

#include "engine/compress/compress_model.hpp"
#include "engine/core/progress.hpp"
#include "engine/io/model_file.hpp"
#include "engine/train/config.hpp"
#include "engine/train/workspace.hpp"

namespace spectral {

/// `compressed` with other numbers in the same places, in the same codings: after config.epochs of training
/// by `config` that begins with its weights. Errors are measured against the same tensors of `source`, which
/// it was made from. Throws Error on a model that does not fit, and where the loss does not stay finite;
/// Cancelled when `progress` says so.
ModelFile fine_tune(const ModelFile& source, const ModelFile& compressed, const ExperimentConfig& config,
                    std::shared_ptr<Workspace> workspace, const Progress& progress);

/// As compressor.pack(), then `tune` of what it gives. The bytes of trained numbers depend on their values,
/// by the file's own compression: where they pass the target it is packed again, to fewer, four times at
/// most; then throws Error. Fixed tensors are trained too: they keep their method and places.
CompressResult pack_and_tune(ModelCompressor& compressor, const CompressTarget& target,
                             const FixedTensors& fixed,
                             const std::function<ModelFile(const ModelFile& packed)>& tune,
                             const Progress& progress);

}  // namespace spectral
