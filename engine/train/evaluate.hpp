// A model against a labelled set: loss, accuracy, confusion, examples.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/compress/importance.hpp"
#include "engine/data/features.hpp"
#include "engine/io/model_file.hpp"
#include "engine/nn/model.hpp"
#include "engine/train/events.hpp"
#include "engine/train/packed_model.hpp"
#include "engine/train/workspace.hpp"

namespace spectral {

/// Of the rows `rows` of `features` (all when empty), in batches of `batch` at most; `samples` are the same
/// signals, of which the first `examples` and as many mistakes are kept. The loss is accumulated in double
/// precision.
Evaluation evaluate_model(Device device, Model& model, const FeatureMatrix& features, const Samples& samples,
                          std::span<const std::uint32_t> rows, std::int64_t batch, const Dataset& dataset,
                          std::int64_t examples);

/// What a model's rows of class scores for sample `index` should say: the sample's label, or of a model of
/// sequences the token behind each of the window's. Throws Error where the samples have not so many.
std::span<const std::int32_t> truths_of(const Samples& samples, std::int64_t index, std::int64_t predictions);

/// A data set's test set, as the model of a configuration sees it; for files of that configuration, one after
/// another.
class FileJudge {
public:
    /// What it holds is counted in the workspace's budget, and the data set is shared with others who use it;
    /// null: in one of its own, without a limit.
    FileJudge(const Json& config, const std::string& dataset, const std::string& data,
              const Json& dataset_options, const std::string& backend, const Progress& progress,
              std::shared_ptr<Workspace> workspace = nullptr);
    ~FileJudge();
    FileJudge(FileJudge&&) noexcept;
    FileJudge& operator=(FileJudge&&) noexcept;

    Evaluation evaluate(const ModelFile& file) const;
    /// From samples of the training set: the mean squares of every linear layer's inputs, and how far an
    /// error in a tensor moves the class scores. Throws Error as load_layers().
    Importances calibrate(const ModelFile& file, const Progress& progress) const;

    struct PackedRun {
        Evaluation evaluation;
        std::vector<LayerWay> ways;
        std::int64_t batch = 0;
        std::size_t peak_bytes = 0;  ///< of weights, activations and work, as the budget counted them
    };
    /// Of a file read with PackedTensors::keep, without unpacking it, in at most `limit` bytes beside the
    /// data: in smaller batches where that helps. Throws as make_packed_model(), and BadValue that says how
    /// many bytes would do where these are too few.
    PackedRun evaluate_packed(const ModelFile& file, std::size_t limit) const;

    struct FineTuning {
        std::int64_t epochs = 2;
        std::optional<double> learning_rate;  ///< nothing: the one that the model was trained with
    };
    /// As fine_tune(), on the data set's training set.
    ModelFile fine_tune(const ModelFile& source, const ModelFile& compressed, const FineTuning& tuning,
                        const Progress& progress) const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// `spectral eval`: the model of a file against a data set's test set.
Evaluation evaluate_file(const ModelFile& file, const std::string& dataset, const std::string& data,
                         const Json& dataset_options, const std::string& backend, const Progress& progress);

}  // namespace spectral
