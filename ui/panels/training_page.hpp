// How a run is doing: loss, accuracy, confusion, examples, throughput.
#pragma once

#include <QElapsedTimer>
#include <QTimer>
#include <QWidget>
#include <cstdint>
#include <memory>
#include <optional>

#include "engine/train/events.hpp"
#include "ui/session/run_record.hpp"

class QLabel;
class QPlainTextEdit;

namespace spectral::ui {

class Card;
class HeatMap;
class ImageGrid;
class LineChart;

class TrainingPage : public QWidget {
    Q_OBJECT

public:
    explicit TrainingPage(QWidget* parent = nullptr);

    /// Shows what `record` holds, while the page is hidden once it is seen again; charts of very long runs
    /// follow a little less often than they are asked to. The record must live as long as the page.
    void show_record(const RunRecord& record);
    /// The dashed line in the accuracy chart; `accuracy` in [0, 1].
    void set_ceiling(std::optional<double> accuracy);

    LineChart* loss_chart() const { return loss_; }
    LineChart* accuracy_chart() const { return accuracy_; }
    LineChart* throughput_chart() const { return throughput_; }
    HeatMap* confusion_map() const { return confusion_; }

protected:
    void showEvent(QShowEvent* event) override;

private:
    QWidget* build_loss();
    QWidget* build_accuracy();
    QWidget* build_confusion();
    QWidget* build_samples();
    QWidget* build_text();
    QWidget* build_throughput();
    void refresh_charts();
    void refresh_evaluation(const RunRecord& record);
    /// Why there is nothing to be seen of an evaluation.
    void explain_absence(const RunRecord& record);
    void refresh_text(const RunRecord& record);
    void show_samples();

    LineChart* loss_ = nullptr;
    LineChart* accuracy_ = nullptr;
    LineChart* throughput_ = nullptr;
    HeatMap* confusion_ = nullptr;
    ImageGrid* samples_ = nullptr;
    QPlainTextEdit* text_ = nullptr;
    QLabel* bits_ = nullptr;
    Card* loss_card_ = nullptr;
    Card* accuracy_card_ = nullptr;
    Card* confusion_card_ = nullptr;
    Card* samples_card_ = nullptr;
    Card* text_card_ = nullptr;
    Card* throughput_card_ = nullptr;
    const RunRecord* record_ = nullptr;
    std::shared_ptr<const Evaluation> shown_evaluation_;
    std::int64_t shown_text_step_ = -1;
    bool only_wrong_ = false;
    QTimer late_refresh_;
    QElapsedTimer since_refresh_;
};

}  // namespace spectral::ui
