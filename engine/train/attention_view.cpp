#include "engine/train/attention_view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/core/error.hpp"
#include "engine/nn/attention_analysis.hpp"
#include "engine/train/file_model.hpp"

namespace spectral {

namespace {

void note_problem(AttentionView& view, const Error& error) {
    view.problem = error.what();
    view.hint = error.hint();
    if (const auto* value = dynamic_cast<const BadValue*>(&error)) view.field = value->field();
}

/// The end of a text, as much as the model's context holds.
std::vector<std::int32_t> tokens_of_text(const Vocabulary& vocabulary, const std::string& text,
                                         std::int64_t context, AttentionView& view) {
    std::vector<std::int32_t> tokens;
    try {
        tokens = vocabulary.encode(text);
    } catch (const Error& failure) {
        throw BadValue("text", failure.why(), "use what occurs in the text that the model was trained on");
    }
    if (tokens.empty()) throw BadValue("text", "is empty", "type what the model is to look at");
    view.left_out = std::max<std::int64_t>(0, std::ssize(tokens) - context);
    tokens.erase(tokens.begin(), tokens.begin() + view.left_out);
    return tokens;
}

std::span<const std::int32_t> window_of(const TokenWindows* windows, std::int64_t sample,
                                        std::int64_t context) {
    if (windows == nullptr || windows->count() == 0)
        throw Error("attention maps", "the data are no text", "type one of your own");
    if (sample < 0 || sample >= windows->count())
        throw BadValue("sample", fmt::format("{} is not one of the {} windows", sample + 1, windows->count()),
                       fmt::format("choose 1 to {}", windows->count()));
    const auto window = windows->window(sample);
    return window.first(static_cast<std::size_t>(std::min<std::int64_t>(std::ssize(window), context)));
}

}  // namespace

AttentionView view_attention(Device device, Model& model, const Vocabulary& vocabulary,
                             const TokenWindows* windows, const AttentionRequest& request) {
    AttentionView view;
    view.request = request;
    view.token_unit = vocabulary.unit_name();
    if (windows != nullptr) view.samples = windows->count();
    try {
        const std::vector<AttentionLayer> layers = attention_layers(model);
        require(!layers.empty() && vocabulary.size() > 0, "attention maps", "the model has no attention",
                "train or open one that has, such as char-transformer");
        const std::int64_t context = layers.front().attention->size().places;
        std::vector<std::int32_t> tokens;
        if (request.text) {
            tokens = tokens_of_text(vocabulary, *request.text, context, view);
        } else {
            const auto window = window_of(windows, request.sample, context);
            tokens.assign(window.begin(), window.end());
        }
        view.analysis = std::make_shared<const AttentionAnalysis>(
            analyse_attention(device, model, vocabulary.size(), tokens, request.block));
        for (const std::int32_t token : tokens) view.tokens.push_back(vocabulary.name(token));
    } catch (const Error& error) {
        note_problem(view, error);
    }
    return view;
}

void count_maps(AttentionView& view, std::shared_ptr<Workspace> workspace) {
    if (!view.analysis) return;
    struct Held {
        std::shared_ptr<Workspace> workspace;  // before what is in its budget
        Reservation room;
        std::shared_ptr<const AttentionAnalysis> maps;
    };
    std::size_t bytes = 0;
    for (const AttentionHead& head : view.analysis->heads)
        bytes += head.weights.values.size() * sizeof(float) +
                 (head.entropy.size() + head.syntony.size()) * sizeof(double);
    Reservation room = workspace->budget().count(MemoryTag::workspace, bytes, "attention maps");
    const auto held =
        std::make_shared<const Held>(Held{std::move(workspace), std::move(room), std::move(view.analysis)});
    view.analysis = {held, held->maps.get()};
}

FileAttention::FileAttention(const std::string& path, std::shared_ptr<Workspace> workspace)
    : workspace_(std::move(workspace)),
      path_(path),
      room_(workspace_->budget().reserve(MemoryTag::workspace, 0, "model file to look at")),
      file_(read_model_file(path, &room_)) {
    if (!file_.history.step.empty()) step_ = file_.history.step.back();
    if (!file_.checkpoint) return;
    step_ = file_.checkpoint->step;
    epoch_ = epochs_done(*file_.checkpoint);
}

const TokenWindows& FileAttention::windows(const Progress& progress) {
    const ExperimentConfig& config = model_->config;
    if (!dataset_) {
        std::shared_ptr<const Dataset> dataset;
        try {
            dataset = workspace_->dataset(config.dataset, config.data, config.dataset_options, progress);
        } catch (const Error& failure) {
            throw Error("the model's data", failure.what(), "type a text of your own");
        }
        if (dataset->vocabulary != file_.vocabulary || dataset->test.tokens() == nullptr)
            throw Error("the model's data", "are another text than the one that it was trained on",
                        "type a text of your own");
        dataset_ = std::move(dataset);
    }
    return *dataset_->test.tokens();
}

AttentionView FileAttention::look(const AttentionRequest& request, const Progress& progress) {
    AttentionView view;
    view.request = request;
    try {
        if (!model_) {
            // Of a network on other features than tokens there is nothing to be opened.
            require(file_.vocabulary.size() > 0, "attention maps", "the model has no attention",
                    "train or open one that has, such as char-transformer");
            model_ = open_text_model(file_, path_, workspace_->budget(), "cpu", 1);
        }
        const TokenWindows* chosen = dataset_ ? dataset_->test.tokens() : nullptr;
        if (!request.text && !attention_layers(*model_->model).empty()) chosen = &windows(progress);
        view = view_attention(model_->device(), *model_->model, file_.vocabulary, chosen, request);
        count_maps(view, workspace_);
    } catch (const Error& error) {
        note_problem(view, error);
    }
    view.step = step_;
    view.epoch = epoch_;
    return view;
}

}  // namespace spectral
