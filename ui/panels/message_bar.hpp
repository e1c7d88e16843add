// One message at a time above the pages: what happened, what can be done about it, and buttons that do it.
#pragma once

#include <QFrame>
#include <QString>
#include <functional>
#include <optional>
#include <vector>

class QHBoxLayout;
class QLabel;
class QPushButton;
class QToolButton;

namespace spectral::ui {

class MessageBar : public QFrame {
    Q_OBJECT

public:
    struct Choice {
        QString object_name, text, tool_tip;
        std::function<void()> chosen;  ///< the bar is hidden first
    };

    explicit MessageBar(QWidget* parent = nullptr);

    /// With choices, it comes back when what covered it is closed.
    void show_error(const QString& what, const QString& hint, std::vector<Choice> choices = {});
    void show_note(const QString& what);
    /// The first choice has the keyboard. Nothing waits for the answer.
    void show_question(const QString& what, const QString& hint, std::vector<Choice> choices);
    /// As the user does: what was covered shows again.
    void dismiss();
    /// Nothing of what was said holds any more.
    void clear();
    QString text() const;
    /// An error with choices is on show: what brings another message to an end does not end it.
    bool offers() const { return !isHidden() && present_.is_offer(); }

Q_SIGNALS:
    void shown(bool visible);

private:
    struct Message {
        QString kind, what, hint;
        std::vector<Choice> choices;
        bool is_offer() const { return kind == QLatin1String("error") && !choices.empty(); }
    };
    void show_message(Message message);

    Message present_;
    std::optional<Message> covered_;
    QLabel* what_;
    QLabel* hint_;
    QHBoxLayout* row_;
    QToolButton* close_;
    std::vector<QPushButton*> buttons_;
};

}  // namespace spectral::ui
