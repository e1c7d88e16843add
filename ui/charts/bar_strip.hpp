// A small strip of bars for shares of one, such as the softmax weights of a layer, with a caption above it.
#pragma once

#include <QRectF>
#include <QString>
#include <QStringList>
#include <QWidget>
#include <vector>

namespace spectral::ui {

class BarStrip : public QWidget {
    Q_OBJECT

public:
    explicit BarStrip(QWidget* parent = nullptr);

    /// Bars are drawn against the larger of 1 and the largest value; non-finite and negative values count as
    /// 0.
    void set_values(std::vector<float> values);
    void set_caption(const QString& caption);
    /// Names of the bars in tooltips; without them the index is shown.
    void set_labels(const QStringList& labels);

    /// Index of the bar whose column holds `position`, or -1.
    int bar_at(const QPoint& position) const;
    QString bar_text(int index) const;

    QSize sizeHint() const override { return {200, 76}; }
    QSize minimumSizeHint() const override { return {80, 48}; }

protected:
    void paintEvent(QPaintEvent* event) override;
    bool event(QEvent* event) override;

private:
    QRectF bars_area() const;
    double share(int index) const;

    std::vector<float> values_;
    QString caption_;
    QStringList labels_;
};

}  // namespace spectral::ui
