// What the window shows of a run: its state, its record, trouble, and how it ended.
#include <QAction>
#include <QFile>
#include <QFileInfo>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "engine/nn/registry.hpp"
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
#include "ui/panels/training_page.hpp"

namespace spectral::ui {

void MainWindow::follow(const Updates& updates) {
    if (updates.info) {
        const RunInfo& info = *updates.info;
        backend_ = QString::fromStdString(info.backend);
        const QString device = QString::fromStdString(info.device);
        bar_->set_backend(device.isEmpty() ? backend_ : backend_ + QStringLiteral(" · ") + device);
        panel_->show_sides({info.feature_shape, info.classes}, shown_config_);
        panel_->show_learning_rate(info.learning_rate);
    }
    if (updates.learning_rate) panel_->show_learning_rate(*updates.learning_rate);
    if (updates.trouble) show_trouble(*updates.trouble);
    if (updates.shortage) show_shortage(*updates.shortage);
    if (updates.plans) memory_->set_plans(*updates.plans);
    if (!updates.message.empty() && !trouble_shown_ && updates.state != RunState::failed)
        note(QString::fromStdString(updates.message));
    bar_->set_activity(QString::fromStdString(updates.activity), updates.activity_fraction);
    const RunRecord& record = session_.record();
    if (!updates.steps.empty())
        bar_->set_progress(updates.steps.back().epoch,
                           record.info() ? record.info()->epochs : shown_config_.epochs);
    status_->add(updates);
    show_memory_in_use();
    show_record();
    show_state();
}

void MainWindow::show_trouble(const NumericTrouble& trouble) {
    const QString rate = short_real(trouble.suggested_learning_rate);
    trouble_shown_ = true;
    messages_->show_error(
        tr("Step %1, learning rate %2: %3.")
            .arg(grouped(trouble.step), short_real(trouble.learning_rate),
                 QString::fromStdString(trouble.what)),
        tr("A lower learning rate from the last good state usually helps."),
        {{QStringLiteral("message_recover"), tr("Recover at lr %1").arg(rate),
          tr("Go back to the last good state and train on with this learning rate"),
          [this, value = trouble.suggested_learning_rate] { session_.recover(value); }},
         {QStringLiteral("message_stop"), tr("Stop"), tr("End the run here"), [this] { session_.stop(); }}});
}

void MainWindow::show_shortage(const MemoryShortage& shortage) {
    trouble_shown_ = true;
    std::vector<MessageBar::Choice> choices{
        {QStringLiteral("message_memory"), tr("Set the limit…"),
         tr("Show the Memory page, where the limit is and what holds the memory"),
         [this] { show_page(Page::memory); }},
        {QStringLiteral("message_go_on"), tr("Try again"), tr("Go on where the run stands"),
         [this] { session_.resume(); }}};
    if (const std::int64_t batch = shortage.batch / 2; batch > 0)
        choices.push_back({QStringLiteral("message_smaller_batch"), tr("Batch %1").arg(batch),
                           tr("End the run and go on from its checkpoint in batches of %1").arg(batch),
                           [this, batch] { go_on_with_batch(batch); }});
    messages_->show_error(
        tr("Step %1: %2.").arg(grouped(shortage.step), QString::fromStdString(shortage.what)),
        tr("The run stands and has lost nothing: %1.").arg(QString::fromStdString(shortage.hint)),
        std::move(choices));
}

void MainWindow::show_memory_in_use() {
    const MemoryBudget& budget = workspace_->budget();
    status_->show_memory(budget.total().current, budget.limit());
}

void MainWindow::show_state() {
    using Phase = RunBar::Phase;
    const bool active = session_.active();
    const bool model = session_.has_model();
    const Phase phase = !active && model                          ? Phase::ended
                        : !active                                 ? Phase::idle
                        : session_.stopping()                     ? Phase::stopping
                        : session_.state() == RunState::paused    ? Phase::paused
                        : session_.state() == RunState::preparing ? Phase::preparing
                                                                  : Phase::running;
    bar_->set_phase(phase);
    if (!active) bar_->set_activity({}, 0);
    panel_->set_run_active(active);
    show_pattern_target();
    status_->set_state(session_.state(), backend_);
    compress_action_->setEnabled(model);
    resume_file_action_->setEnabled(!active);
    resume_shown_action_->setEnabled(session_.can_go_on());
    show_file_action_->setEnabled(model);
    status_->set_file(model ? session_.output() : QString());
    save_action_->setEnabled(model && !session_.stopping());
    export_action_->setEnabled(model && !session_.stopping());
    start_action_->setText(phase == Phase::running  ? tr("P&ause")
                           : phase == Phase::paused ? tr("&Resume")
                           : phase == Phase::ended  ? tr("&Start…")
                                                    : tr("&Start"));
    step_action_->setEnabled(phase == Phase::idle || phase == Phase::running || phase == Phase::paused);
    start_action_->setEnabled(step_action_->isEnabled() || phase == Phase::ended);
    stop_action_->setEnabled(active && !session_.stopping());
    if (trouble_shown_ && session_.running()) {
        trouble_shown_ = false;
        messages_->clear();
    }
}

void MainWindow::show_end(const RunResult& result) {
    // A run that ended before its first checkpoint leaves no name taken.
    if (const QFileInfo file(session_.output()); file.isFile() && file.size() == 0)
        QFile::remove(file.filePath());
    if (trouble_shown_) messages_->clear();
    trouble_shown_ = false;
    kernels_->refresh(false);
    memory_->set_plans({});
    memory_->refresh(false);
    show_memory_in_use();
    if (next_batch_ > 0 && !closing_ && session_.has_model()) {
        shown_config_.batch = next_batch_;
        fill_form(shown_config_);
        go_on(session_.output(), shown_config_);
        note(tr("Going on in batches of %1").arg(shown_config_.batch));
        return;
    }
    if (result.state == RunState::failed) {
        closing_ = false;  // what could not be saved is worth a look
        messages_->show_error(tr("The run failed: %1").arg(QString::fromStdString(result.error)),
                              QString::fromStdString(result.hint));
    } else if (result.state == RunState::finished) {
        QString text = tr("Finished: %1 of the test set right").arg(percent(result.test_accuracy));
        if (!result.info.token_unit.empty())
            text += tr(", %1 bits per %2")
                        .arg(QString::number(bits_per_token(result.test_loss), 'f', 3),
                             QString::fromStdString(result.info.token_unit));
        note(text);
    } else if (session_.has_model()) {
        note(result.time_over ? tr("Stopped after %1 s of training, as asked; the checkpoint is written")
                                    .arg(result.config.max_seconds)
                              : tr("Stopped; the checkpoint is written"));
    }
    if (session_.has_model()) compression_->offer(session_.output());
    close_when_done();
}

void MainWindow::show_record() {
    training_->show_record(session_.record());
    patterns_->show_record(session_.record());
    embeddings_->show_record(session_.record());
    attention_->show_record(session_.record());
    kernels_->refresh(session_.active());
    memory_->refresh(session_.active());
}

void MainWindow::refresh_ceiling() {
    std::optional<ExperimentConfig> config = panel_->config();
    if (has_shown_config_) config = shown_config_;
    training_->set_ceiling(config ? panel_->ceiling(*config) : std::nullopt);
    if (config) {
        // The first sentence says what the model can do; all of it stands on the left.
        const QString whole = QString::fromStdString(find_model(config->model).note);
        patterns_->set_note(
            whole.section(QStringLiteral(". "), 0, 0, QString::SectionIncludeTrailingSep).trimmed());
    }
    close_when_done();
}

void MainWindow::note(const QString& text) { status_->show_note(text); }

}  // namespace spectral::ui
