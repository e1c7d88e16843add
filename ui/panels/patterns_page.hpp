// What a run has learned: its matrices as heat maps, the filter they amount to, and a slider through training
// time.
#pragma once

#include <QWidget>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/train/events.hpp"
#include "ui/session/run_record.hpp"
#include "ui/session/starting_point.hpp"

class QGridLayout;
class QLabel;
class QPushButton;
class QSlider;
class QStackedLayout;

namespace spectral::ui {

class BarStrip;
class Card;
class EvolvePanel;
class HeatMap;
class LineChart;

class PatternsPage : public QWidget {
    Q_OBJECT

public:
    explicit PatternsPage(QWidget* parent = nullptr);

    /// Shows the newest snapshot while following, else the one chosen; while the page is hidden, once it is
    /// seen again. The record must outlive the page.
    void show_record(const RunRecord& record);
    /// The sentence on what the model can do; empty: none.
    void set_note(const QString& note);
    /// Another run or model is on show from here on: what was evolved of the one before is forgotten.
    void start_over();
    bool following() const { return following_; }
    EvolvePanel& evolve_panel() const { return *evolve_; }
    HeatMap* map(const std::string& name) const;
    LineChart* gain_chart() const { return gain_; }

Q_SIGNALS:
    /// As EvolvePanel has it.
    void startingPointWanted(const spectral::ui::StartingPoint& point, const QString& what);

protected:
    void showEvent(QShowEvent* event) override;

private:
    /// Layers whose weights are bars below the layer patterns; more are a heat map.
    static constexpr int kMostStrips = 4;

    static const PatternSnapshot::Matrix* find_matrix(const PatternSnapshot& snapshot,
                                                      const std::string& name);
    /// Whether its cells are the pixels of pictures, which lie on it side by side.
    static bool is_sheet(const PatternSnapshot::Matrix& matrix) { return matrix.row_axis == "row"; }
    static bool shown_as_strips(const PatternSnapshot& snapshot, const PatternSnapshot::Matrix& matrix);
    QWidget* build_time();
    /// Cards for exactly these matrices; kept while the next snapshot has the same ones.
    void rebuild(const PatternSnapshot& snapshot);
    Card* make_map_card(const PatternSnapshot::Matrix& matrix);
    void show_snapshot(const PatternSnapshot& snapshot);
    void show_weights(const PatternSnapshot::Matrix& weights);
    void show_gain(const PatternSnapshot::Matrix& gain);
    void follow(bool on);
    /// Keys and clicks beside the handle go to another snapshot, however near or far it is.
    void step_slider(int action);
    void refresh();

    const RunRecord* record_ = nullptr;
    RunRecord::Snapshot shown_;
    bool following_ = true;
    std::int64_t chosen_step_ = 0;     ///< the snapshot nearest to it is on show
    std::vector<std::string> layout_;  ///< names of the matrices that have cards
    std::map<std::string, HeatMap*> maps_;
    std::map<std::string, Card*> cards_;
    std::vector<BarStrip*> strips_;
    QWidget* strip_row_ = nullptr;
    LineChart* gain_ = nullptr;
    bool gain_log_ = true;

    QStackedLayout* stack_;
    QLabel* empty_;
    QLabel* note_;
    QWidget* cards_area_;
    EvolvePanel* evolve_;
    QGridLayout* grid_;
    QSlider* slider_ = nullptr;
    QLabel* moment_ = nullptr;
    QPushButton *follow_ = nullptr, *show_evolve_ = nullptr;
};

}  // namespace spectral::ui
