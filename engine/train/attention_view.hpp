// What the attention of a model of text looks at: in a run, or in a file.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "engine/core/progress.hpp"
#include "engine/data/dataset.hpp"
#include "engine/io/model_file.hpp"
#include "engine/train/events.hpp"
#include "engine/train/text_model.hpp"
#include "engine/train/workspace.hpp"

namespace spectral {

/// Of a text of the request, or a window of `windows` (null: there are none). What goes wrong is in the view.
AttentionView view_attention(Device device, Model& model, const Vocabulary& vocabulary,
                             const TokenWindows* windows, const AttentionRequest& request);

/// Counts the maps in the workspace's budget for as long as somebody holds them.
void count_maps(AttentionView& view, std::shared_ptr<Workspace> workspace);

/// The model of a file, kept to be looked at again, and its data, loaded when a window of them is asked for;
/// all in the workspace's budget.
class FileAttention {
public:
    /// Throws Error where the file cannot be read, OutOfMemory.
    FileAttention(const std::string& path, std::shared_ptr<Workspace> workspace);

    /// As view_attention(), of the windows of the data set's test part where the data are where the file's
    /// configuration says. Throws Cancelled.
    AttentionView look(const AttentionRequest& request, const Progress& progress);

private:
    const TokenWindows& windows(const Progress& progress);

    std::shared_ptr<Workspace> workspace_;  // before what is in its budget
    std::string path_;
    Reservation room_;
    ModelFile file_;
    std::int64_t step_ = 0;
    double epoch_ = 0;
    std::shared_ptr<const Dataset> dataset_;
    std::optional<TextModel> model_;  ///< none until it is looked at
};

}  // namespace spectral
