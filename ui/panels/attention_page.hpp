// What a model's attention looks at: a map for each head of a block, how spread its rows are, and attention's
// time and memory by the size of its tiles.
#pragma once

#include <QString>
#include <QWidget>
#include <memory>
#include <optional>

#include "ui/session/run_record.hpp"

class QComboBox;
class QGridLayout;
class QHBoxLayout;
class QLabel;
class QLineEdit;
class QSpinBox;
class QTableView;
class QToolButton;

namespace spectral::ui {

class AttentionHeadModel;
class Card;
class HeatMap;
class LineChart;
class MapGrid;
class TilesPanel;

class AttentionPage : public QWidget {
    Q_OBJECT

public:
    explicit AttentionPage(QWidget* parent = nullptr);

    /// Shows the record's newest view where it is of what is asked for. The record must outlive the page.
    void show_record(const RunRecord& record);
    /// Whether there is a model and what was asked of it is not shown yet.
    bool busy() const;
    /// Of the chosen sample and block; nothing while a text is waited for.
    std::optional<AttentionRequest> request() const;
    TilesPanel& tiles() { return *tiles_; }

Q_SIGNALS:
    /// Nothing: the page is hidden, or waits for a text.
    void lookRequested(const std::optional<spectral::AttentionRequest>& request);
    void problem(const QString& what, const QString& hint);

protected:
    void showEvent(QShowEvent* event) override;
    void hideEvent(QHideEvent* event) override;
    /// Labels follow the room that their widgets get.
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    enum Source : int { kWindow, kText };

    QWidget* build_controls();
    void add_sample_choice(QHBoxLayout& row);
    void build_maps(QGridLayout& grid);
    void build_rows(QGridLayout& grid);

    void ask();
    void move_sample(int by);
    void show_view(const AttentionView& view);
    static QString without_model();
    /// Where it is `to_come`, the cards say what they will show; else that there is none.
    void show_problem(const QString& text, bool to_come = false);
    /// Another model: nothing is known of its blocks yet, perhaps it has none.
    void forget_blocks();
    /// Choices that the model does not have give way to those that it has; true where one did.
    bool mend_choices(const AttentionView& view);
    void show_blocks(const AttentionAnalysis& analysis);
    void show_maps();
    void show_head();
    void show_entropies();
    void fit_labels();
    void choose_head(int head);
    QString token(int place) const;

    const RunRecord* record_ = nullptr;
    std::shared_ptr<const AttentionView> view_;  ///< on show; null: none
    int head_ = 0;

    QComboBox *source_ = nullptr, *block_ = nullptr;
    QWidget* sample_choice_ = nullptr;
    QSpinBox* sample_ = nullptr;
    QLabel *samples_ = nullptr, *window_text_ = nullptr;
    QToolButton *previous_ = nullptr, *next_ = nullptr;
    QLineEdit* text_ = nullptr;
    Card *heads_card_ = nullptr, *map_card_ = nullptr, *entropy_card_ = nullptr, *table_card_ = nullptr;
    QLabel *empty_ = nullptr, *table_empty_ = nullptr;
    MapGrid* maps_ = nullptr;
    HeatMap* map_ = nullptr;
    LineChart* entropy_ = nullptr;
    AttentionHeadModel* head_model_;
    QTableView* table_ = nullptr;
    TilesPanel* tiles_ = nullptr;
};

}  // namespace spectral::ui
