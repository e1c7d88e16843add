#include "engine/train/evaluate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <utility>

#include "engine/compress/method.hpp"
#include "engine/core/error.hpp"
#include "engine/nn/registry.hpp"
#include "engine/train/config.hpp"
#include "engine/train/file_model.hpp"
#include "engine/train/fine_tune.hpp"
#include "engine/train/standardisation.hpp"
#include "kernels/ops/gather.hpp"

namespace spectral {

namespace {

struct Judged {
    double loss = 0;
    std::int32_t prediction = 0;
};

Judged judge(const float* logits, std::int64_t classes, std::int32_t label) {
    const float* best = std::max_element(logits, logits + classes);
    double sum = 0;
    for (std::int64_t k = 0; k < classes; ++k)
        sum += std::exp(static_cast<double>(logits[k]) - static_cast<double>(*best));
    return {std::log(sum) - (static_cast<double>(logits[label]) - static_cast<double>(*best)),
            static_cast<std::int32_t>(best - logits)};
}

HostTensor signal(const Samples& samples, std::int64_t index) {
    const SignalShape& shape = samples.shape;
    HostTensor result{Shape(std::span(shape.extent.data(), static_cast<std::size_t>(shape.rank))),
                      std::vector<float>(static_cast<std::size_t>(shape.size()))};
    samples.read(index, 1, result.values.data());
    return result;
}

}  // namespace

Evaluation evaluate_model(Device device, Model& model, const FeatureMatrix& features, const Samples& samples,
                          std::span<const std::uint32_t> rows, std::int64_t batch, const Dataset& dataset,
                          std::int64_t examples) {
    Evaluation result;
    const std::int64_t classes = dataset.classes(), predictions = model.predictions();
    const std::int64_t count = rows.empty() ? features.rows : static_cast<std::int64_t>(rows.size());
    batch = std::min(batch, count);
    result.samples = count;
    result.class_names = dataset.class_names;
    result.token_unit = dataset.token_unit();
    if (classes <= kMostConfusedClasses)
        result.confusion.assign(static_cast<std::size_t>(classes * classes), 0);
    const Tensor logits(device, MemoryTag::activations, {batch, predictions * classes}, "evaluation logits");
    const Reservation host_logits_room =
        device.budget.reserve(MemoryTag::workspace, logits.bytes(), "evaluation logits on the host");
    const Buffer row_buffer(device, MemoryTag::data, rows.size_bytes(), "evaluation rows");
    device.backend.copy_to_device(row_buffer.data(), rows.data(), rows.size_bytes());

    double loss = 0;
    std::int64_t correct = 0;
    for (std::int64_t first = 0; first < count; first += batch) {
        Batch part;
        part.size = std::min(batch, count - first);
        part.x = rows.empty() ? features.values.data() + first * features.stride : features.values.data();
        part.stride = features.stride;
        part.rows = rows.empty() ? nullptr : row_buffer.as<std::uint32_t>() + first;
        model.infer(part, logits.data());
        const HostTensor host = logits.to_host(device.backend);
        for (std::int64_t b = 0; b < part.size; ++b) {
            const std::int64_t index = rows.empty() ? first + b : rows[static_cast<std::size_t>(first + b)];
            std::int32_t truth = 0;
            Judged judged;
            const float* scores = host.values.data() + b * predictions * classes;
            for (const std::int32_t each : truths_of(samples, index, predictions)) {
                truth = each;
                judged = judge(scores, classes, truth);
                scores += classes;
                loss += judged.loss;
                correct += judged.prediction == truth;
                if (!result.confusion.empty())
                    ++result.confusion[static_cast<std::size_t>(truth * classes + judged.prediction)];
            }
            // Of a sequence it is the last one that is shown: the window's own label.
            const auto keep = [&](std::vector<Evaluation::Sample>& kept) {
                if (static_cast<std::int64_t>(kept.size()) < examples)
                    kept.push_back({index, truth, judged.prediction, signal(samples, index)});
            };
            keep(result.examples);
            if (judged.prediction != truth) keep(result.mistakes);
        }
    }
    const auto judgements = static_cast<double>(std::max<std::int64_t>(count * predictions, 1));
    result.loss = loss / judgements;
    result.accuracy = static_cast<double>(correct) / judgements;
    return result;
}

std::span<const std::int32_t> truths_of(const Samples& samples, std::int64_t index,
                                        std::int64_t predictions) {
    if (predictions == 1) return std::span(samples.labels).subspan(static_cast<std::size_t>(index), 1);
    const TokenWindows* windows = samples.tokens();
    if (windows == nullptr || windows->context != predictions)
        throw Error("model", "tells the next token at every place of a window, and the data are no such text",
                    "give it a text, with the context that it was made for");
    return windows->targets(index);
}

struct FileJudge::Impl {
    ExperimentConfig config;
    std::shared_ptr<Workspace> workspace;
    std::unique_ptr<Backend> backend;
    std::shared_ptr<const Dataset> dataset;
    FeatureMatrix test;

