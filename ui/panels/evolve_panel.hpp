// A copy of a learned pattern that evolves under a tool, beside the pattern as it was learned; and the way
// back into training.
#pragma once

#include <QTimer>
#include <QWidget>
#include <map>
#include <optional>

#include "ui/session/pattern_evolution.hpp"
#include "ui/session/run_record.hpp"
#include "ui/session/starting_point.hpp"

class QComboBox;
class QGridLayout;
class QLabel;
class QPushButton;
class QSpinBox;
class QStackedWidget;

namespace spectral::ui {

class Card;
class FieldEdit;
class HeatMap;
class LineChart;
struct AxisTitle;

class EvolvePanel : public QWidget {
    Q_OBJECT

public:
    /// Where an evolved pattern can go.
    enum class Target { none, run, file };

    explicit EvolvePanel(QWidget* parent = nullptr);

    /// The patterns on show, to choose from; null: there are none. A copy that has not moved yet is taken
    /// anew.
    void offer(const RunRecord::Snapshot& snapshot);
    /// The matrix of that name, its first pattern.
    void choose(const std::string& matrix);
    /// `why_not` is the reason where the target is none.
    void set_target(Target target, const QString& why_not = {});
    Target target() const { return target_; }
    const PatternEvolution& evolution() const { return evolution_; }
    /// What the settings say; nothing where one is no number, which is marked then.
    std::optional<EvolutionSettings> settings();

    /// Whether any of the matrix can be evolved.
    static bool can_evolve(const PatternSnapshot::Matrix& matrix);

Q_SIGNALS:
    /// `what` names the pattern and its steps: "pattern 3 of “Pattern pool”, 40 steps on from step 900,".
    void startingPointWanted(const spectral::ui::StartingPoint& point, const QString& what);

protected:
    void hideEvent(QHideEvent* event) override;

private:
    static constexpr int kControlsWidth = 232;

    /// A card asks its labels for no height by their width, so they are told how much they need.
    static void set_wrapped(QLabel& label, const QString& text);
    QWidget* build_controls();
    QWidget* build_settings();
    void build_pictures(QGridLayout& grid);
    FieldEdit* add_setting(QGridLayout& grid, int row, const char* name, const QString& label,
                           const QString& tip, double value);
    LineChart* add_chart(QGridLayout& grid, int column, const char* name, const QString& title,
                         const AxisTitle& y_title, const QString& tip);
    const PatternSnapshot::Matrix* matrix() const;
    std::optional<std::int64_t> index() const;
    QString pattern_name() const;
    void take_copy();
    /// Because somebody wants it: what was refused before is forgotten.
    void take_new_copy();
    void fill_matrices();
    void fill_indices();
    void change_tool();
    void play(bool on);
    void step();
    void show_pattern();
    void show_measures();
    void show_refusal(const QString& field, const QString& what);
    void clear_refusal();
    void update_buttons();
    void use();

    RunRecord::Snapshot snapshot_;  ///< on show
    RunRecord::Snapshot copied_;    ///< that the copy is from
    QString moved_by_;              ///< the tool that moved it, of several the last
    Target target_ = Target::none;
    QString why_not_;
    QTimer pace_;

    QStackedWidget* stack_ = nullptr;
    QComboBox *matrices_ = nullptr, *tool_ = nullptr;
    QSpinBox* index_ = nullptr;
    QLabel *index_label_ = nullptr, *formula_ = nullptr, *problem_ = nullptr, *target_label_ = nullptr;
    std::map<QString, FieldEdit*> fields_;  ///< by setting
    std::map<QString, QLabel*> labels_;
    QPushButton *play_ = nullptr, *step_ = nullptr, *reset_ = nullptr, *use_ = nullptr;
    Card *start_card_ = nullptr, *now_card_ = nullptr, *row_card_ = nullptr;
    HeatMap *start_map_ = nullptr, *now_map_ = nullptr;
    LineChart *row_chart_ = nullptr, *energy_ = nullptr, *entropy_ = nullptr, *height_ = nullptr;

    PatternEvolution evolution_;  // last: what it does ends before the rest goes
};

}  // namespace spectral::ui
