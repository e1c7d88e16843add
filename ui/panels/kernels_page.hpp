// Where the time goes: every operation's timings, the last steps as a timeline, its levels side by side, and
// how far the machine's limits are.
#pragma once

#include <QWidget>
#include <memory>
#include <string>
#include <vector>

#include "engine/profile/profiler.hpp"
#include "ui/session/level_probe.hpp"

class QAction;
class QComboBox;
class QLineEdit;
class QProgressBar;
class QPushButton;
class QTableView;

namespace spectral::ui {

class Card;
class LevelTableModel;
class LineChart;
class OpTableModel;
class TimelineView;

class KernelsPage : public QWidget {
    Q_OBJECT

public:
    /// The profiler must outlive the page.
    explicit KernelsPage(Profiler& profiler, QWidget* parent = nullptr);

    /// Shows what the profiler knows now; nothing while the page is hidden. `training`: a run is going, so
    /// the machine is not free for a measurement.
    void refresh(bool training);
    QTableView* operations() const { return operations_; }
    QTableView* levels() const { return levels_; }
    TimelineView* timeline() const { return timeline_; }
    bool comparing() const { return probe_.active(); }
    void cancel() { probe_.cancel(); }

Q_SIGNALS:
    void problem(const QString& what, const QString& hint);
    /// A comparison is over, whatever became of it.
    void ended();

protected:
    void showEvent(QShowEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;

private:
    QWidget* build_operations();
    QWidget* build_timeline();
    QWidget* build_levels();
    QWidget* build_roofline();
    void show_profile();
    void show_timeline(const Profile& profile);
    void show_roofline(const Profile& profile);
    void show_ceiling(const Ceiling& ceiling);
    void choose_op(const std::string& op);
    void compare_or_cancel();

    Profiler& profiler_;
    LevelProbe probe_;
    Ceiling ceiling_;
    bool training_ = false;
    std::vector<std::size_t> roofline_ops_;  ///< indices of the timings on show

    OpTableModel* op_model_;
    LevelTableModel* level_model_;
    Card* operations_card_ = nullptr;
    Card* timeline_card_ = nullptr;
    Card* levels_card_ = nullptr;
    Card* roofline_card_ = nullptr;
    QAction* timing_ = nullptr;
    QTableView* operations_ = nullptr;
    QTableView* levels_ = nullptr;
    TimelineView* timeline_ = nullptr;
    LineChart* roofline_ = nullptr;
    QComboBox* op_choice_ = nullptr;
    QLineEdit* sizes_ = nullptr;
    QPushButton* compare_ = nullptr;
    QProgressBar* progress_ = nullptr;
};

}  // namespace spectral::ui
