#include "engine/train/trainer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <span>
#include <utility>

#include "engine/core/error.hpp"
#include "engine/core/random.hpp"
#include "engine/optim/schedule.hpp"
#include "engine/train/attention_view.hpp"
#include "engine/train/evaluate.hpp"
#include "engine/train/file_model.hpp"
#include "engine/train/generate.hpp"
#include "engine/train/trainer_impl.hpp"
#include "kernels/ops/optimiser.hpp"

namespace spectral {

namespace {

/// Streams of the run's seed; models use small numbers.
constexpr std::uint64_t kValidationStream = std::uint64_t{1} << 32;
constexpr std::uint64_t kEpochStream = std::uint64_t{2} << 32;

constexpr std::int64_t kMaxHistory = 65536;  ///< training points in a model file

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

Trainer::Impl::Impl(ExperimentConfig c, std::shared_ptr<Workspace> w, const Progress& progress,
                    std::shared_ptr<Profiler> p)
    : config(std::move(c)),
      workspace(std::move(w)),
      backend(open_backend(config.backend, static_cast<int>(config.threads))),
      device{*backend, workspace->budget()},
      watch(std::move(p), *backend),
      plans(device) {
    dataset = workspace->dataset(config.dataset, config.data, config.dataset_options, progress);
    features = workspace->features(dataset, config.features, config.backend, static_cast<int>(config.threads),
                                   *backend, progress);
    train = &features->train;
    test = &features->test;
    split();
    if (config.standardise) standardise(Standardisation::measure(device, *train, train_rows));
    // A batch larger than the data set would only waste memory.
    const std::int64_t max_batch = std::min(config.batch, std::max(train->rows, test->rows));
    require_memory();
    model = find_model(config.model)
                .make({device, config.model_options, train->shape, dataset->classes(), max_batch,
                       static_cast<std::uint64_t>(config.seed), backend->threads()});
    if (config.syntony_weight > 0 && !model->pull_to_syntony(config.syntony_weight))
        throw BadValue("syntony_weight", "the model has no layer whose syntony has a gradient",
                       "leave it out, or take a character model with --embedding winding");
    parameters = model->parameters();
    optimiser = make_optimiser(config.optimiser, device, parameters, config.momentum);
    order = Buffer(device, MemoryTag::data, train_rows.size() * sizeof(std::uint32_t), "epoch order");
    order_labels =
        Buffer(device, MemoryTag::data,
               train_rows.size() * static_cast<std::size_t>(model->predictions()) * sizeof(std::int32_t),
               "epoch labels");
    sums = Buffer(device, MemoryTag::workspace, sizeof(LossSums), "loss sums");
    verdict = Buffer(device, MemoryTag::workspace, sizeof(StepVerdict), "verdict on a step");
    provenance = provenance_of(*backend);
    at.learning_rate = config.learning_rate;
    at.data_seed = static_cast<std::uint64_t>(config.seed);
}

void Trainer::Impl::split() {
    rows_room = device.budget.reserve(
        MemoryTag::data, static_cast<std::size_t>(train->rows) * sizeof(std::uint32_t), "row numbers");
    train_rows.resize(static_cast<std::size_t>(train->rows));
    std::iota(train_rows.begin(), train_rows.end(), 0U);
    const auto held_out =
        static_cast<std::size_t>(std::llround(config.validation * static_cast<double>(train_rows.size())));
    if (held_out > 0) {
        Random(static_cast<std::uint64_t>(config.seed), kValidationStream).shuffle(train_rows);
        held_out_rows.assign(train_rows.end() - static_cast<std::ptrdiff_t>(held_out), train_rows.end());
        train_rows.resize(train_rows.size() - held_out);
        std::ranges::sort(train_rows);
        std::ranges::sort(held_out_rows);
    }
    require(!train_rows.empty(), "training set", "no sample is left to train on",
            "hold out a smaller fraction");
}

void Trainer::Impl::require_memory() const {
    const ModelInfo& info = find_model(config.model);
    const auto count =
        static_cast<double>(info.count_parameters(config.model_options, train->shape, dataset->classes()));
    // Values, gradients, and the two moments of Adam.
    const double needed = 4 * sizeof(float) * count;
    const auto room = static_cast<double>(std::min(available_memory(), workspace->budget().limit()));
    if (needed > room)
        throw Error(
            "model " + config.model,
            fmt::format("{:.3g} parameters need {:.1f} GiB with gradients and optimiser, and {:.1f} GiB "
                        "are free",
                        count, needed / (1 << 30), room / (1 << 30)),
            "make the model smaller");
}

void Trainer::Impl::standardise(Standardisation by) {
    standardisation = std::move(by);
    own_train = {};  // of another one: both at once would be a peak that is not needed
    own_test = {};
    own_train = copy_of(device, features->train, "standardised training features");
    own_test = copy_of(device, features->test, "standardised test features");
    for (FeatureMatrix* matrix : {&own_train, &own_test}) standardisation->apply(device, *matrix);
    train = &own_train;
    test = &own_test;
}

void Trainer::Impl::take_weights(const ModelFile& file) {
    if (auto own = Standardisation::from(file, train->columns)) standardise(std::move(*own));
    load_layers(device, *model, file);
}

void Trainer::Impl::prepare_epoch() {
    const Reservation room =
        device.budget.reserve(MemoryTag::workspace, order.bytes() + order_labels.bytes(), "shuffled epoch");
    std::vector<std::uint32_t> rows = train_rows;
    Random(at.data_seed, kEpochStream + static_cast<std::uint64_t>(at.epoch)).shuffle(rows);
    std::vector<std::int32_t> labels;
    labels.reserve(order_labels.bytes() / sizeof(std::int32_t));
    for (const std::uint32_t row : rows) {
        const std::span<const std::int32_t> truths = truths_of(dataset->train, row, model->predictions());
        labels.insert(labels.end(), truths.begin(), truths.end());
    }
    backend->copy_to_device(order.data(), rows.data(), order.bytes());
    backend->copy_to_device(order_labels.data(), labels.data(), order_labels.bytes());
    order_ready = true;
}

double Trainer::Impl::scheduled_rate() const {
    return at.learning_rate * schedule_factor(config.schedule, epoch() / static_cast<double>(config.epochs));
}

StepVerdict Trainer::Impl::train_on(const Batch& batch) {
    backend->run_as_one([&] {
        model->train_batch(batch, sums.as<LossSums>());
        for (const auto& weight : stored)
            if (weight) weight->pull_gradient();
        backend->run(JudgeStep{optimiser->slots(), sums.as<LossSums>(), verdict.as<StepVerdict>()});
        optimiser->update(at.step + 1, scheduled_rate(), verdict.as<StepVerdict>());
        for (const auto& weight : stored)
            if (weight) weight->push_value();
    });
    StepVerdict result;
    backend->copy_to_host(&result, verdict.data(), sizeof result);
    return result;
}

Trainer::StepResult Trainer::Impl::step() {
    const Clock::time_point start = Clock::now();
    watch.begin_step(at.step + 1);
    if (!order_ready) prepare_epoch();
    const std::int64_t first = at.batch_in_epoch * batch_size();
    const std::int64_t size = std::min(batch_size(), train_count() - first);
    const StepVerdict came_to =
        train_on({size, train->values.data(), train->stride, order.as<std::uint32_t>() + first,
                  order_labels.as<std::int32_t>() + first * model->predictions(), at.step + 1});
    const LossSums& batch = came_to.sums;

    StepResult result;
    const auto count = static_cast<double>(size * model->predictions());
    if (!std::isfinite(batch.loss))
        result.trouble = "the loss is not finite";
    else if (!came_to.finite())
        result.trouble = "the gradient is not finite";
    result.finite = result.trouble.empty();
    if (!result.finite) return result;

    ++at.step;
    ++at.batch_in_epoch;
    at.epoch_loss_sum += batch.loss;
    at.epoch_correct += batch.correct;
    samples_trained += size;
    result.epoch_finished = at.batch_in_epoch == steps_per_epoch();
    if (result.epoch_finished) finish_epoch();
    result.point = {at.step, epoch(), static_cast<float>(batch.loss / count),
                    static_cast<float>(static_cast<double>(batch.correct) / count)};
    record(result.point);
    const double seconds = seconds_since(start);
    train_seconds += seconds;
    epoch_seconds += seconds;
    if (result.epoch_finished) {
        const double whole = std::exchange(epoch_seconds, 0.0);
        if (!std::exchange(resumed_within_epoch, false)) at.epoch_seconds.push_back(whole);
    }
    return result;
}

void Trainer::Impl::finish_epoch() {
    const auto count = static_cast<double>(train_count() * model->predictions());
    ++at.epoch;
    means = {at.epoch, at.epoch_loss_sum / count, static_cast<double>(at.epoch_correct) / count};
    at.batch_in_epoch = 0;
    at.epoch_loss_sum = 0;
    at.epoch_correct = 0;
    order_ready = false;
}

void Trainer::Impl::record(const StepPoint& point) {
    std::int64_t every = 1;
    while (point.step / every > kMaxHistory) every *= 2;
    if (point.step % every != 0) return;
    if (static_cast<std::int64_t>(history.step.size()) > kMaxHistory) {
        History kept;
        for (std::size_t i = 0; i < history.step.size(); ++i) {
            if (history.step[i] % every != 0) continue;
            kept.step.push_back(history.step[i]);
            kept.loss.push_back(history.loss[i]);
            kept.accuracy.push_back(history.accuracy[i]);
        }
        history.step = std::move(kept.step);
        history.loss = std::move(kept.loss);
        history.accuracy = std::move(kept.accuracy);
    }
    history.step.push_back(point.step);
    history.loss.push_back(point.loss);
    history.accuracy.push_back(point.accuracy);
}

Evaluation Trainer::Impl::measure(bool held_out, std::int64_t examples) {
    Evaluation result = evaluate_model(
        device, *model, held_out ? *train : *test, held_out ? dataset->train : dataset->test,
        held_out ? std::span<const std::uint32_t>(held_out_rows) : std::span<const std::uint32_t>(),
        config.batch, *dataset, examples);
    result.step = at.step;
    result.syntony = model->syntony();
    return result;
}

void Trainer::Impl::add_metrics(const std::string& set, const Evaluation& result) {
    metrics[set + "_accuracy"] = result.accuracy;
    metrics[set + "_loss"] = result.loss;
}

Trainer::Trainer(const ExperimentConfig& config, std::shared_ptr<Workspace> workspace,
                 const Progress& progress, std::shared_ptr<Profiler> profiler)
    : impl_(std::make_unique<Impl>(config, std::move(workspace), progress, std::move(profiler))) {}

Trainer::~Trainer() = default;

Trainer::StepResult Trainer::step() { return impl_->step(); }

Evaluation Trainer::evaluate(std::int64_t examples) {
    const bool held_out = !impl_->held_out_rows.empty();
    Evaluation result = impl_->measure(held_out, examples);
    impl_->add_metrics(held_out ? "validation" : "test", result);
    History& history = impl_->history;
    if (!history.test_step.empty() && history.test_step.back() == result.step) return result;
    history.test_step.push_back(result.step);
    history.test_loss.push_back(static_cast<float>(result.loss));
    history.test_accuracy.push_back(static_cast<float>(result.accuracy));
    return result;
}

Evaluation Trainer::evaluate_test() {
    Evaluation result = impl_->measure(false, 0);
    impl_->add_metrics("test", result);
    return result;
}

Evaluation Trainer::measure() {
    const bool held_out = !impl_->held_out_rows.empty();
    Evaluation result = impl_->measure(held_out, 0);
    impl_->add_metrics(held_out ? "validation" : "test", result);
    return result;
}

std::vector<PatternSnapshot::Matrix> Trainer::patterns() { return impl_->model->patterns(); }
std::optional<double> Trainer::syntony() { return impl_->model->syntony(); }

std::optional<TextSample> Trainer::write_text(std::int64_t length, const Progress& progress) {
    Impl& s = *impl_;
    const Vocabulary& vocabulary = s.dataset->vocabulary;
    if (vocabulary.size() == 0 || s.model->predictions() != s.train->columns) return std::nullopt;
    const std::int32_t first = starting_token(vocabulary);
    const std::vector<std::int32_t> tokens =
        continue_tokens(s.device, *s.model, vocabulary.size(), std::span(&first, 1),
                        {.length = length, .seed = static_cast<std::uint64_t>(s.config.seed)}, progress);
    return TextSample{s.at.step, s.epoch(), displayable(vocabulary.decode(tokens))};
}

AttentionView Trainer::attention(const AttentionRequest& request) {
    Impl& s = *impl_;
    AttentionView view =
        view_attention(s.device, *s.model, s.dataset->vocabulary, s.dataset->test.tokens(), request);
    view.step = s.at.step;
    view.epoch = s.epoch();
    return view;
}

const ExperimentConfig& Trainer::config() const { return impl_->config; }

RunInfo Trainer::info() const {
    const Impl& s = *impl_;
    const ModelInfo& model = find_model(s.config.model);
    RunInfo info;
    info.model = model.name;
    info.model_title = model.title;
    info.note = model.note;
    info.dataset = s.config.dataset;
    info.backend = s.backend->name();
    info.device = s.backend->device();
    info.features = s.config.features;
    info.parameters = s.model->parameter_count();
    info.classes = s.dataset->classes();
    info.train_samples = s.train_count();
    info.evaluated_on = s.held_out_rows.empty() ? "test" : "validation";
    info.token_unit = s.dataset->token_unit();
    info.test_samples =
        s.held_out_rows.empty() ? s.test->rows : static_cast<std::int64_t>(s.held_out_rows.size());
    info.feature_count = s.train->columns;
    info.feature_shape = s.train->shape;
    info.steps_per_epoch = s.steps_per_epoch();
    info.epochs = s.config.epochs;
    info.batch = s.batch_size();
    info.learning_rate = s.at.learning_rate;
    return info;
}

History& Trainer::history() { return impl_->history; }
std::int64_t Trainer::step_count() const { return impl_->at.step; }
std::int64_t Trainer::epochs_done() const { return impl_->at.epoch; }
double Trainer::epoch() const { return impl_->epoch(); }
bool Trainer::finished() const { return impl_->at.epoch >= impl_->config.epochs; }
double Trainer::learning_rate() const { return impl_->at.learning_rate; }
void Trainer::set_learning_rate(double value) { impl_->at.learning_rate = value; }
void Trainer::set_epochs(std::int64_t total) { impl_->config.epochs = total; }
EpochMeans Trainer::epoch_means() const { return impl_->means; }
const std::vector<double>& Trainer::epoch_seconds() const { return impl_->at.epoch_seconds; }
double Trainer::train_seconds() const { return impl_->train_seconds; }
std::int64_t Trainer::samples_trained() const { return impl_->samples_trained; }
MemoryBudget& Trainer::budget() { return impl_->workspace->budget(); }
std::vector<PlanInfo> Trainer::plans() { return impl_->plans.look(); }
void Trainer::clear_plans() { impl_->plans.clear(); }

}  // namespace spectral
