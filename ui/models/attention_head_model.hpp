// The heads of an attention layer: how spread their rows are in the mean.
#pragma once

#include <QAbstractTableModel>
#include <vector>

namespace spectral::ui {

class AttentionHeadModel : public QAbstractTableModel {
    Q_OBJECT

public:
    enum Column : int { kHead, kEntropy, kSyntony, kColumns };
    /// For a BarDelegate: the entropy as a share of the largest that its rows can have, the syntony as it is.
    static constexpr int kShareRole = Qt::UserRole;

    struct Row {
        double entropy = 0;        ///< mean of the rows, nats
        double entropy_share = 0;  ///< of the mean of the bounds
        double syntony = 0;        ///< mean of the rows
    };

    explicit AttentionHeadModel(QObject* parent = nullptr) : QAbstractTableModel(parent) {}

    /// The selection stays where there are as many.
    void set_rows(std::vector<Row> rows);

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role = Qt::DisplayRole) const override;

private:
    std::vector<Row> rows_;
};

}  // namespace spectral::ui
