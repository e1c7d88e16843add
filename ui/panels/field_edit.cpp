#include "ui/panels/field_edit.hpp"

#include <QKeyEvent>
#include <QPainter>
#include <QStyle>
#include <QStyleOptionComboBox>
#include <QStylePainter>
#include <QWheelEvent>

#include "ui/theme.hpp"

namespace spectral::ui {

namespace {

constexpr int kHintPixels = 12, kPadding = 9, kGap = 10;

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

void FieldCombo::paintEvent(QPaintEvent* /*event*/) {
    QStylePainter painter(this);
    QStyleOptionComboBox option;
    initStyleOption(&option);
    painter.drawComplexControl(QStyle::CC_ComboBox, option);
    const QRect place =
        style()->subControlRect(QStyle::CC_ComboBox, &option, QStyle::SC_ComboBoxEditField, this);
    option.currentText = fontMetrics().elidedText(option.currentText, Qt::ElideRight, place.width() - 4);
    painter.drawControl(QStyle::CE_ComboBoxLabel, option);
}

void FieldCombo::wheelEvent(QWheelEvent* event) { event->ignore(); }

}  // namespace spectral::ui
