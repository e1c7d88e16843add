// The model of text that a file holds, ready to be run.
#pragma once

#include <memory>
#include <string>

#include "engine/io/model_file.hpp"
#include "engine/nn/model.hpp"
#include "engine/train/config.hpp"

namespace spectral {

/// One sequence at a time.
struct TextModel {
    ExperimentConfig config;
    std::unique_ptr<Backend> backend;  // before what lies in its memory
    MemoryBudget* budget = nullptr;
    std::unique_ptr<Model> model;

    Device device() const { return {*backend, *budget}; }
};

/// In `budget`, which outlives it; `where` names the file. Throws Error where it holds no model of text, or
/// other layers than its configuration promises.
TextModel open_text_model(const ModelFile& file, const std::string& where, MemoryBudget& budget,
                          const std::string& backend, int threads = 0);

/// The checks of open_text_model() that need no backend.
void require_text_model(const ModelFile& file, const std::string& where);

}  // namespace spectral
