// A model in fewer bytes: its tensors, the budget they share, one of them looked at, and every method beside
// the others.
#pragma once

#include <QWidget>
#include <memory>
#include <optional>
#include <string>

#include "ui/session/compress_session.hpp"

class QLabel;
class QPushButton;
class QSortFilterProxyModel;
class QStackedLayout;
class QTableView;

namespace spectral::ui {

class BudgetPanel;
class Card;
class TensorPanel;
class TensorTableModel;
class TradeoffPanel;

class CompressionPage : public QWidget {
    Q_OBJECT

public:
    explicit CompressionPage(std::shared_ptr<Workspace> workspace, QWidget* parent = nullptr);

    /// Reads the file and packs it as the budget says; where it cannot be read, problem() says why and
    /// nothing changes.
    void open(const QString& path);
    /// To be opened by a button, or when the page is shown first; empty: there is none.
    void offer(const QString& path);
    /// Data sets are looked for where the experiment on the left has them.
    void set_data(const DataPlace& place) { known_data_ = place; }
    void export_model(const QString& path) { session_.export_to(path); }

    bool opening() const { return opening_; }
    /// Something is still being computed for what is on show.
    bool busy() const;

    CompressSession& session() { return session_; }
    QTableView* tensors() const { return table_; }
    TensorPanel& tensor_panel() { return *tensor_; }
    TradeoffPanel& tradeoff_panel() { return *tradeoff_; }

Q_SIGNALS:
    void problem(const QString& what, const QString& hint);
    void openRequested();
    /// Asks for a file name to export to.
    void exportRequested(const QString& suggestion);
    void opened(const QString& path);
    void exported(const QString& path);

protected:
    bool eventFilter(QObject* watched, QEvent* event) override;
    void showEvent(QShowEvent* event) override;

private:
    QWidget* build_empty();
    QWidget* build_tensors();
    void fit_columns();
    void connect_session();
    void show_opened();
    void show_packed();
    void select(const QModelIndex& index);
    void repack();
    /// The budget comes first: curves of a tensor take as much of the machine.
    void compare_when_free();
    void look();
    /// Method and rate of the chosen tensor, as the budget gave them.
    void adopt_choice();
    void follow_fix();
    std::optional<DataPlace> data() const;

    CompressSession session_;
    DataPlace known_data_;
    QString offered_, exported_;
    bool opening_ = false;
    int name_width_ = 0;  ///< that somebody gave the names; 0: nobody did
    bool fitting_ = false;
    std::string curves_wanted_;  ///< of this tensor, once nothing is being packed
    TensorTableModel* model_;
    QSortFilterProxyModel* sorted_ = nullptr;
    QStackedLayout* stack_;
    QPushButton* offer_ = nullptr;
    Card* tensors_card_ = nullptr;
    QTableView* table_ = nullptr;
    BudgetPanel* budget_ = nullptr;
    TensorPanel* tensor_ = nullptr;
    TradeoffPanel* tradeoff_ = nullptr;
};

}  // namespace spectral::ui
