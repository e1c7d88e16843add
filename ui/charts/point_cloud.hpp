// Points in the plane, or around a ring that turns: each has a colour and a name, one may be chosen and
// others marked.
#pragma once

#include <QPointF>
#include <QPolygonF>
#include <QString>
#include <QTimer>
#include <QWidget>
#include <functional>
#include <optional>
#include <vector>

#include "ui/charts/colour_map.hpp"

class QAction;
class QMenu;

namespace spectral::ui {

class PointCloud : public QWidget {
    Q_OBJECT

public:
    struct Point {
        double x = 0, y = 0, z = 0;
        double tone = 0;  ///< in [0, 1]: its colour
    };
    using Names = std::function<QString(int point)>;

    explicit PointCloud(QWidget* parent = nullptr);

    /// In the plane z is not looked at. What was chosen and marked is forgotten.
    void set_points(std::vector<Point> points);
    const std::vector<Point>& points() const { return points_; }
    void set_names(Names names);
    void set_colour_map(ColourMapKind kind);
    /// Of the plane; a space has none.
    void set_axis_titles(const QString& x_title, const QString& y_title);
    void set_empty_text(const QString& text);
    /// Shows a space: seen from aslant, turned by dragging and by turning_action().
    void set_space(bool space);
    /// The outline of a torus behind the points: a tube of that radius around a ring of radius 1.
    void set_torus(std::optional<double> tube_radius);

    /// −1: none.
    void choose(int point);
    int chosen() const { return chosen_; }
    void set_marked(std::vector<int> points);
    const std::vector<int>& marked() const { return marked_; }

    void set_turning(bool turning);
    bool turning() const;
    double yaw() const { return yaw_; }

    /// The point nearest to a place in the widget, if it is near; in a space, of those the foremost.
    int point_at(const QPointF& position) const;
    /// Where a point is painted.
    QPointF place_of(int point) const;
    QString point_text(int point) const;

    bool export_png(const QString& path);
    bool export_svg(const QString& path);
    bool export_csv(const QString& path) const;
    QString to_csv() const;

    /// For a card: the export menu, and of a space whether it turns by itself.
    QAction* export_action() const { return export_action_; }
    QAction* turning_action() const { return turning_action_; }

    QSize sizeHint() const override { return {320, 240}; }
    QSize minimumSizeHint() const override { return {120, 96}; }

Q_SIGNALS:
    /// By the mouse or the keyboard.
    void pointChosen(int point);

protected:
    void paintEvent(QPaintEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;
    void mouseDoubleClickEvent(QMouseEvent* event) override;
    void wheelEvent(QWheelEvent* event) override;
    void leaveEvent(QEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void contextMenuEvent(QContextMenuEvent* event) override;
    void showEvent(QShowEvent* event) override;
    void hideEvent(QHideEvent* event) override;

private:
    /// A place in the widget, and how near it is to who looks: 0 far, 1 near.
    struct Seen {
        QPointF at;
        double nearness = 1;
    };

    Seen seen(double x, double y, double z) const;
    QRectF plot_area() const;
    void find_range();
    void choose_by_user(int point);
    void turn(double yaw, double tilt);
    /// Whether that shows anything else.
    bool zoom(double factor, const QPointF& centre);
    void pan(const QPointF& pixels);
    bool show_range(const QRectF& wanted);
    void paint(QPainter& painter) const;
    void paint_axes(QPainter& painter) const;
    void paint_torus(QPainter& painter) const;
    void paint_points(QPainter& painter) const;
    void paint_name(QPainter& painter, int point) const;

    std::vector<Point> points_;
    Names names_;
    ColourMapKind kind_ = ColourMapKind::viridis;
    QString x_title_, y_title_, empty_text_;
    bool space_ = false;
    std::optional<double> torus_;
    QRectF range_{0, 0, 1, 1};  ///< what the plane shows
    QRectF whole_{0, 0, 1, 1};  ///< all there is to see in it
    double yaw_ = 0, tilt_ = 0, scale_ = 1;
    int chosen_ = -1, hovered_ = -1;
    std::vector<int> marked_;
    std::optional<QPointF> drag_from_;
    QPointF pressed_at_;
    QTimer clock_;
    QMenu* menu_;
    QAction* export_action_;
    QAction* turning_action_;
};

}  // namespace spectral::ui
