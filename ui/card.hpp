// A framed part of a page: title, muted explanation, flat actions on the right, and one body widget.
#pragma once

#include <QFrame>
#include <QString>
#include <functional>

class QAction;
class QHBoxLayout;
class QLabel;
class QToolButton;
class QVBoxLayout;

namespace spectral::ui {

class Card : public QFrame {
    Q_OBJECT

public:
    /// `object_name` is stable and unique in the window; the names of the parts begin with it.
    explicit Card(const QString& object_name, const QString& title, const QString& subtitle = {},
                  QWidget* parent = nullptr);

    void set_title(const QString& title);
    void set_subtitle(const QString& subtitle);
    QString title() const;
    QString subtitle() const;

    /// A button that shows `action` (its text, tooltip, checked state and menu); leftmost first.
    QToolButton* add_action(QAction* action);
    QToolButton* add_action(const QString& text, const QString& tool_tip,
                            const std::function<void()>& triggered);

    /// Takes ownership; a former body is deleted.
    void set_body(QWidget* body);
    QWidget* body() const { return body_; }

    /// A page gives its cards their heights: one with a long sentence in it is no higher for that.
    bool hasHeightForWidth() const override { return false; }

private:
    QVBoxLayout* column_;
    QHBoxLayout* header_;
    QHBoxLayout* actions_;
    QLabel* title_;
    QLabel* subtitle_;
    QWidget* body_ = nullptr;
};

}  // namespace spectral::ui
