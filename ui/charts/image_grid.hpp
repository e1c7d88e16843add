// A grid of small pictures (or waveforms) with a caption under each; the number per row follows the width.
#pragma once

#include <QImage>
#include <QRect>
#include <QString>
#include <QWidget>
#include <optional>
#include <vector>

#include "ui/charts/colour_map.hpp"

namespace spectral::ui {

struct GridItem {
    int height = 0;  ///< 1 means a waveform of `width` samples
    int width = 0;
    int planes = 1;             ///< 3: red, green and blue, after each other, and shown as such
    std::vector<float> values;  ///< row-major, planes × height × width of them
    QString caption;
    bool wrong = false;  ///< caption in the error colour
    QString tool_tip;    ///< the caption where empty
};

class ImageGrid : public QWidget {
    Q_OBJECT

public:
    explicit ImageGrid(QWidget* parent = nullptr);

    void set_items(std::vector<GridItem> items);
    void set_colour_map(ColourMapKind kind);
    /// Limits of the colours for all pictures; nothing means each picture's own range.
    void set_range(std::optional<ValueRange> range);
    void set_empty_text(const QString& text);

    int item_count() const { return static_cast<int>(items_.size()); }
    int item_at(const QPoint& position) const;
    /// Where picture `index` is painted, its caption excluded; empty where it does not fit.
    QRect picture_rect(int index) const;

    QSize sizeHint() const override { return {480, 180}; }
    QSize minimumSizeHint() const override { return {120, 64}; }

Q_SIGNALS:
    void itemClicked(int index);

protected:
    void paintEvent(QPaintEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    bool event(QEvent* event) override;

private:
    struct Layout {
        int columns = 1;
        int cell_width = 0;
        int cell_height = 0;
    };
    Layout make_layout() const;
    bool waveforms() const;
    void refresh();
    void paint_waveform(QPainter& painter, const QRect& area, const GridItem& item) const;

    std::vector<GridItem> items_;
    std::vector<QImage> images_;
    ColourMapKind kind_ = ColourMapKind::viridis;
    std::optional<ValueRange> fixed_range_;
    QString empty_text_;
};

}  // namespace spectral::ui
