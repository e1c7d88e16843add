#include "ui/session/run_session.hpp"

#include <QFileInfo>
#include <QMetaObject>
#include <algorithm>
#include <ctime>
#include <exception>
#include <functional>
#include <string_view>
#include <thread>
#include <utility>

#include "engine/core/error.hpp"
#include "engine/io/model_file.hpp"
#include "engine/train/start.hpp"
#include "ui/session/model_view.hpp"

namespace spectral::ui {

namespace {

constexpr int kDrainInterval_ms = 33;
constexpr qint64 kSlowestDrain_ms = 1000, kHurry_ms = 300;
constexpr double kWindowShare = 0.004;  ///< of all cores together, while a run is going

/// A file's model for as long as it is looked at or copied, counted in the budget.
struct CountedModel {
    CountedModel(const std::string& path, MemoryBudget& budget)
        : room(budget.reserve(MemoryTag::workspace, 0, "model file")), file(read_model_file(path, &room)) {}

    Reservation room;
    ModelFile file;
};

}  // namespace

RunSession::RunSession(std::shared_ptr<Workspace> workspace, QObject* parent)
    : QObject(parent), workspace_(workspace ? std::move(workspace) : std::make_shared<Workspace>()) {
    timer_.setInterval(kDrainInterval_ms);
    connect(&timer_, &QTimer::timeout, this, &RunSession::drain);
    connect(&background_, &Background::failed, this, &RunSession::failed);
}

RunSession::~RunSession() {
    timer_.stop();
    run_.reset();
}

void RunSession::start(const ExperimentConfig& config, RunOptions options) {
    // A profiler watches one backend: not this run's while one that is being stopped still has it.
    options.profiler = run_ ? nullptr : profiler_;
    if (run_) retire(std::move(run_));
    // A run that goes on with the model on show extends its curves.
    const bool goes_on = !options.resume.empty() && QString::fromStdString(options.resume) == output_;
    if (!goes_on) record_.clear();
    stopping_ = false;
    awaited_files_.clear();
    awaited_replacements_ = 0;
    ++runs_;
    next_drain_.setRemainingTime(0);
    state_ = RunState::preparing;
    output_ = QString::fromStdString(options.out);
    resumable_ = true;
    options.send_snapshots = true;
    options.text_every = kTextEvery;
    options.workspace = workspace_;
    run_ = std::make_unique<TrainingRun>(config, std::move(options));
    ++file_number_;
    leave_file();
    if (attention_) send(command::LookAtAttention{attention_});
    timer_.start();
    Q_EMIT stateChanged();
}

void RunSession::send(Command command) {
    // What was asked for shows as soon as the run has done it.
    next_drain_.setRemainingTime(0);
    unhurried_.setRemainingTime(kHurry_ms);
    if (run_) run_->send(std::move(command));
}

void RunSession::stop() {
    if (!run_ || stopping_) return;
    stopping_ = true;
    send(command::Stop{});
    Q_EMIT stateChanged();
}

bool RunSession::has_model() const {
    // An empty file only keeps the name of a run.
    return !output_.isEmpty() && (active() || QFileInfo(output_).size() > 0);
}

void RunSession::pace() {
    timespec now{};
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) != 0) return;
    const double cpu_ms = 1e3 * static_cast<double>(now.tv_sec) + 1e-6 * static_cast<double>(now.tv_nsec);
    const double frame_ms = cpu_ms - std::exchange(cpu_at_drain_ms_, cpu_ms);
    const double share = kWindowShare * std::max(1U, std::thread::hardware_concurrency());
    if (unhurried_.hasExpired())
        next_drain_.setRemainingTime(std::min(static_cast<qint64>(frame_ms / share), kSlowestDrain_ms));
}

void RunSession::drain() {
    TrainingRun* const run = run_.get();
    if (run == nullptr) return;
    if (!run->done() && !next_drain_.hasExpired()) return;
    pace();
    const Updates updates = run->take_updates();
    // Not whether it is done: an end that came meanwhile is in the mailbox, to be taken next time.
    const bool ended = updates.state && is_end(*updates.state);
    if (!updates.empty()) {
        record_.add(updates);
        const bool changed = updates.state && updates.state != state_;
        if (updates.state) state_ = updates.state;
        Q_EMIT updated(updates);
        if (changed) Q_EMIT stateChanged();
    }
    report_files(updates);
    report_replacements(updates);
    if (!ended || run_.get() != run) return;
    timer_.stop();
    const RunResult result = run->result();
    state_ = result.state;
    stopping_ = false;
    const QStringList missed = std::exchange(awaited_files_, {});
    const bool not_replaced = std::exchange(awaited_replacements_, 0) > 0;
    retire(std::move(run_));
    ++file_number_;
    // What the run did not come to show, its file does.
    if (attention_ && (!record_.attention() || record_.attention()->request != *attention_)) ask_attention();
    Q_EMIT stateChanged();
    for (const QString& path : missed)
        Q_EMIT failed(tr("%1 was not written: the run ended first.").arg(path), {});
    if (not_replaced) fail_replacement();
    Q_EMIT finished(result);
}

