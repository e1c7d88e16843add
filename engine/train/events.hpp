// Plain values that come out of a training run, and the commands that go in.
#pragma once

#include <cstdint>
#include <memory>
#include <numbers>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/core/tensor.hpp"
#include "engine/nn/attention_analysis.hpp"
#include "engine/nn/learned_pattern.hpp"
#include "engine/nn/pattern_snapshot.hpp"
#include "kernels/ops/fft.hpp"

namespace spectral {

enum class RunState { preparing, running, paused, finished, stopped, failed };
std::string_view run_state_name(RunState state);
/// Nothing comes after it.
constexpr bool is_end(RunState state) {
    return state == RunState::finished || state == RunState::stopped || state == RunState::failed;
}

/// One training batch.
struct StepPoint {
    std::int64_t step = 0;
    double epoch = 0;  ///< fractional
    float loss = 0, accuracy = 0;
};

/// One evaluation of the test (or validation) set.
struct EvaluationPoint {
    std::int64_t step = 0;
    double epoch = 0;
    double loss = 0, accuracy = 0;
    double train_loss = 0, train_accuracy = 0;     ///< means over the epoch's batches
    std::optional<double> syntony = std::nullopt;  ///< Model::syntony()
};

/// Training throughput since the last report.
struct ThroughputPoint {
    double epoch = 0;
    double samples_per_second = 0;
};

/// A matrix of more is neither looked at nor worth its memory.
inline constexpr std::int64_t kMostConfusedClasses = 256;

/// Test set results after an evaluation.
struct Evaluation {
    struct Sample {
        std::int64_t index = 0;
        std::int32_t truth = 0, prediction = 0;
        HostTensor values;  ///< the signal as stored: rank 1 or 2
    };
    std::int64_t step = 0;
    double loss = 0, accuracy = 0;
    std::int64_t samples = 0;
    std::optional<double> syntony = std::nullopt;  ///< Model::syntony()
    std::vector<std::string> class_names;
    std::string token_unit;  ///< Dataset::token_unit()
    /// classes × classes, row: truth, column: prediction; of more classes than kMostConfusedClasses empty.
    std::vector<std::int64_t> confusion;
    std::vector<Sample> examples;  ///< the first ones, right or wrong
    std::vector<Sample> mistakes;  ///< the first ones that are wrong
};

/// What a model of text writes by itself.
struct TextSample {
    std::int64_t step = 0;
    double epoch = 0;  ///< fractional
    std::string text;  ///< UTF-8
};

/// What is looked at of a model's attention.
struct AttentionRequest {
    std::int64_t sample = 0;            ///< a window of the test part, counted from 0
    std::optional<std::string> text{};  ///< instead of it, in UTF-8
    std::int64_t block = 0;             ///< counted from 0
    bool operator==(const AttentionRequest&) const = default;
};

/// What there was to see.
struct AttentionView {
    AttentionRequest request;
    std::int64_t step = 0;
    double epoch = 0;                 ///< fractional
    std::int64_t samples = 0;         ///< windows that there are to choose from; 0: no data
    std::int64_t left_out = 0;        ///< tokens at the beginning of a text that is longer than the context
    std::string token_unit;           ///< Vocabulary::unit_name()
    std::vector<std::string> tokens;  ///< Vocabulary::name() of each place
    std::shared_ptr<const AttentionAnalysis> analysis;  ///< null: `problem` says why
    std::string problem, hint;
    std::string field;  ///< of the request, where it is that which cannot be had
};

/// A mean cross-entropy in nats as bits for each token.
inline double bits_per_token(double loss) { return loss / std::numbers::ln2; }

/// Known once the data are loaded and the model is built.
struct RunInfo {
    std::string model, model_title, dataset, backend, device, features, note;
    std::int64_t parameters = 0, classes = 0, train_samples = 0, test_samples = 0, feature_count = 0;
    SignalShape feature_shape;
    std::int64_t steps_per_epoch = 0, epochs = 0, batch = 0;
    std::string evaluated_on;  ///< "test" or "validation"
    std::string token_unit;    ///< Dataset::token_unit()
    double learning_rate = 0;
};

/// A number that is not finite: in a batch's loss or gradient before the weights were updated, or in an
/// evaluation after the updates that spoilt them.
struct NumericTrouble {
    std::int64_t step = 0;
    std::string what;  ///< "the loss is not finite; the weights were not updated"
    double learning_rate = 0;
    double suggested_learning_rate = 0;
};

/// Memory that was asked for and not there. Nothing is lost: the run stands and tries the same again when it
/// is resumed.
struct MemoryShortage {
    std::int64_t step = 0;
    std::string what, hint;
    std::int64_t batch = 0;
};

/// A model file that was written or could not be.
struct FileReport {
    std::string path;
    bool asked_for = false;     ///< by CheckpointNow; else one of the run's own checkpoints
    std::string problem, hint;  ///< empty: it was written
};

/// What came of a ReplaceParameter.
struct ReplacementReport {
    std::string parameter;
    std::int64_t step = 0;      ///< updates done before
    std::string problem, hint;  ///< empty: it was done
};

/// Everything that happened since the last drain. Large values: only the newest.
struct Updates {
    std::optional<RunInfo> info;
    std::optional<RunState> state;
    std::string message;  ///< why it stands where it stands, when it is worth a sentence
    std::string hint;
    std::string activity;  ///< what long work is under way ("features of 60,000 samples"), empty when none
    double activity_fraction = 0;
    std::vector<StepPoint> steps;
    std::vector<EvaluationPoint> evaluations;
    std::vector<ThroughputPoint> throughput;
    std::vector<std::shared_ptr<const PatternSnapshot>> patterns;  ///< ascending in step, thinned
    std::shared_ptr<const Evaluation> evaluation;
    std::optional<TextSample> text;  ///< the newest
    std::shared_ptr<const AttentionView> attention;
    std::optional<NumericTrouble> trouble;
    std::optional<MemoryShortage> shortage;
    std::vector<FileReport> files;  ///< in the order they were written
    std::vector<ReplacementReport> replacements;
    std::optional<double> learning_rate;
    std::optional<std::vector<PlanInfo>> plans;  ///< of the run's backend, when they or their uses changed

    bool empty() const;
};

namespace command {
struct Pause {};
struct Resume {};
struct Step {};  ///< one batch, then pause
struct Stop {};
struct SetLearningRate {
    double value;
};
struct CheckpointNow {
    std::string path;        ///< empty: the run's own output
    bool with_state = true;  ///< false: an exported model without the checkpoint group
};
/// Shows what attention looks at, now and whenever patterns are shown; nothing: no longer.
struct LookAtAttention {
    std::optional<AttentionRequest> request;
};
struct ReplaceParameter {  ///< before the next step, as Trainer::replace(); a ReplacementReport follows
    ParameterPart part;
};
struct ClearPlans {};  ///< the backend's; operations that need one make it anew
struct Recover {       ///< back to the last good state, after NumericTrouble
    double learning_rate;
};
}  // namespace command

using Command = std::variant<command::Pause, command::Resume, command::Step, command::Stop,
                             command::SetLearningRate, command::CheckpointNow, command::LookAtAttention,
                             command::ReplaceParameter, command::ClearPlans, command::Recover>;

}  // namespace spectral
