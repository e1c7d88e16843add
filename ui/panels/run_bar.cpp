#include "ui/panels/run_bar.hpp"

#include <QHBoxLayout>
#include <QLabel>
#include <QLocale>
#include <QProgressBar>
#include <QPushButton>
#include <algorithm>

#include "ui/icons.hpp"
#include "ui/panels/format.hpp"
#include "ui/panels/live_text.hpp"
#include "ui/theme.hpp"

namespace spectral::ui {

namespace {

constexpr int kHeight = 48, kProgressWidth = 200, kButtonHeight = 30;

QPushButton* make_button(QWidget* parent, const char* name, const QString& text, const QString& icon,
                         const QString& tip) {
    auto* button = new QPushButton(text, parent);
    button->setObjectName(QLatin1String(name));
    button->setAccessibleName(text);
    button->setToolTip(tip);
    button->setMinimumHeight(kButtonHeight);
    set_icon(*button, icon);
    return button;
}

}  // namespace

RunBar::RunBar(QWidget* parent)
    : QWidget(parent),
      run_chip_(new QLabel(this)),
      backend_chip_(new QLabel(this)),
      progress_(new QProgressBar(this)),
      progress_text_(new LiveText(13, this)) {
    setObjectName(QStringLiteral("run_bar"));
    set_role(*this, QStringLiteral("top"));
    setAttribute(Qt::WA_StyledBackground);
    setFixedHeight(kHeight);
    setFocusPolicy(Qt::ClickFocus);
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(14, 0, 14, 1);
    row->setSpacing(10);
    auto* title = new QLabel(tr("Spectral Workbench"), this);
    set_role(*title, QStringLiteral("title"));
    row->addWidget(title);
    for (QLabel* chip : {run_chip_, backend_chip_}) {
        set_role(*chip, QStringLiteral("chip"));
        chip->setTextFormat(Qt::RichText);
        row->addWidget(chip, 0, Qt::AlignVCenter);
    }
    run_chip_->setObjectName(QStringLiteral("run_chip"));
    backend_chip_->setObjectName(QStringLiteral("backend_chip"));
    row->addStretch(1);
    progress_->setObjectName(QStringLiteral("run_progress"));
    progress_->setAccessibleName(tr("Progress of the run"));
    progress_->setRange(0, 1000);
    progress_->setTextVisible(false);
    progress_->setMaximumWidth(kProgressWidth);
    progress_->setMinimumWidth(80);
    row->addWidget(progress_);
    progress_text_->setObjectName(QStringLiteral("run_progress_text"));
    row->addWidget(progress_text_);

    primary_ = make_button(this, "start_button", tr("Start"), QStringLiteral("play"), {});
    set_role(*primary_, QStringLiteral("primary"));
    primary_->setText({});  // set by refresh()
    primary_->setMinimumWidth(92);
    step_ = make_button(this, "step_button", tr("Step"), QStringLiteral("step"), {});
    stop_ = make_button(this, "stop_button", tr("Stop"), QStringLiteral("stop"),
                        tr("Write a checkpoint and end the run (Ctrl+.)"));
    for (QPushButton* button : {primary_, step_, stop_}) row->addWidget(button);
    connect(primary_, &QPushButton::clicked, this, &RunBar::press_primary);
    connect(step_, &QPushButton::clicked, this, &RunBar::stepTriggered);
    connect(stop_, &QPushButton::clicked, this, &RunBar::stopTriggered);
    connect(&ThemeNotifier::instance(), &ThemeNotifier::changed, this, &RunBar::refresh);
    refresh();
}

void RunBar::press_primary() {
    switch (phase_) {
        case Phase::idle:
        case Phase::ended:
            Q_EMIT startTriggered();
            break;
        case Phase::running:
            Q_EMIT pauseTriggered();
            break;
        case Phase::paused:
            Q_EMIT resumeTriggered();
            break;
        case Phase::preparing:
        case Phase::stopping:
            break;
    }
}

void RunBar::focus_start() { primary_->setFocus(); }

void RunBar::set_phase(Phase phase) {
    phase_ = phase;
    refresh();
}

void RunBar::set_run_name(const QString& name) {
    run_name_ = name;
    refresh();
}

void RunBar::set_backend(const QString& backend) {
    backend_ = backend;
    refresh();
}

void RunBar::set_progress(double epoch, std::int64_t epochs) {
    epoch_ = epoch;
    epochs_ = epochs;
    refresh();
}

void RunBar::set_activity(const QString& activity, double fraction) {
    activity_ = activity;
    activity_fraction_ = fraction;
    refresh();
}

void RunBar::refresh() {
    run_chip_->setVisible(!run_name_.isEmpty());
    run_chip_->setText(muted(tr("run ")) + strong(run_name_));
    backend_chip_->setVisible(!backend_.isEmpty());
    backend_chip_->setText(muted(tr("backend ")) + strong(backend_));

    double fraction = 0;
    QString text;
    if (!activity_.isEmpty()) {
        fraction = activity_fraction_;
        text = activity_;
    } else if (epochs_ > 0) {
        fraction = epoch_ / static_cast<double>(epochs_);
        text = tr("epoch %1 of %2").arg(QLocale::c().toString(epoch_, 'f', 1)).arg(epochs_);
    }
    progress_->setVisible(!text.isEmpty());
    progress_->setValue(static_cast<int>(1000 * std::clamp(fraction, 0.0, 1.0)));
    progress_text_->set_parts({{text}});

    const bool idle = phase_ == Phase::idle, ended = phase_ == Phase::ended;
    const QString verb = phase_ == Phase::running     ? tr("Pause")
                         : phase_ == Phase::paused    ? tr("Resume")
                         : phase_ == Phase::preparing ? tr("Preparing")
                         : phase_ == Phase::stopping  ? tr("Saving")
                         : ended                      ? tr("Start…")
                                                      : tr("Start");
    if (primary_->text() != verb) {
        primary_->setText(verb);
        primary_->setAccessibleName(verb);
        primary_->setToolTip(phase_ == Phase::running  ? tr("Pause after the current step (Space)")
                             : phase_ == Phase::paused ? tr("Go on training (Space)")
                             : ended                   ? tr("Train this model on, or start afresh (Space)")
                                                       : tr("Train the model on the left (Space)"));
        set_icon(*primary_, phase_ == Phase::running ? QStringLiteral("pause") : QStringLiteral("play"),
                 true);
    }
    const bool can_press = idle || ended || phase_ == Phase::running || phase_ == Phase::paused;
    // A disabled button would pass the keyboard on to some other control; it comes back to this one.
    if (!can_press && window()->focusWidget() == primary_) setFocus();
    primary_->setEnabled(can_press);
    if (can_press && window()->focusWidget() == this) primary_->setFocus();
    step_->setEnabled(idle || phase_ == Phase::running || phase_ == Phase::paused);
    step_->setToolTip(ended ? tr("The run on show has ended: train it on or start afresh first, with Start…")
                            : tr("Train on one batch, then pause (S)"));
    stop_->setEnabled(!idle && !ended && phase_ != Phase::stopping);
}

}  // namespace spectral::ui
