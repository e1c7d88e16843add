// Small form controls: a line edit that shows its range or unit in itself, and a combo box that leaves the
// wheel to the page it is on.
#pragma once

#include <QComboBox>
#include <QLineEdit>
#include <QString>

namespace spectral::ui {

class FieldEdit : public QLineEdit {
    Q_OBJECT

public:
    explicit FieldEdit(QWidget* parent = nullptr);
    /// Painted at the right end while it does not meet the text: "1–256", "live".
    void set_hint(const QString& hint);
    QString hint() const { return hint_; }
    /// Arrow keys then add ±1 (±10 with Ctrl).
    void set_counting(bool counting) { counting_ = counting; }
    /// A red frame.
    void set_invalid(bool invalid);

protected:
    bool event(QEvent* event) override;  ///< the tooltip has the whole of a text that is cut
    void paintEvent(QPaintEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;

private:
    QString hint_;
    bool counting_ = false;
};

class FieldCombo : public QComboBox {
    Q_OBJECT

public:
    explicit FieldCombo(QWidget* parent = nullptr);
    /// All of the text is to be seen.
    bool shows_all() const;

protected:
    bool event(QEvent* event) override;            ///< the tooltip has the whole of a text that is cut
    void paintEvent(QPaintEvent* event) override;  ///< shortens a long text with an ellipsis
    void wheelEvent(QWheelEvent* event) override;

private:
    int text_room() const;
};

}  // namespace spectral::ui
