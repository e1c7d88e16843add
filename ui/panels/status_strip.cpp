#include "ui/panels/status_strip.hpp"

#include <QDir>
#include <QFontMetrics>
#include <QHBoxLayout>
#include <QLabel>
#include <QPainter>
#include <QProgressBar>
#include <QToolButton>
#include <algorithm>

#include "ui/panels/format.hpp"
#include "ui/panels/live_text.hpp"
#include "ui/theme.hpp"

namespace spectral::ui {

namespace {

constexpr int kHeight = 28, kFontPixels = 12, kAgeing_ms = 1000, kNote_ms = 6000, kFileWidth = 240;

/// A small disc in the colour of a state.
class Dot : public QWidget {
public:
    explicit Dot(QWidget* parent) : QWidget(parent) { setFixedSize(8, 8); }
    std::optional<RunState> state;

protected:
    void paintEvent(QPaintEvent*) override {
        const Theme& theme = Theme::current();
        QColor colour = theme.faint;
        if (state == RunState::running || state == RunState::finished) colour = theme.ok;
        if (state == RunState::preparing || state == RunState::paused) colour = theme.warn;
        if (state == RunState::failed) colour = theme.error;
        QPainter painter(this);
        painter.setRenderHint(QPainter::Antialiasing);
        painter.setPen(Qt::NoPen);
        painter.setBrush(colour);
        painter.drawEllipse(rect());
    }
};

QString age(qint64 milliseconds) {
    const qint64 seconds = milliseconds / 1000;
    if (seconds < 1) return StatusStrip::tr("just now");
    if (seconds < 90) return StatusStrip::tr("%1 s ago").arg(seconds);
    return StatusStrip::tr("%1 min ago").arg(seconds / 60);
}

}  // namespace

StatusStrip::StatusStrip(QWidget* parent) : QWidget(parent), dot_(new Dot(this)) {
    setObjectName(QStringLiteral("status_strip"));
    set_role(*this, QStringLiteral("status"));
    setAttribute(Qt::WA_StyledBackground);
    setFixedHeight(kHeight);
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(14, 1, 14, 0);
    row->setSpacing(8);
    const auto line = [&](const char* name) {
        auto* made = new LiveText(kFontPixels, this);
        made->setObjectName(QLatin1String(name));
        return made;
    };
    row->addWidget(dot_);
    row->addWidget(state_text_ = line("status_state"));
    for (auto [target, name] :
         {std::pair{&step_text_, "status_step"}, std::pair{&speed_text_, "status_speed"},
          std::pair{&checkpoint_text_, "status_checkpoint"}}) {
        row->addSpacing(10);
        row->addWidget(*target = line(name));
    }
    row->addSpacing(10);
    note_label_ = new QLabel(this);
    note_label_->setObjectName(QStringLiteral("status_note"));
    note_label_->setTextFormat(Qt::PlainText);
    QFont small = interface_font();
    small.setPixelSize(kFontPixels);
    note_label_->setFont(small);
    set_role(*note_label_, QStringLiteral("muted"));
    note_label_->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
    row->addWidget(note_label_, 1);
    file_ = new QToolButton(this);
    file_->setObjectName(QStringLiteral("status_file"));
    file_->setAccessibleName(tr("File of the model on show"));
    file_->setFont(small);
    file_->setAutoRaise(true);
    file_->setFocusPolicy(Qt::StrongFocus);
    file_->hide();
    connect(file_, &QToolButton::clicked, this, &StatusStrip::fileClicked);
    row->addWidget(file_);
    row->addWidget(memory_text_ = line("status_memory"));
    memory_bar_ = new QProgressBar(this);
    memory_bar_->setObjectName(QStringLiteral("status_memory_bar"));
    memory_bar_->setAccessibleName(tr("Memory in use"));
    memory_bar_->setRange(0, 1000);
    memory_bar_->setTextVisible(false);
    memory_bar_->setFixedWidth(110);
    row->addWidget(memory_bar_);
    ageing_.setInterval(kAgeing_ms);
    connect(&ageing_, &QTimer::timeout, this, &StatusStrip::refresh);
    ageing_.start();
    note_end_.setSingleShot(true);
    note_end_.setInterval(kNote_ms);
    connect(&note_end_, &QTimer::timeout, note_label_, &QLabel::clear);
    connect(&ThemeNotifier::instance(), &ThemeNotifier::changed, this, &StatusStrip::refresh);
    refresh();
}

void StatusStrip::reset() {
    step_ = -1;
    samples_per_second_ = 0;
    checkpoint_.invalidate();
    memory_bytes_ = 0;
    note_label_->clear();
    refresh();
}

void StatusStrip::set_state(std::optional<RunState> state, const QString& backend) {
    state_ = state;
    backend_ = backend;
    refresh();
}

void StatusStrip::add(const Updates& updates) {
    if (!updates.steps.empty()) step_ = updates.steps.back().step;
    if (!updates.throughput.empty()) samples_per_second_ = updates.throughput.back().samples_per_second;
    for (const FileReport& file : updates.files)
        if (file.problem.empty()) checkpoint_.start();
    refresh();
}

void StatusStrip::show_memory(std::size_t bytes, std::size_t limit_bytes) {
    memory_bytes_ = bytes;
    memory_limit_bytes_ = limit_bytes;
    refresh();
}

void StatusStrip::show_note(const QString& note) {
    note_label_->setText(note);
    note_label_->setToolTip(note);
    note_end_.start();
}

void StatusStrip::set_file(const QString& path) {
    const QString name = QDir::toNativeSeparators(path);
    file_->setText(QFontMetrics(file_->font()).elidedText(name, Qt::ElideLeft, kFileWidth));
    file_->setToolTip(tr("%1: show it in the file manager").arg(name));
    file_->setVisible(!path.isEmpty());
}

void StatusStrip::refresh() {
    static_cast<Dot*>(dot_)->state = state_;
    dot_->update();
    const QString name =
        state_ ? QString::fromUtf8(run_state_name(*state_).data(), qsizetype(run_state_name(*state_).size()))
               : tr("ready");
    if (backend_.isEmpty())
        state_text_->set_parts({{name}});
    else
        state_text_->set_parts({{backend_, true}, {QLatin1Char(' ') + name}});
    if (step_ < 0)
        step_text_->set_parts({});
    else
        step_text_->set_parts({{tr("step ")}, {grouped(step_), true}});
    if (samples_per_second_ <= 0 || state_ == RunState::paused)
        speed_text_->set_parts({});
    else
        speed_text_->set_parts({{with_prefix(samples_per_second_), true}, {tr(" samples/s")}});
    if (checkpoint_.isValid())
        checkpoint_text_->set_parts({{tr("checkpoint %1").arg(age(checkpoint_.elapsed()))}});
    else
        checkpoint_text_->set_parts({});
    const bool limited = memory_limit_bytes_ > 0 && memory_limit_bytes_ < SIZE_MAX;
    if (memory_bytes_ == 0)
        memory_text_->set_parts({});
    else
        memory_text_->set_parts(
            {{tr("memory ")},
             {human_bytes(memory_bytes_), true},
             {limited ? tr(" of %1").arg(human_bytes(memory_limit_bytes_)) : tr(", no limit")}});
    memory_bar_->setVisible(limited && memory_bytes_ > 0);
    if (limited)  // a limit may be set below what is in use: the bar is full then
        memory_bar_->setValue(
            static_cast<int>(1000 * std::min(1.0, static_cast<double>(memory_bytes_) /
                                                      static_cast<double>(memory_limit_bytes_))));
}

}  // namespace spectral::ui
