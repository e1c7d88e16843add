#include "ui/session/compress_session.hpp"

#include <QFileInfo>
#include <QMetaObject>
#include <utility>

#include "engine/core/own_device.hpp"
#include "engine/io/model_file.hpp"
#include "engine/io/tensor_file.hpp"
#include "engine/train/config.hpp"
#include "engine/train/evaluate.hpp"
#include "engine/train/fine_tune.hpp"
#include "ui/session/progress_pace.hpp"

namespace spectral::ui {

namespace {

QString text_of(std::string_view text) { return QString::fromUtf8(text.data(), qsizetype(text.size())); }

struct Trouble {
    QString what, hint;
};

/// Runs `work`; gives what it threw, nothing when it went well. Cancelled work is gone without a word.
template <class Body>
std::optional<Trouble> trouble_of(const Body& work) {
    try {
        work();
    } catch (const Cancelled&) {
        return std::nullopt;
    } catch (const Error& error) {
        return Trouble{QString::fromUtf8(error.what()), QString::fromStdString(error.hint())};
    } catch (const std::exception& error) {
        return Trouble{QString::fromUtf8(error.what()), {}};
    }
    return std::nullopt;
}

}  // namespace

/// What packing a model needs and every ratio shares.
struct CompressSession::PackState {
    Model model;  // the compressor refers to it
    /// Grows with method, data and model: what is prepared for an older one is not needed any more.
    std::atomic<int> setup = 0;
    std::optional<OwnDevice> device;
    std::optional<DataPlace> data;  ///< of judge, also where it could not be opened
    std::optional<FileJudge> judge;
    std::optional<double> before;
    Importances importances;
    std::string method;
    std::optional<ModelCompressor> compressor;
    bool warm = false;  ///< it has packed once: from there on every ratio costs little

