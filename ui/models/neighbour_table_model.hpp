// The tokens most like a chosen one, the most alike first.
#pragma once

#include <QAbstractTableModel>
#include <QString>
#include <vector>

namespace spectral::ui {

class NeighbourTableModel : public QAbstractTableModel {
    Q_OBJECT

public:
    enum Column : int { kToken, kSimilarity, kColumns };
    static constexpr int kShareRole =
        Qt::UserRole;  ///< for a BarDelegate: the similarity where it is positive

    struct Row {
        int token = 0;
        QString name;
        double similarity = 0;
    };

    explicit NeighbourTableModel(QObject* parent = nullptr) : QAbstractTableModel(parent) {}

    void set_rows(std::vector<Row> rows);
    /// −1: there is no such row.
    int token_at(int row) const;

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role = Qt::DisplayRole) const override;

private:
    std::vector<Row> rows_;
};

}  // namespace spectral::ui
