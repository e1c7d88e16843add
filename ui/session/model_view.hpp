// What a saved model shows without its data: configuration, history and the matrices of its layers.
#pragma once

#include <optional>
#include <string>

#include "engine/io/model_file.hpp"
#include "engine/train/config.hpp"
#include "engine/train/file_model.hpp"
#include "ui/session/run_record.hpp"

namespace spectral::ui {

struct ModelView {
    ExperimentConfig config;
    std::optional<NetworkSides> sides;  ///< nothing: there is no network
    RunRecord record;
    bool resumable = false;  ///< the file has a checkpoint
};

/// `path` names the source in errors. Throws Error when the configuration in the file is not one of ours.
ModelView view_model(const ModelFile& file, const std::string& path);

}  // namespace spectral::ui