    /// Where the data cannot be used, gives why. Cancelled, and where memory is short, which may pass, it
    /// throws, and the next pack asks for them again.
    std::optional<QString> open_data(const DataPlace& place, const std::shared_ptr<Workspace>& workspace,
                                     const Progress& progress) {
        try {
            judge.emplace(model->config, place.dataset, place.path, place.options, "auto", progress,
                          workspace);
            importances = judge->calibrate(*model, progress);
            return std::nullopt;
        } catch (const Error& error) {
            judge.reset();
            if (dynamic_cast<const OutOfMemory*>(&error) != nullptr) throw;
            return QString::fromUtf8(error.what());
        } catch (...) {
            judge.reset();
            throw;
        }
    }
};

struct CompressSession::ExploreState {
    std::optional<OwnDevice> device;
    std::string name, method;
    std::optional<TensorExplorer> explorer;
};

CompressSession::CompressSession(std::shared_ptr<Workspace> workspace, QObject* parent)
    : QObject(parent), workspace_(std::move(workspace)) {
    connect(&background_, &Background::failed, this, &CompressSession::failed);
}

CompressSession::~CompressSession() {
    if (pack_state_) ++pack_state_->setup;
    for (LatestWorker* worker : {&pack_worker_, &explore_worker_, &curves_worker_, &model_curves_worker_})
        worker->drop();
}

void CompressSession::open(const QString& path) {
    background_.run([this, path, number = ++opens_]() -> Background::Ending {
        MemoryBudget free(available_memory());
        Reservation room = free.reserve(MemoryTag::data, 0, "weights");
        TensorFile file = read_tensor_file(path.toStdString(), &room);
        QStringList skipped;
        for (const std::string& each : file.skipped) skipped.append(QString::fromStdString(each));
        auto model = std::make_shared<const ModelFile>(std::move(file.model));
        return [this, path, model, skipped, number] {
            if (number == opens_) show(path, model, skipped);
        };
    });
}

void CompressSession::show(const QString& path, Model model, QStringList skipped) {
    for (LatestWorker* worker : {&pack_worker_, &explore_worker_, &curves_worker_, &model_curves_worker_})
        worker->drop();
    if (pack_state_) ++pack_state_->setup;
    ++generation_;
    path_ = path;
    model_ = std::move(model);
    skipped_ = std::move(skipped);
    fixed_.clear();
    result_.reset();
    packing_ = judging_ = judgeable_ = tuning_ = false;
    pack_state_ = std::make_shared<PackState>();
    pack_state_->model = model_;
    explore_state_ = std::make_shared<ExploreState>();
    Q_EMIT opened();
}

void CompressSession::post(int generation, std::function<void()> then) {
    QMetaObject::invokeMethod(
        this,
        [this, generation, then = std::move(then)] {
            if (generation == generation_) then();
        },
        Qt::QueuedConnection);
}

std::shared_ptr<const HostTensor> CompressSession::shared_tensor(const std::string& name) const {
    if (!model_) return nullptr;
    for (const LayerRecord& layer : model_->layers)
        for (const NamedTensor& each : layer.tensors)
            if (layer.name + "/" + each.name == name) return {model_, &each.tensor};
    return nullptr;
}

const HostTensor* CompressSession::tensor(const std::string& name) const { return shared_tensor(name).get(); }

std::optional<DataPlace> CompressSession::data_of_model() const {
    if (!model_ || model_->dataset.empty()) return std::nullopt;
    std::optional<DataPlace> place;
    // A file without a configuration of ours can be compressed, but not judged.
    trouble_of([&] {
        const ExperimentConfig config = config_from_json(model_->config, path_.toStdString());
        place = DataPlace{config.dataset, config.data, config.dataset_options};
    });
    return place;
}

void CompressSession::pack(double ratio, const std::string& method, const std::optional<DataPlace>& data) {
    if (!model_) return;
    packing_ = true;
    tuning_ = false;
    const int asked = ++asked_;
    asked_ratio_ = ratio;
    const bool other_method = std::exchange(asked_method_, method) != method;
    const bool other_data = std::exchange(asked_data_, data) != data;
    if (other_method || other_data) ++pack_state_->setup;
    pack_worker_.submit([this, asked, ratio, method, data, model = model_, state = pack_state_,
                         setup = pack_state_->setup.load(), fixed = fixed_,
                         generation = generation_](const std::atomic<bool>& unwanted) {
        // What the first ratio prepares serves all others, so that only a newer method or model stops it.
        ProgressPace pace;
        const Progress progress = [&](std::string_view what, double fraction) {
            if (pace.is_due(what))
                post(generation, [this, fraction, text = text_of(what)] {
                    if (packing_) Q_EMIT packProgressed(fraction, text);
                });
            return state->setup == setup && !(unwanted && state->warm);
        };
        const std::optional<Trouble> trouble = trouble_of([&] {
            if (!state->device) state->device.emplace("auto", workspace_->budget());
            const bool new_data = state->data != data;
            if (new_data) {
                state->data.reset();
                state->judge.reset();
                state->importances.clear();
                state->before.reset();
            }
            if (new_data || state->method != method || !state->compressor) {
                state->compressor.reset();
                state->warm = false;
            }
            if (new_data && data)
                if (const std::optional<QString> why = state->open_data(*data, workspace_, progress))
                    post(generation, [this, why = *why] { Q_EMIT dataMissing(why); });
            state->data = data;
            if (!state->compressor) {
                CompressRequest request;
                request.method = method;
                request.importances = state->importances;
                state->compressor.emplace(state->device->get(), *model, request, progress);
                state->method = method;
            }
            const auto result = std::make_shared<const CompressResult>(
                state->compressor->pack({CompressTarget::By::ratio, ratio}, progress, fixed));
            state->warm = true;
            deliver(generation, asked, result, state->judge.has_value(), 0);
            judge(generation, result, *state, unwanted);
        });
        if (!trouble) return;
        // The weighing is done also where the ratio was out of reach.
        post(generation, [this, asked, trouble = *trouble] {
            if (asked != asked_) return;
            packing_ = judging_ = judgeable_ = false;
            result_.reset();
            Q_EMIT packFailed(trouble.what, trouble.hint);
        });
    });
}

void CompressSession::deliver(int generation, int asked, const Result& result, bool judged,
                              int tuned_epochs) {
    post(generation, [this, asked, result, judged, tuned_epochs] {
        if (tuned_epochs > 0 && asked != asked_) return;  // cancelled meanwhile
        result_ = result;
        tuned_epochs_ = tuned_epochs;
        packing_ = asked != asked_;
        judging_ = judgeable_ = judged;
        accuracy_before_ = accuracy_after_ = std::nullopt;
        Q_EMIT packed();
    });
}

void CompressSession::judge(int generation, const Result& result, PackState& state,
                            const std::atomic<bool>& unwanted) {
    if (!state.judge) return;
    std::optional<double> after;
    // A result that cannot be judged can be exported all the same.
    const std::optional<Trouble> trouble = trouble_of([&] {
        if (unwanted) return;
        if (!state.before) state.before = state.judge->evaluate(*state.model).accuracy;
        if (!unwanted) after = state.judge->evaluate(result->model).accuracy;
    });
    post(generation, [this, result, before = state.before, after, trouble] {
        if (result_ != result) return;
        judging_ = false;
        if (after) {
            accuracy_before_ = before;
            accuracy_after_ = after;
        }
        if (trouble) Q_EMIT failed(trouble->what, trouble->hint);
        Q_EMIT judged();
    });
}

void CompressSession::fine_tune(int epochs) {
    if (!can_fine_tune()) return;
    packing_ = tuning_ = true;
    const int asked = ++asked_;
    pack_worker_.submit([this, asked, epochs, ratio = asked_ratio_, model = model_, state = pack_state_,
                         setup = pack_state_->setup.load(), fixed = fixed_,
                         generation = generation_](const std::atomic<bool>& unwanted) {
        ProgressPace pace;
        const Progress progress = [&](std::string_view what, double fraction) {
            if (pace.is_due(what))
                post(generation, [this, asked, fraction, text = text_of(what)] {
                    if (packing_ && asked == asked_) Q_EMIT packProgressed(fraction, text);
                });
            return state->setup == setup && !unwanted;
        };
        const std::optional<Trouble> trouble = trouble_of([&] {
            const FileJudge& judge_of_data = state->judge.value();
            const auto tune = [&](const ModelFile& packed) {
                return judge_of_data.fine_tune(*model, packed, {epochs, std::nullopt}, progress);
            };
            const auto result = std::make_shared<const CompressResult>(pack_and_tune(
                state->compressor.value(), {CompressTarget::By::ratio, ratio}, fixed, tune, progress));
            deliver(generation, asked, result, true, epochs);
            judge(generation, result, *state, unwanted);
        });
        post(generation, [this, asked, trouble] {
            if (asked != asked_) return;
            if (trouble) Q_EMIT failed(trouble->what, trouble->hint);
            end_fine_tuning();
        });
    });
}

void CompressSession::cancel_fine_tuning() {
    if (!tuning_) return;
    pack_worker_.drop();
    ++asked_;  // what its thread still posts comes too late
    judging_ = false;
    end_fine_tuning();
}

void CompressSession::end_fine_tuning() {
    packing_ = tuning_ = false;
    Q_EMIT fineTuningEnded();
}

void CompressSession::cancel_comparison() {
    model_curves_worker_.drop();
    ++comparison_;
    Q_EMIT comparisonEnded({}, {});
}

std::optional<std::pair<double, double>> CompressSession::accuracy() const {
    if (!accuracy_before_ || !accuracy_after_) return std::nullopt;
    return std::pair(*accuracy_before_, *accuracy_after_);
}

bool CompressSession::fix(const std::string& name, std::optional<PackedTensor> packed) {
    if (!packed) return fixed_.erase(name) > 0;
    PackedTensor& own = fixed_[name];
    if (own == *packed) return false;
    own = std::move(*packed);
    return true;
}

void CompressSession::explore(const std::string& name, const std::string& method, double density) {
    const auto dense = shared_tensor(name);
    if (!dense) return;
    explore_worker_.submit([this, name, method, density, dense, state = explore_state_,
                            generation = generation_](const std::atomic<bool>& unwanted) {
        const std::optional<Trouble> trouble = trouble_of([&] {
            if (!state->device) state->device.emplace("auto", workspace_->budget());
            if (!state->explorer || state->name != name || state->method != method) {
                state->explorer.reset();  // before the next one needs its room
                state->explorer.emplace(state->device->get(), dense, method);
                state->name = name;
                state->method = method;
                post(generation, [this, name, view = state->explorer->view()] { Q_EMIT viewed(name, view); });
                if (unwanted) return;
            }
            const auto look = std::make_shared<const TensorLook>(state->explorer->look(density));
            post(generation, [this, name, look] { Q_EMIT looked(name, look); });
        });
        if (trouble) post(generation, [this, what = trouble->what] { Q_EMIT exploreFailed(what); });
    });
}

void CompressSession::compare(const std::string& name) {
    const auto dense = shared_tensor(name);
    if (!dense) return;
    curves_worker_.submit([this, name, dense, generation = generation_](const std::atomic<bool>& unwanted) {
        const std::optional<Trouble> trouble = trouble_of([&] {
            const OwnDevice device("auto", workspace_->budget());
            const auto curves = std::make_shared<const std::vector<Curve>>(tensor_curves(
                device.get(), name, *dense, [&](std::string_view, double) { return !unwanted; }));
            post(generation, [this, name, curves] { Q_EMIT curvesReady(name, curves); });
        });
        // What a tensor cannot be compared by, it cannot be looked at by either, and that says why.
        if (trouble) post(generation, [this, what = trouble->what] { Q_EMIT exploreFailed(what); });
    });
}

void CompressSession::compare_model(const std::optional<DataPlace>& data) {
    if (!model_) return;
    model_curves_worker_.submit([this, data, model = model_, comparison = ++comparison_,
                                 generation = generation_](const std::atomic<bool>& unwanted) {
        ProgressPace pace;
        const Progress progress = [&](std::string_view what, double fraction) {
            if (pace.is_due(what))
                post(generation, [this, comparison, fraction, text = text_of(what)] {
                    if (comparison == comparison_) Q_EMIT comparisonProgressed(fraction, text);
                });
            return !unwanted;
        };
        const std::optional<Trouble> trouble = trouble_of([&] {
            const OwnDevice device("auto", workspace_->budget());
            std::optional<FileJudge> judge;
            if (data)
                judge.emplace(model->config, data->dataset, data->path, data->options, "auto", progress,
                              workspace_);
            const auto curves = std::make_shared<const std::vector<Curve>>(model_curves(
                device.get(), *model, judge ? judge->calibrate(*model, progress) : Importances(),
                judge ? Judgement([&](const ModelFile& file) { return judge->evaluate(file).accuracy; })
                      : Judgement(),
                progress));
            post(generation, [this, comparison, curves] {
                if (comparison == comparison_) Q_EMIT curvesReady({}, curves);
            });
        });
        post(generation, [this, comparison, trouble] {
            if (comparison != comparison_) return;
            Q_EMIT comparisonEnded(trouble ? trouble->what : QString(), trouble ? trouble->hint : QString());
        });
    });
}

void CompressSession::export_to(const QString& path) {
    if (!result_) return;
    background_.run([this, path, result = result_, before = accuracy_before_,
                     after = accuracy_after_]() -> Background::Ending {
        ExportReport report{path,  result->dense_bytes, 0, result->relative_error, before,
                            after, result->tensors};
        ModelFile model = result->model;
        if (after) model.metrics = {{"test_accuracy", *after}};
        write_model_file(path.toStdString(), model, &workspace_->budget());
        report.file_bytes = QFileInfo(path).size();  // as it is, not as it was expected
        return [this, report] { Q_EMIT exported(report); };
    });
}

}  // namespace spectral::ui
