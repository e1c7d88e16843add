// Layout of a card; the explanation gives way first when the card is narrow.
#include "ui/card.hpp"

#include <QAction>
#include <QHBoxLayout>
#include <QLabel>
#include <QMenu>
#include <QPaintEvent>
#include <QPainter>
#include <QToolButton>
#include <QVBoxLayout>

#include "ui/theme.hpp"

namespace spectral::ui {
namespace {

constexpr int kFewestLetters = 5;

/// A label that shortens its text with an ellipsis and then shows all of it as its tooltip.
class ElidedLabel : public QLabel {
public:
    explicit ElidedLabel(QWidget* parent) : QLabel(parent) {
        setTextFormat(Qt::PlainText);
        setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
    }

    QSize minimumSizeHint() const override { return {0, QLabel::minimumSizeHint().height()}; }

protected:
    void paintEvent(QPaintEvent*) override {
        QString shown = fontMetrics().elidedText(text(), Qt::ElideRight, width());
        if (shown.size() < kFewestLetters && shown != text()) shown.clear();  // dots alone say nothing
        const QString wanted_tip = shown == text() ? QString() : text();
        if (toolTip() != wanted_tip) {
            setToolTip(wanted_tip);
        }
        QPainter painter(this);
        painter.setPen(palette().color(QPalette::WindowText));
        painter.drawText(rect(), static_cast<int>(Qt::AlignLeft | Qt::AlignVCenter), shown);
    }
};

QString name_part(const QString& text) {
    QString part;
    for (const QChar letter : text.toLower()) {
        if (letter.isLetterOrNumber()) {
            part += letter;
        } else if (!part.isEmpty() && !part.endsWith(QLatin1Char('_'))) {
            part += QLatin1Char('_');
        }
    }
    while (part.endsWith(QLatin1Char('_'))) {
        part.chop(1);
    }
    return part;
}

}  // namespace

Card::Card(const QString& object_name, const QString& title, const QString& subtitle, QWidget* parent)
    : QFrame(parent),
      column_(new QVBoxLayout(this)),
      header_(new QHBoxLayout),
      actions_(new QHBoxLayout),
      title_(new QLabel(this)),
      subtitle_(new ElidedLabel(this)) {
    setObjectName(object_name);
    set_role(*this, QStringLiteral("card"));
    column_->setContentsMargins(12, 8, 12, 10);
    column_->setSpacing(6);
    column_->addLayout(header_);
    header_->setSpacing(8);
    header_->addWidget(title_);
    header_->addWidget(subtitle_, 1);
    header_->addLayout(actions_);
    actions_->setSpacing(0);

    title_->setTextFormat(Qt::PlainText);
    title_->setObjectName(object_name + QStringLiteral("_title"));
    subtitle_->setObjectName(object_name + QStringLiteral("_subtitle"));
    set_role(*title_, QStringLiteral("title"));
    set_role(*subtitle_, QStringLiteral("subtitle"));
    title_->setMinimumHeight(22);
    set_title(title);
    set_subtitle(subtitle);
}

void Card::set_title(const QString& title) {
    title_->setText(title);
    setAccessibleName(title);
}

void Card::set_subtitle(const QString& subtitle) {
    if (subtitle_->text() != subtitle) {
        subtitle_->setText(subtitle);
    }
    title_->setToolTip(subtitle);  // where there is no room for it beside the actions
    setAccessibleDescription(subtitle);
}

QString Card::title() const { return title_->text(); }

QString Card::subtitle() const { return subtitle_->text(); }

QToolButton* Card::add_action(QAction* action) {
    auto* button = new QToolButton(this);
    set_role(*button, QStringLiteral("action"));
    button->setObjectName(objectName() + QLatin1Char('_') + name_part(action->text()));
    button->setAccessibleName(title() + QStringLiteral(": ") + action->text());
    button->setFocusPolicy(Qt::StrongFocus);
    button->setCursor(Qt::PointingHandCursor);
    button->setAutoRaise(true);
    button->setToolButtonStyle(Qt::ToolButtonTextOnly);
    button->setDefaultAction(action);
    if (action->menu() != nullptr) {
        button->setPopupMode(QToolButton::InstantPopup);
    }
    actions_->addWidget(button);
    return button;
}

QToolButton* Card::add_action(const QString& text, const QString& tool_tip,
                              const std::function<void()>& triggered) {
    auto* action = new QAction(text, this);
    action->setToolTip(tool_tip);
    connect(action, &QAction::triggered, this, [triggered] { triggered(); });
    return add_action(action);
}

void Card::set_body(QWidget* body) {
    if (body_ == body) {
        return;
    }
    delete body_;
    body_ = body;
    if (body_ != nullptr) {
        column_->addWidget(body_, 1);
    }
}

}  // namespace spectral::ui
