// What memory is used for: over time against the limit, by holder, and the plans of the run's backend.
#pragma once

#include <QWidget>
#include <cstdint>
#include <vector>

#include "engine/train/events.hpp"

class QHBoxLayout;
class QLabel;
class QPushButton;
class QSpinBox;
class QTableView;

namespace spectral::ui {

class Card;
class HolderTableModel;
class LiveText;
class PlanTableModel;
class StackedChart;

class MemoryPage : public QWidget {
    Q_OBJECT

public:
    /// The budget must outlive the page.
    explicit MemoryPage(MemoryBudget& budget, QWidget* parent = nullptr);

    /// Shows what the budget knows now; nothing while the page is hidden. `running`: a run is going, whose
    /// time goes on and whose plans can be evicted.
    void refresh(bool running);
    /// Of the run that is going.
    void set_plans(std::vector<PlanInfo> plans);
    /// Peaks and chart begin anew: a run starts.
    void start_over();

    StackedChart* chart() const { return chart_; }
    QTableView* holders() const { return holders_; }
    QTableView* plans() const { return plans_; }
    QSpinBox* limit() const { return limit_; }

Q_SIGNALS:
    /// The user gave a new limit; the budget has it already. 0: none.
    void limitChanged(std::int64_t mib);
    void evictRequested();

protected:
    void showEvent(QShowEvent* event) override;

private:
    QWidget* build_figures();
    QWidget* build_chart();
    QWidget* build_holders();
    QWidget* build_plans();
    LiveText* add_figure(QHBoxLayout& row, const char* name, const QString& caption, const QString& tip);
    void show_now();
    void show_figures(const MemorySnapshot& memory);
    void show_limit(std::size_t limit, std::size_t current);
    void show_chart(const MemorySnapshot& memory);
    void show_plans();
    void change_limit(int mib);
    double end_s() const { return 1e-9 * static_cast<double>(end_ns_); }

    MemoryBudget& budget_;
    HolderTableModel* holder_model_;
    PlanTableModel* plan_model_;
    std::vector<PlanInfo> plans_known_;
    bool running_ = false;
    bool begun_ = false;  ///< there was a run in this window
    bool plans_changed_ = true;
    std::uint64_t shown_revision_ = 0;
    std::int64_t end_ns_ = 0;  ///< of the run, on the timeline

    Card* chart_card_ = nullptr;
    LiveText* current_ = nullptr;
    LiveText* peak_ = nullptr;
    LiveText* share_ = nullptr;
    QSpinBox* limit_ = nullptr;
    QLabel* limit_note_ = nullptr;
    StackedChart* chart_ = nullptr;
    QTableView* holders_ = nullptr;
    QTableView* plans_ = nullptr;
    QPushButton* evict_ = nullptr;
    QLabel* evict_note_ = nullptr;
};

}  // namespace spectral::ui
