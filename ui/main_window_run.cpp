// What the window does with a run: starting it, going on with a model, steering, closing.
#include <QAction>
#include <QCloseEvent>
#include <QDesktopServices>
#include <QDir>
#include <QFile>
#include <QFileInfo>
#include <QLocale>
#include <QSettings>
#include <QStandardPaths>
#include <QUrl>

#include "ui/main_window.hpp"
#include "ui/panels/attention_page.hpp"
#include "ui/panels/compression_page.hpp"
#include "ui/panels/embeddings_page.hpp"
#include "ui/panels/experiment_panel.hpp"
#include "ui/panels/format.hpp"
#include "ui/panels/kernels_page.hpp"
#include "ui/panels/memory_page.hpp"
#include "ui/panels/message_bar.hpp"
#include "ui/panels/patterns_page.hpp"
#include "ui/panels/run_bar.hpp"
#include "ui/panels/status_strip.hpp"
#include "ui/panels/tiles_panel.hpp"

namespace spectral::ui {

namespace {

QString runs_folder() {
    return QStandardPaths::writableLocation(QStandardPaths::AppDataLocation) + QStringLiteral("/runs");
}

/// "purefft-strokes-07.h5", the first number without a file. An empty file keeps the name from another window
/// until the run's first checkpoint takes its place. Where that cannot be done, the run says why.
QString new_run_file(const ExperimentConfig& config) {
    const QString stem = QString::fromStdString(config.model + "-" + config.dataset);
    QDir().mkpath(runs_folder());
    for (int number = 1;; ++number) {
        QString path =
            QStringLiteral("%1/%2-%3.h5").arg(runs_folder(), stem).arg(number, 2, 10, QLatin1Char('0'));
        QFile file(path);
        if (file.open(QIODevice::WriteOnly | QIODevice::NewOnly) || !file.exists()) return path;
    }
}

/// 0 where its model has no such option.
std::int64_t heads_of(const ExperimentConfig& config) {
    const auto heads = config.model_options.find("heads");
    return heads != config.model_options.end() && heads->is_number_integer() ? heads->get<std::int64_t>() : 0;
}

}  // namespace

void MainWindow::connect_session() {
    connect(&session_, &RunSession::updated, this, &MainWindow::follow);
    connect(&session_, &RunSession::stateChanged, this, &MainWindow::show_state);
    connect(&session_, &RunSession::finished, this, &MainWindow::show_end);
    connect(&session_, &RunSession::opened, this, &MainWindow::show_opened);
    connect(&session_, &RunSession::fileWritten, this, [this](const QString& path) {
        note(tr("Written: %1").arg(QDir::toNativeSeparators(path)));
        show_state();
    });
    connect(&session_, &RunSession::failed, this, [this](const QString& what, const QString& hint) {
        resume_after_open_.clear();
        messages_->show_error(what, hint);
    });
    connect(kernels_, &KernelsPage::problem, this,
            [this](const QString& what, const QString& hint) { messages_->show_error(what, hint); });
    connect(attention_, &AttentionPage::problem, this,
            [this](const QString& what, const QString& hint) { messages_->show_error(what, hint); });
    connect(&attention_->tiles(), &TilesPanel::ended, this, &MainWindow::close_when_done);
    connect(kernels_, &KernelsPage::ended, this, &MainWindow::close_when_done);
    connect(attention_, &AttentionPage::lookRequested, &session_, &RunSession::look_at_attention);
    connect(memory_, &MemoryPage::evictRequested, &session_, &RunSession::clear_plans);
    connect(memory_, &MemoryPage::limitChanged, this, &MainWindow::change_memory_limit);
    connect(bar_, &RunBar::startTriggered, this, &MainWindow::start_or_ask);
    connect(bar_, &RunBar::pauseTriggered, &session_, &RunSession::pause);
    connect(bar_, &RunBar::resumeTriggered, &session_, &RunSession::resume);
    connect(bar_, &RunBar::stepTriggered, this, &MainWindow::step_once);
    connect(bar_, &RunBar::stopTriggered, &session_, &RunSession::stop);
    connect(panel_, &ExperimentPanel::learningRateChanged, this, &MainWindow::change_learning_rate);
    connect(panel_, &ExperimentPanel::changed, this, &MainWindow::refresh_ceiling);
    connect(panel_, &ExperimentPanel::problem, this,
            [this](const QString& what, const QString& hint) { messages_->show_error(what, hint); });
}

void MainWindow::set_config(const ExperimentConfig& config) { panel_->set_config(config); }

void MainWindow::fill_form(ExperimentConfig config) {
    config.start.clear();
    panel_->set_config(config);
}

void MainWindow::start(bool paused) {
    if (session_.active()) return;
    const std::optional<ExperimentConfig> config = panel_->config();
    if (!config) {
        messages_->show_error(tr("The experiment on the left is not complete."),
                              tr("The fields marked in red say what they need."));
        return;
    }
    start_new(*config, paused);
}

void MainWindow::start_new(const ExperimentConfig& config, bool paused) {
    const QString path = new_run_file(config);
    RunOptions options;
    options.out = path.toStdString();
    options.start_paused = paused;
    begin(config, options, QFileInfo(path).completeBaseName());
}

void MainWindow::begin(const ExperimentConfig& config, const RunOptions& options, const QString& run_name) {
    messages_->clear();
    status_->reset();
    trouble_shown_ = false;
    next_batch_ = 0;
    memory_->start_over();
    patterns_->start_over();
    shown_config_ = config;
    has_shown_config_ = true;
    run_name_ = run_name;
    backend_.clear();
    bar_->set_run_name(run_name);
    bar_->set_backend({});
    bar_->set_progress(0, 0);
    embeddings_->suggest_heads(heads_of(config));
    session_.start(config, options);
    show_record();
    refresh_ceiling();
}

void MainWindow::resume_file(const QString& path) {
    if (path.isEmpty() || session_.active()) return;
    if (path == session_.output() && has_shown_config_ && !session_.record().empty()) {
        go_on(path, shown_config_);  // already on show, in more detail than a file keeps
        return;
    }
    resume_after_open_ = path;
    session_.open(path);
}

void MainWindow::go_on(const QString& path, const ExperimentConfig& config) {
    ExperimentConfig wanted = config;
    wanted.epochs = next_total(config);
    fill_form(wanted);  // the rest of the form is that of another experiment
    RunOptions options;
    options.out = options.resume = path.toStdString();
    options.resume_changes = {
        {"epochs", wanted.epochs}, {"batch", wanted.batch}, {"memory_mib", wanted.memory_mib}};
    begin(wanted, options, run_name_);
    note(tr("Training on to %1 epochs").arg(wanted.epochs));
}

std::int64_t MainWindow::next_total(const ExperimentConfig& config) const {
    const std::optional<ExperimentConfig> form = panel_->config();
    const std::int64_t asked = form ? form->epochs : config.epochs;
    const auto done = static_cast<std::int64_t>(session_.record().epochs());
    return asked > done ? asked : asked + done;
}

void MainWindow::start_or_ask() {
    if (!session_.has_model()) {
        start();
        return;
    }
    const QString done = QLocale::c().toString(session_.record().epochs(), 'f', 1);
    const bool on = session_.can_go_on();
    std::vector<MessageBar::Choice> choices;
    if (on)
        choices.push_back({QStringLiteral("message_train_on"),
                           tr("Train on to %1 epochs").arg(next_total(shown_config_)),
                           tr("Go on from the checkpoint of %1, with its own settings").arg(run_name_),
                           [this] { resume_file(session_.output()); }});
    choices.push_back({QStringLiteral("message_start_afresh"), tr("Start afresh"),
                       tr("Train a new model, the one on the left, in a file of its own"),
                       [this] { start(); }});
    messages_->show_question(tr("%1 is on show, trained for %2 epochs.").arg(run_name_, done),
                             on ? tr("Starting afresh takes it off the screen; its file stays.")
                                : tr("It was saved without the state to train on from. Starting afresh takes "
                                     "it off the screen; its file stays."),
                             std::move(choices));
}

void MainWindow::open_model(const QString& path) {
    if (session_.active()) return;
    resume_after_open_.clear();
    session_.open(path);
}

void MainWindow::show_opened(const QString& path, const ExperimentConfig& config,
                             const std::optional<NetworkSides>& sides) {
    messages_->clear();
    status_->reset();
    patterns_->start_over();
    shown_config_ = config;
    has_shown_config_ = true;
    run_name_ = QFileInfo(path).completeBaseName();
    backend_.clear();
    bar_->set_run_name(run_name_);
    bar_->set_backend({});
    fill_form(config);
    if (sides) panel_->show_sides(*sides, config);
    remember_file(path);
    compression_->offer(path);
    embeddings_->suggest_heads(heads_of(config));
    bar_->set_progress(session_.record().epochs(), config.epochs);
    show_record();
    refresh_ceiling();
    show_state();
    if (resume_after_open_ != path) {
        note(tr("Opened %1").arg(QDir::toNativeSeparators(path)));
        return;
    }
    resume_after_open_.clear();
    go_on(path, config);
}

void MainWindow::start_or_pause() {
    if (!session_.active()) {
        start_or_ask();
    } else if (session_.paused()) {
        session_.resume();
    } else {
        session_.pause();
    }
}

void MainWindow::step_once() {
    if (!session_.active()) {
        if (session_.has_model()) return;  // what is on show is not dropped for one step
        start(true);
    }
    session_.step();
}

void MainWindow::change_learning_rate(double value) {
    if (!session_.active()) return;
    session_.set_learning_rate(value);
    note(tr("Learning rate %1 from the next step on").arg(short_real(value)));
}

void MainWindow::save_checkpoint(const QString& path) { session_.save(path, true); }

void MainWindow::export_model(const QString& path) { session_.save(path, false); }

void MainWindow::change_memory_limit(std::int64_t mib) {
    shown_config_.memory_mib = mib;
    panel_->show_memory_limit(mib);
    show_memory_in_use();
    note(mib > 0 ? tr("Memory limit %1").arg(human_bytes(static_cast<std::size_t>(mib) << 20))
                 : tr("No memory limit"));
}

void MainWindow::go_on_with_batch(std::int64_t batch) {
    next_batch_ = batch;
    session_.stop();
}

bool MainWindow::measuring() const {
    return panel_->measuring() || attention_->tiles().measuring() || kernels_->comparing();
}

void MainWindow::close_when_done() {
    if (closing_ && !session_.active() && !measuring()) close();
}

void MainWindow::show_file() {
    const QString folder = QFileInfo(session_.output()).absolutePath();
    if (!QDesktopServices::openUrl(QUrl::fromLocalFile(folder)))
        messages_->show_error(tr("The file manager could not be opened."),
                              tr("The file is %1").arg(QDir::toNativeSeparators(session_.output())));
}

void MainWindow::closeEvent(QCloseEvent* event) {
    if (!session_.active() && !measuring()) {
        QSettings().setValue(QStringLiteral("view/geometry"), saveGeometry());
        event->accept();
        return;
    }
    // The run writes its checkpoint on its own thread; the window closes when that is done.
    event->ignore();
    closing_ = true;
    messages_->show_note(session_.active()
                             ? tr("Saving the checkpoint; the window closes when it is written.")
                             : tr("Ending the measurement; the window closes then."));
    panel_->cancel_measurement();
    attention_->tiles().cancel_measurement();
    kernels_->cancel();
    session_.stop();
}

}  // namespace spectral::ui
