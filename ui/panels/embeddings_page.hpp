// Encodings of positions and embeddings of tokens: as matrices, as curves, on a torus, and by their principal
// components.
#pragma once

#include <QWidget>
#include <memory>
#include <vector>

#include "ui/session/embedding_view.hpp"
#include "ui/session/latest_worker.hpp"
#include "ui/session/run_record.hpp"

class QComboBox;
class QGridLayout;
class QHBoxLayout;
class QLabel;
class QLineEdit;
class QSpinBox;
class QTableView;

namespace spectral::ui {

class Card;
class HeatMap;
class LineChart;
class NeighbourTableModel;
class PointCloud;

class EmbeddingsPage : public QWidget {
    Q_OBJECT

public:
    explicit EmbeddingsPage(QWidget* parent = nullptr);
    ~EmbeddingsPage() override;

    /// Offers the newest embedding of the run or model, and shows it as soon as there is a first one; while
    /// the page is hidden, once it is seen again. The record must outlive the page.
    void show_record(const RunRecord& record);
    /// How many heads share the model's width; 0: it has none, and what is there stays. Until somebody
    /// chooses other sizes; width and vocabulary come with the model's embedding.
    void suggest_heads(std::int64_t heads);
    /// Whether something that was asked for is not shown yet.
    bool busy() const { return encodings_shown_ != encodings_asked_ || vectors_shown_ != vectors_asked_; }

protected:
    void showEvent(QShowEvent* event) override;

private:
    /// Whose vectors the scatter shows.
    enum Source : int { kGolden, kStandard, kWindings, kModel };

    QWidget* build_controls();
    QSpinBox* add_number(QHBoxLayout& row, const char* name, const QString& caption, const QString& tip,
                         int low, int high, int value);
    QComboBox* add_winding(QHBoxLayout& row, const char* name, const QString& way, int chosen);
    void build_encodings(QGridLayout& grid);
    void build_curve(QGridLayout& grid);
    void build_torus(QGridLayout& grid);
    void build_vectors(QGridLayout& grid);
    void build_syntony(QGridLayout& grid);
    Card* make_map_card(const char* name, const QString& title, HeatMap*& map);

    EncodingRequest request() const;
    void suggest(QSpinBox& box, std::int64_t value);
    void ask_encodings();
    void ask_vectors();
    void show_encodings(const EncodingView& view);
    void show_vectors(const VectorView& view);
    void show_vector_trouble(const QString& what);
    void follow_record();
    /// Its history, where the model has any.
    void show_syntony();
    void choose(int token);
    void show_neighbours();
    void search(const QString& text);
    QString name_of(int token) const;

    const RunRecord* record_ = nullptr;
    RunRecord::Snapshot snapshot_;                 ///< whose embedding was offered last
    std::shared_ptr<const HostTensor> embedding_;  ///< of the model; null: it has none
    VectorView vectors_;
    int chosen_ = -1;
    bool sizes_by_hand_ = false;
    bool stale_ = false;  ///< sizes changed while nobody looked
    std::int64_t encodings_asked_ = 0, encodings_shown_ = 0, vectors_asked_ = 0, vectors_shown_ = 0;

    QSpinBox *width_ = nullptr, *positions_ = nullptr, *heads_ = nullptr, *vocabulary_ = nullptr;
    QLabel* none_of_model_ = nullptr;
    QComboBox *along_ = nullptr, *around_ = nullptr, *source_ = nullptr;
    HeatMap *golden_ = nullptr, *standard_ = nullptr, *similarity_ = nullptr;
    QAction* similarity_standard_ = nullptr;
    Card *golden_card_ = nullptr, *standard_card_ = nullptr, *similarity_card_ = nullptr;
    Card *torus_card_ = nullptr, *vectors_card_ = nullptr, *neighbours_card_ = nullptr;
    Card* syntony_card_ = nullptr;
    LineChart *curve_ = nullptr, *syntony_ = nullptr;
    PointCloud *torus_ = nullptr, *scatter_ = nullptr;
    QLineEdit* search_ = nullptr;
    NeighbourTableModel* neighbour_model_;
    QTableView* neighbours_ = nullptr;

    LatestWorker encoding_worker_, vector_worker_;  // last: what they do ends before the rest goes
};

}  // namespace spectral::ui
