// Time and memory of attention by the size of its tiles, measured on request.
#pragma once

#include <QWidget>

#include "ui/session/tile_probe.hpp"

class QGridLayout;
class QProgressBar;
class QPushButton;
class QSpinBox;

namespace spectral::ui {

class Card;
class LineChart;
struct AxisTitle;

class TilesPanel : public QWidget {
    Q_OBJECT

public:
    explicit TilesPanel(QWidget* parent = nullptr);

    /// What the next measurement takes, until somebody chooses other sizes; 0: stays as it is.
    void suggest(std::int64_t sequence, std::int64_t batch, std::int64_t heads, std::int64_t head_size);
    void show_sweep(const TileSweep& sweep);
    void cancel_measurement() { probe_.cancel(); }
    bool measuring() const { return probe_.active(); }

Q_SIGNALS:
    void problem(const QString& what, const QString& hint);
    /// A measurement is over, however it went.
    void ended();

private:
    /// Of the series of both charts.
    enum Series : int { kPanel, kManyKeys, kChosen };

    QWidget* build_controls();
    QSpinBox* add_size(QGridLayout& row, int& column, const char* name, const QString& caption,
                       const QString& tip, int high, std::int64_t value);
    LineChart* add_chart(Card& card, const char* name, const AxisTitle& y_title);
    void measure_or_cancel();

    TileProbe probe_;
    bool chosen_by_hand_ = false;
    QSpinBox *sequence_ = nullptr, *batch_ = nullptr, *heads_ = nullptr, *head_size_ = nullptr;
    QPushButton* measure_ = nullptr;
    QProgressBar* progress_ = nullptr;
    Card *time_card_ = nullptr, *memory_card_ = nullptr;
    LineChart *time_ = nullptr, *memory_ = nullptr;
};

}  // namespace spectral::ui
