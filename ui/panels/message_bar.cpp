#include "ui/panels/message_bar.hpp"

#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <QStyle>
#include <QToolButton>
#include <QVBoxLayout>
#include <utility>

#include "ui/theme.hpp"

namespace spectral::ui {

MessageBar::MessageBar(QWidget* parent)
    : QFrame(parent),
      what_(new QLabel(this)),
      hint_(new QLabel(this)),
      row_(new QHBoxLayout(this)),
      close_(new QToolButton(this)) {
    setObjectName(QStringLiteral("message_bar"));
    set_role(*this, QStringLiteral("message"));
    row_->setContentsMargins(12, 7, 8, 7);
    row_->setSpacing(8);
    auto* texts = new QVBoxLayout;
    texts->setSpacing(2);
    what_->setObjectName(QStringLiteral("message_text"));
    hint_->setObjectName(QStringLiteral("message_hint"));
    set_role(*hint_, QStringLiteral("subtitle"));
    for (QLabel* label : {what_, hint_}) {
        label->setWordWrap(true);
        label->setTextFormat(Qt::PlainText);
        label->setTextInteractionFlags(Qt::TextSelectableByMouse);
        texts->addWidget(label);
    }
    row_->addLayout(texts, 1);
    close_->setObjectName(QStringLiteral("message_close"));
    close_->setText(QStringLiteral("×"));
    close_->setToolTip(tr("Hide this message (Esc)"));
    close_->setAccessibleName(tr("Hide this message"));
    close_->setFocusPolicy(Qt::StrongFocus);
    row_->addWidget(close_, 0, Qt::AlignTop);
    connect(close_, &QToolButton::clicked, this, &MessageBar::dismiss);
    hide();
}

void MessageBar::show_error(const QString& what, const QString& hint, std::vector<Choice> choices) {
    show_message({QStringLiteral("error"), what, hint, std::move(choices)});
}

void MessageBar::show_note(const QString& what) { show_message({QStringLiteral("note"), what, {}, {}}); }

void MessageBar::show_question(const QString& what, const QString& hint, std::vector<Choice> choices) {
    show_message({QStringLiteral("note"), what, hint, std::move(choices)});
    if (!buttons_.empty()) buttons_.front()->setFocus();
}

void MessageBar::show_message(Message message) {
    if (message.is_offer())
        covered_.reset();  // the newer one counts
    else if (offers())
        covered_ = std::move(present_);
    present_ = std::move(message);
    for (QPushButton* button : std::exchange(buttons_, {})) {
        button->hide();
        button->setObjectName({});
        button->deleteLater();
    }
    setProperty("kind", present_.kind);
    style()->unpolish(this);
    style()->polish(this);
    what_->setText(present_.what);
    hint_->setText(present_.hint);
    hint_->setVisible(!present_.hint.isEmpty());
    setAccessibleName(present_.hint.isEmpty() ? present_.what
                                              : present_.what + QLatin1Char(' ') + present_.hint);
    int place = 1;
    for (const Choice& choice : present_.choices) {
        auto* button = new QPushButton(choice.text, this);
        button->setObjectName(choice.object_name);
        button->setToolTip(choice.tool_tip);
        button->setAccessibleName(choice.text);
        connect(button, &QPushButton::clicked, this, [this, chosen = choice.chosen] {
            dismiss();
            chosen();
        });
        row_->insertWidget(place++, button);
        buttons_.push_back(button);
    }
    show();
    Q_EMIT shown(true);
}

void MessageBar::dismiss() {
    if (covered_) {
        show_message(*std::exchange(covered_, {}));
        return;
    }
    hide();
    Q_EMIT shown(false);
}

void MessageBar::clear() {
    covered_.reset();
    dismiss();
}

QString MessageBar::text() const { return isHidden() ? QString() : what_->text(); }

}  // namespace spectral::ui
