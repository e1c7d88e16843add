// What a saved model shows without its data: configuration, history and the matrices of its layers.
#pragma once

#include <string>

#include "engine/io/model_file.hpp"
#include "engine/train/config.hpp"
#include "ui/session/run_record.hpp"

namespace spectral::ui {

struct ModelView {
    ExperimentConfig config;
    RunRecord record;
    bool resumable = false;  ///< the file has a checkpoint
};

/// `path` names the source in errors. Throws Error when the configuration in the file is not one of ours.
ModelView view_model(const ModelFile& file, const std::string& path);

}  // namespace spectral::ui
