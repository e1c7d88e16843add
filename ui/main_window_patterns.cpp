// What the window does with patterns that were evolved: into the run, or into a file to start from.
#include <QDir>
#include <QFileInfo>

#include "ui/main_window.hpp"
#include "ui/panels/evolve_panel.hpp"
#include "ui/panels/experiment_panel.hpp"
#include "ui/panels/format.hpp"
#include "ui/panels/message_bar.hpp"
#include "ui/panels/patterns_page.hpp"

namespace spectral::ui {

void MainWindow::connect_patterns() {
    connect(patterns_, &PatternsPage::startingPointWanted, this, &MainWindow::use_starting_point);
    connect(&session_, &RunSession::replaced, this, [this](const QString& parameter, qint64 step) {
        note(tr("%1 replaced after step %2").arg(parameter, grouped(step)));
    });
    connect(&session_, &RunSession::startWritten, this, &MainWindow::offer_start);
}

void MainWindow::show_pattern_target() {
    using Target = EvolvePanel::Target;
    EvolvePanel& panel = patterns_->evolve_panel();
    if (session_.running() || session_.paused())
        session_.stopping() ? panel.set_target(Target::none, tr("The run is ending."))
                            : panel.set_target(Target::run);
    else if (session_.active())
        panel.set_target(Target::none, tr("The run is not ready yet."));
    else if (session_.has_model())
        panel.set_target(Target::file);
    else
        panel.set_target(Target::none, tr("There is neither a run nor a file of this model."));
}

void MainWindow::use_starting_point(const StartingPoint& point, const QString& what) {
    if (session_.active()) {
        messages_->show_question(
            tr("Put %1 into the run?").arg(what),
            tr("Before its next step it takes the place of its values in %1, where the optimiser begins "
               "anew. The run can then not be repeated from its seed alone; its file says so.")
                .arg(QString::fromStdString(point.from().origin->parameter)),
            {{QStringLiteral("message_replace"), tr("Replace"), tr("Put it into the run"),
              [this, point] { session_.replace(point); }},
             {QStringLiteral("message_keep"), tr("Keep"), tr("Leave the run as it is"), [] {}}});
        return;
    }
    const QString path = ask_save(tr("Save a starting point"), run_name_ + QStringLiteral("-start.h5"));
    if (path.isEmpty()) return;
    if (QFileInfo(path) == QFileInfo(session_.output())) {
        messages_->show_error(tr("The starting point was not written over the model that it comes from."),
                              tr("Give it a name of its own."));
        return;
    }
    session_.save_start(point, path);
}

void MainWindow::offer_start(const QString& path) {
    note(tr("Written: %1").arg(QDir::toNativeSeparators(path)));
    if (session_.active()) return;
    messages_->show_question(
        tr("%1 is written: the model with the evolved pattern.").arg(QFileInfo(path).fileName()),
        tr("A new run can start from it now, or later by “start from” under More settings."),
        {{QStringLiteral("message_start_from"), tr("Start from it"),
          tr("Train a new model from these weights, in a file of its own"),
          [this, path] {
              ExperimentConfig config = shown_config_;
              config.start = path.toStdString();
              fill_form(config);
              start_new(config, false);
          }},
         {QStringLiteral("message_later"), tr("Later"), tr("Leave it at the file"), [] {}}});
}

}  // namespace spectral::ui