void RunSession::report_files(const Updates& updates) {
    for (const FileReport& file : updates.files) {
        const QString path = QString::fromStdString(file.path);
        if (file.asked_for) awaited_files_.removeOne(path);
        if (!file.problem.empty())
            Q_EMIT failed(QString::fromStdString(file.problem), QString::fromStdString(file.hint));
        else if (file.asked_for)
            Q_EMIT fileWritten(path);
    }
}

void RunSession::report_replacements(const Updates& updates) {
    for (const ReplacementReport& each : updates.replacements) {
        --awaited_replacements_;
        if (each.problem.empty())
            Q_EMIT replaced(QString::fromStdString(each.parameter), each.step);
        else
            Q_EMIT failed(QString::fromStdString(each.problem), QString::fromStdString(each.hint));
    }
}

void RunSession::fail_replacement() {
    Q_EMIT failed(tr("The pattern was not put into the run: it ended first."),
                  tr("Save it as a starting point instead."));
}

void RunSession::replace(const StartingPoint& point) {
    if (!run_) return fail_replacement();
    background_.run([this, point, run = runs_] {
        ParameterPart part = point.part();
        return std::function<void()>([this, run, part = std::move(part)]() mutable {
            if (!run_ || run != runs_) return fail_replacement();
            ++awaited_replacements_;
            send(command::ReplaceParameter{std::move(part)});
        });
    });
}

void RunSession::save_start(const StartingPoint& point, const QString& path) {
    background_.run([this, point, from = output_.toStdString(), to = path.toStdString()] {
        MemoryBudget& budget = workspace_->budget();
        CountedModel model(from, budget);
        write_model_file(to, starting_point(std::move(model.file), point.part()), &budget);
        return std::function<void()>([this, to] { Q_EMIT startWritten(QString::fromStdString(to)); });
    });
}

void RunSession::retire(std::unique_ptr<TrainingRun> run) {
    run->send(command::Stop{});
    // Its destructor waits for the worker, so it runs on a thread of its own.
    auto holder = std::make_shared<std::unique_ptr<TrainingRun>>(std::move(run));
    background_.run([holder]() -> std::function<void()> {
        holder->reset();
        return {};
    });
}

void RunSession::save(const QString& path, bool with_state) {
    if (run_) {
        awaited_files_ << path;
        send(command::CheckpointNow{path.toStdString(), with_state});
        return;
    }
    background_.run([this, from = output_.toStdString(), to = path.toStdString(), with_state] {
        MemoryBudget& budget = workspace_->budget();
        CountedModel model(from, budget);
        if (!with_state) model.file.checkpoint.reset();
        write_model_file(to, model.file, &budget);
        return std::function<void()>([this, to] { Q_EMIT fileWritten(QString::fromStdString(to)); });
    });
}

void RunSession::look_at_attention(std::optional<AttentionRequest> request) {
    attention_ = std::move(request);
    ask_attention();
}

void RunSession::leave_file() {
    attention_worker_.submit([this](const std::atomic<bool>&) { looked_into_ = {}; });
}

void RunSession::ask_attention() {
    if (run_) return send(command::LookAtAttention{attention_});
    if (!attention_ || !has_model()) return leave_file();
    attention_worker_.submit([this, path = output_.toStdString(), request = *attention_,
                              number = file_number_](const std::atomic<bool>& unwanted) {
        look_into_file(path, request, number, unwanted);
    });
}

void RunSession::look_into_file(const std::string& path, const AttentionRequest& request, std::int64_t number,
                                const std::atomic<bool>& unwanted) {
    auto view = std::make_shared<AttentionView>();
    try {
        if (looked_into_.number != number) {
            looked_into_ = {};
            looked_into_ = {number, std::make_unique<FileAttention>(path, workspace_)};
        }
        *view =
            looked_into_.attention->look(request, [&](std::string_view, double) { return !unwanted.load(); });
    } catch (const Cancelled&) {
        return;
    } catch (const Error& error) {
        view->problem = error.what();
        view->hint = error.hint();
    } catch (const std::exception& error) {
        view->problem = error.what();
    }
    view->request = request;
    if (unwanted) return;
    QMetaObject::invokeMethod(
        this,
        [this, number, view = std::shared_ptr<const AttentionView>(std::move(view))] {
            if (run_ || number != file_number_) return;
            Updates updates;
            updates.attention = view;
            record_.add(updates);
            Q_EMIT updated(updates);
        },
        Qt::QueuedConnection);
}

void RunSession::open(const QString& path) {
    if (run_) return;
    background_.run([this, path, number = ++opens_] {
        const CountedModel model(path.toStdString(), workspace_->budget());
        auto view = std::make_shared<ModelView>(view_model(model.file, path.toStdString()));
        return std::function<void()>([this, path, view, number] {
            if (run_ || number != opens_) return;
            record_ = std::move(view->record);
            state_.reset();
            output_ = path;
            resumable_ = view->resumable;
            ++file_number_;
            ask_attention();
            Q_EMIT stateChanged();
            Q_EMIT opened(path, view->config, view->sides);
        });
    });
}

}  // namespace spectral::ui