    Device device() { return {*backend, workspace->budget()}; }

    /// As the model of the file sees them; `own` holds a copy where they are standardised.
    const FeatureMatrix& as_trained(const ModelFile& file, const FeatureMatrix& features,
                                    FeatureMatrix& own) {
        const auto standardisation = Standardisation::from(file, features.columns);
        if (!standardisation) return features;
        own = copy_of(device(), features, "standardised features");
        standardisation->apply(device(), own);
        return own;
    }

    /// Of the bytes that evaluate_packed() can do with: those of one sample and the smallest blocks, counted.
    std::size_t least_limit(const ModelFile& file, const FeatureMatrix& features);

    /// Of a model of text: the data's characters are the model's, and windows no longer than its context.
    void require_fitting_text(const ModelFile& file, const FeatureMatrix& features) const {
        if (file.vocabulary.size() == 0) return;
        if (dataset->vocabulary != file.vocabulary)
            throw Error("model file", "it was trained on a text of other characters than the data have",
                        "use it with its own data");
        if (config.features != "tokens" || !file.feature_shape) return;
        const std::int64_t context = file.feature_shape->size();
        if (features.columns > context)
            throw BadValue("context",
                           fmt::format("windows of {} are longer than the model's context, {}",
                                       features.columns, context),
                           fmt::format("take at most {}", context));
    }

