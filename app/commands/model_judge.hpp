// Options that name a data set to judge a model by.
#pragma once

#include <optional>
#include <string>

#include "app/commands/commands.hpp"
#include "engine/train/evaluate.hpp"

namespace spectral::app {

class JudgeFlags {
public:
    void add(CLI::App& command);
    /// Nothing where no data are given. Throws Error on a model without a configuration, on options that the
    /// data set has not, and as a data set does.
    std::optional<FileJudge> make(const ModelFile& file, const std::string& where, const std::string& backend,
                                  const Progress& progress);

    /// Of the data set that the model was trained on, where none is named.
    FileJudge make_required(const ModelFile& file, const std::string& where, const std::string& backend,
                            const Progress& progress);

private:
    std::string dataset_, data_;
    SchemaFlags flags_;
};

}  // namespace spectral::app
