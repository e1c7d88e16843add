#include "ui/panels/field_edit.hpp"

#include <QHelpEvent>
#include <QKeyEvent>
#include <QPainter>
#include <QStyle>
#include <QStyleOptionComboBox>
#include <QStylePainter>
#include <QToolTip>
#include <QWheelEvent>

#include "ui/theme.hpp"

namespace spectral::ui {

namespace {

constexpr int kHintPixels = 12, kPadding = 9, kGap = 10;

void show_whole(const QHelpEvent& help, QWidget& field, const QString& text) {
    QToolTip::showText(help.globalPos(), text + QLatin1Char('\n') + field.toolTip(), &field);
}

}  // namespace

FieldEdit::FieldEdit(QWidget* parent) : QLineEdit(parent) {}

void FieldEdit::set_hint(const QString& hint) {
    hint_ = hint;
    update();
}

void FieldEdit::set_invalid(bool invalid) {
    if (property("invalid").toBool() == invalid) return;
    setProperty("invalid", invalid);
    style()->unpolish(this);
    style()->polish(this);
}

bool FieldEdit::event(QEvent* event) {
    const int room = width() - 2 * kPadding - textMargins().left() - textMargins().right();
    if (event->type() == QEvent::ToolTip && fontMetrics().horizontalAdvance(text()) > room) {
        show_whole(*static_cast<QHelpEvent*>(event), *this, text());
        return true;
    }
    return QLineEdit::event(event);
}

void FieldEdit::paintEvent(QPaintEvent* event) {
    QLineEdit::paintEvent(event);
    if (hint_.isEmpty()) return;
    QPainter painter(this);
    QFont small = font();
    small.setPixelSize(kHintPixels);
    const QString shown_text = text().isEmpty() ? placeholderText() : text();
    const int taken = kPadding + fontMetrics().horizontalAdvance(shown_text) + kGap;
    if (taken + QFontMetrics(small).horizontalAdvance(hint_) + kPadding > width()) return;
    painter.setFont(small);
    painter.setPen(isEnabled() ? Theme::current().muted : Theme::current().faint);
    painter.drawText(rect().adjusted(0, 0, -kPadding, 0), static_cast<int>(Qt::AlignRight | Qt::AlignVCenter),
                     hint_);
}

void FieldEdit::keyPressEvent(QKeyEvent* event) {
    const bool up = event->key() == Qt::Key_Up, down = event->key() == Qt::Key_Down;
    bool whole = false;
    const qlonglong value = text().toLongLong(&whole);
    if (counting_ && !isReadOnly() && whole && (up || down)) {
        const int stride = (event->modifiers() & Qt::ControlModifier) != 0 ? 10 : 1;
        setText(QString::number(up ? value + stride : value - stride));
        Q_EMIT textEdited(text());
        return;
    }
    QLineEdit::keyPressEvent(event);
}

FieldCombo::FieldCombo(QWidget* parent) : QComboBox(parent) {
    setFocusPolicy(Qt::StrongFocus);
    setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
    setMinimumContentsLength(4);
}

int FieldCombo::text_room() const {
    QStyleOptionComboBox option;
    initStyleOption(&option);
    return style()->subControlRect(QStyle::CC_ComboBox, &option, QStyle::SC_ComboBoxEditField, this).width() -
           4;
}

bool FieldCombo::shows_all() const { return fontMetrics().horizontalAdvance(currentText()) <= text_room(); }

bool FieldCombo::event(QEvent* event) {
    if (event->type() == QEvent::ToolTip && !shows_all()) {
        show_whole(*static_cast<QHelpEvent*>(event), *this, currentText());
        return true;
    }
    return QComboBox::event(event);
}

void FieldCombo::paintEvent(QPaintEvent* /*event*/) {
    QStylePainter painter(this);
    QStyleOptionComboBox option;
    initStyleOption(&option);
    painter.drawComplexControl(QStyle::CC_ComboBox, option);
    option.currentText = fontMetrics().elidedText(option.currentText, Qt::ElideRight, text_room());
    painter.drawControl(QStyle::CE_ComboBoxLabel, option);
}

void FieldCombo::wheelEvent(QWheelEvent* event) { event->ignore(); }

}  // namespace spectral::ui