    std::unique_ptr<Model> load(const ModelFile& file, const FeatureMatrix& features, std::int64_t batch) {
        require_fitting_text(file, features);
        auto model = find_model(config.model)
                         .make({device(), config.model_options, features.shape, dataset->classes(), batch,
                                static_cast<std::uint64_t>(config.seed), backend->threads(), Use::run});
        load_layers(device(), *model, file);
        return model;
    }
};

namespace {

/// Samples that calibration looks at: means of so many are good to a few per cent.
constexpr std::int64_t kCalibrationSamples = 1024;

/// Of every column of a layer's input.
std::vector<float> mean_squares(Device device, std::int64_t batch, const LayerInput& x,
                                std::int64_t columns) {
    const Tensor rows(device, MemoryTag::workspace, {batch, columns}, "calibration rows");
    device.backend.run(GatherRows{batch, columns, x.x, x.stride, x.rows, rows.data(), columns});
    const HostTensor host = rows.to_host(device.backend);
    std::vector<double> sums(static_cast<std::size_t>(columns));
    for (std::size_t i = 0; i < host.values.size(); ++i)
        sums[i % sums.size()] += static_cast<double>(host.values[i]) * static_cast<double>(host.values[i]);
    std::vector<float> means;
    for (const double sum : sums) means.push_back(static_cast<float>(sum / static_cast<double>(batch)));
    return means;
}

void require_fit(Model& model, const FeatureMatrix& features, const Dataset& dataset) {
    const std::vector<Layer*> layers = model.layers();
    const std::int64_t inputs = layers.front()->inputs(),
                       classes = layers.back()->outputs() / model.predictions();
    if (inputs != features.columns || classes != dataset.classes())
        throw Error("model file",
                    fmt::format("it takes {} features to {} classes, and the data have {} and {}", inputs,
                                classes, features.columns, dataset.classes()),
                    "use it with its own data");
}

}  // namespace

FileJudge::FileJudge(const Json& config, const std::string& dataset, const std::string& data,
                     const Json& dataset_options, const std::string& backend, const Progress& progress,
                     std::shared_ptr<Workspace> workspace)
    : impl_(std::make_unique<Impl>()) {
    impl_->workspace = workspace ? std::move(workspace) : std::make_shared<Workspace>();
    ExperimentConfig& own = impl_->config;
    own = resolved_model(config_from_json(config, "the model file"));
    own.dataset = dataset;
    own.data = data;
    own.dataset_options = dataset_options;
    own.backend = backend;
    impl_->backend = open_backend(backend);
    impl_->dataset = impl_->workspace->dataset(dataset, data, dataset_options, progress);
    impl_->test = compute_features(impl_->device(), impl_->dataset->test, impl_->config.features,
                                   "test features", progress);
}

FileJudge::~FileJudge() = default;
FileJudge::FileJudge(FileJudge&&) noexcept = default;
FileJudge& FileJudge::operator=(FileJudge&&) noexcept = default;

Evaluation FileJudge::evaluate(const ModelFile& file) const {
    const Device device = impl_->device();
    FeatureMatrix own;
    const FeatureMatrix& test = impl_->as_trained(file, impl_->test, own);
    const std::int64_t batch =
        std::min<std::int64_t>(impl_->config.batch, std::max<std::int64_t>(test.rows, 1));
    const auto model = impl_->load(file, test, batch);
    return evaluate_model(device, *model, test, impl_->dataset->test, {}, batch, *impl_->dataset, 0);
}

Importances FileJudge::calibrate(const ModelFile& file, const Progress& progress) const {
    const Device device = impl_->device();
    Backend& backend = *impl_->backend;
    const FeatureMatrix all = compute_features(device, impl_->dataset->train, impl_->config.features,
                                               "training features", progress);
    FeatureMatrix own;
    const FeatureMatrix& train = impl_->as_trained(file, all, own);
    // A window of tokens is as many samples as it has places.
    const std::int64_t places = impl_->config.features == "tokens" ? train.columns : 1;
    const std::int64_t batch = std::min(
        std::max<std::int64_t>(kCalibrationSamples / std::max<std::int64_t>(places, 1), 1), train.rows);
    if (batch == 0) return {};
    // Spread over the set, which may be in the order of its classes.
    std::vector<std::uint32_t> spread;
    for (std::int64_t i = 0; i < batch; ++i)
        spread.push_back(static_cast<std::uint32_t>(i * train.rows / batch));
    const Buffer rows(device, MemoryTag::data, spread.size() * sizeof(std::uint32_t), "calibration rows");
    backend.copy_to_device(rows.data(), spread.data(), rows.bytes());
    const Batch samples{batch, train.values.data(), train.stride, rows.as<std::uint32_t>(), nullptr};
    const auto model = impl_->load(file, train, batch);
    const Tensor logits(device, MemoryTag::activations,
                        {batch, model->predictions() * impl_->dataset->classes()}, "calibration logits");
    const auto scores = [&] {
        model->infer(samples, logits.data());
        return logits.to_host(backend).values;
    };
    const std::vector<float> reference = scores();

    Importances result;
    LayerInput input{samples.x, samples.stride, samples.rows};
    Tensor before, after;
    for (Layer* layer : model->layers()) {
        const std::vector<float> squares = mean_squares(device, batch, input, layer->inputs());
        for (Parameter* parameter : layer->parameters()) {
            if (!parameter->trained) continue;
            report(progress, "calibrating " + layer->name(), 0);
            Importance importance;
            if (layer->kind() == "dense" && parameter->value.shape().rank() == 2) importance.column = squares;
            // What a small error does: that of four bits a value.
            const HostTensor whole = parameter->value.to_host(backend);
            const std::string name = tensor_name(*layer, *parameter);
            const HostTensor coarse = [&] {
                try {
                    return unpack(device, find_method("int4").prepare(device, whole)->pack(1));
                } catch (const OutOfMemory&) {
                    throw;
                } catch (const Error& failure) {
                    throw Error("tensor '" + name + "'", failure.what(), failure.hint());
                }
            }();
            parameter->value.assign(backend, coarse);
            const std::vector<float> moved = scores();
            parameter->value.assign(backend, whole);
            double change = 0;
            for (std::size_t i = 0; i < moved.size(); ++i)
                change += std::pow(static_cast<double>(moved[i]) - static_cast<double>(reference[i]), 2);
            const double damage = importance.damage(whole, coarse);
            if (damage > 0) importance.scale = change / static_cast<double>(batch) / damage;
            result[name] = std::move(importance);
        }
        after = Tensor(device, MemoryTag::activations, {batch, layer->outputs()}, "calibration activations");
        layer->forward(batch, input, after.data(), false);
        input = {after.data(), layer->outputs(), nullptr};
        before = std::move(after);
    }
    return result;
}

FileJudge::PackedRun FileJudge::evaluate_packed(const ModelFile& file, std::size_t limit) const {
    impl_->require_fitting_text(file, impl_->test);
    FeatureMatrix own;
    const FeatureMatrix& test = impl_->as_trained(file, impl_->test, own);
    std::int64_t batch = std::min<std::int64_t>(impl_->config.batch, std::max<std::int64_t>(test.rows, 1));
    std::exception_ptr shortage;
    for (; batch >= 1; batch /= 2) {
        try {
            MemoryBudget budget(limit);
            const Device device{*impl_->backend, budget};
            const PackedModel packed = make_packed_model(device, file, batch);
            require_fit(*packed.model, test, *impl_->dataset);
            PackedRun run;
            run.evaluation = evaluate_model(device, *packed.model, test, impl_->dataset->test, {}, batch,
                                            *impl_->dataset, 0);
            run.ways = packed.ways;
            run.batch = batch;
            run.peak_bytes = budget.total().peak;
            return run;
        } catch (const OutOfMemory&) {
            shortage = std::current_exception();
        }
    }
    const std::size_t least = impl_->least_limit(file, test);
    if (least <= limit) std::rethrow_exception(shortage);  // it is not the limit that there is too little of
    throw BadValue("memory_limit", fmt::format("{} bytes are too few for this model", limit),
                   fmt::format("give at least {}, which one sample at a time needs", least));
}

std::size_t FileJudge::Impl::least_limit(const ModelFile& file, const FeatureMatrix& features) {
    MemoryBudget budget(available_memory());
    const Device own{*backend, budget};
    const PackedModel packed = make_packed_model(own, file, 1, BlockRows::fewest);
    FeatureMatrix first{1, features.columns, features.stride, features.shape, {}};
    first.values = Tensor(device(), MemoryTag::data, {1, features.stride}, "first test features");
    if (features.rows > 0)
        backend->copy_on_device(first.values.data(), features.values.data(), first.values.bytes());
    evaluate_model(own, *packed.model, first, dataset->test, {}, 1, *dataset, 0);
    return std::max(packed.least_limit, budget.total().peak);
}

ModelFile FileJudge::fine_tune(const ModelFile& source, const ModelFile& compressed, const FineTuning& tuning,
                               const Progress& progress) const {
    ExperimentConfig config = impl_->config;
    config.epochs = tuning.epochs;
    if (tuning.learning_rate) config.learning_rate = *tuning.learning_rate;
    return spectral::fine_tune(source, compressed, config, impl_->workspace, progress);
}

Evaluation evaluate_file(const ModelFile& file, const std::string& dataset, const std::string& data,
                         const Json& dataset_options, const std::string& backend, const Progress& progress) {
    return FileJudge(file.config, dataset, data, dataset_options, backend, progress).evaluate(file);
}

}  // namespace spectral
