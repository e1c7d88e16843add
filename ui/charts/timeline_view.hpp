// Spans of time in lanes, painted: zoom with the wheel, move by dragging, the newest stay in sight until
// then.
#pragma once

#include <QPoint>
#include <QString>
#include <QWidget>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

class QAction;

namespace spectral::ui {

class TimelineView : public QWidget {
    Q_OBJECT

public:
    struct Span {
        int lane = 0;
        std::int64_t start_ns = 0, duration_ns = 0;
        std::int64_t group = 0;  ///< spans of one group belong together: a step
    };

    explicit TimelineView(QWidget* parent = nullptr);

    struct Lane {
        QString name;
        int colour = 0;  ///< of the theme's series
    };

    /// `spans` ascending in start; lanes from the top.
    void set_data(std::vector<Lane> lanes, std::vector<Span> spans);
    void set_empty_text(const QString& text);
    /// What a group is called in the readout: "step %1".
    void set_group_text(const QString& text);
    /// Shows the last `groups` groups, and new ones as they come.
    void follow();
    bool following() const { return following_; }
    std::int64_t visible_ns() const { return last_ns_ - first_ns_; }
    const std::vector<Span>& spans() const { return spans_; }
    QAction* follow_action() const { return follow_action_; }

    QSize sizeHint() const override { return {400, 130}; }
    QSize minimumSizeHint() const override { return {160, 90}; }

Q_SIGNALS:
    void rangeChanged();

protected:
    void paintEvent(QPaintEvent* event) override;
    void wheelEvent(QWheelEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;

private:
    QRectF plot_area() const;
    /// Whether that shows anything else, as of set_range().
    bool zoom(double factor, double centre_share);
    void move(double share);
    bool set_range(double first_ns, double last_ns);
    const Span* span_at(const QPointF& position) const;

    std::vector<Lane> lanes_;
    std::vector<Span> spans_;
    QString empty_text_, group_text_;
    bool following_ = true;
    std::int64_t first_ns_ = 0, last_ns_ = 1;
    std::optional<QPoint> dragged_from_;
    QAction* follow_action_;
};

}  // namespace spectral::ui
