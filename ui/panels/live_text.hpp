// A line of text that changes many times a second: repaints itself alone, where a label would lay out the
// whole window again.
#pragma once

#include <QString>
#include <QWidget>
#include <vector>

namespace spectral::ui {

class LiveText : public QWidget {
    Q_OBJECT

public:
    struct Part {
        QString text;
        bool strong = false;  ///< in the theme's text colour, else muted
        bool operator==(const Part&) const = default;
    };

    explicit LiveText(int pixel_size, QWidget* parent = nullptr);

    /// Takes more room when it needs more, and gives it back only when `parts` is empty.
    void set_parts(std::vector<Part> parts);
    QString text() const;

    QSize sizeHint() const override;
    QSize minimumSizeHint() const override { return sizeHint(); }

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    QFont font_of(const Part& part) const;

    int pixel_size_;
    int room_ = 0;
    std::vector<Part> parts_;
};

}  // namespace spectral::ui
