#include "ui/models/neighbour_table_model.hpp"

#include <algorithm>
#include <utility>

namespace spectral::ui {

void NeighbourTableModel::set_rows(std::vector<Row> rows) {
    beginResetModel();
    rows_ = std::move(rows);
    endResetModel();
}

int NeighbourTableModel::token_at(int row) const {
    return row >= 0 && row < static_cast<int>(rows_.size()) ? rows_[static_cast<std::size_t>(row)].token : -1;
}

int NeighbourTableModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(rows_.size());
}

int NeighbourTableModel::columnCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(kColumns);
}

QVariant NeighbourTableModel::data(const QModelIndex& index, int role) const {
    if (!index.isValid() || index.row() >= static_cast<int>(rows_.size())) return {};
    const Row& row = rows_[static_cast<std::size_t>(index.row())];
    if (role == kShareRole) return std::max(0.0, row.similarity);
    if (role == Qt::TextAlignmentRole && index.column() == kSimilarity)
        return QVariant(Qt::AlignRight | Qt::AlignVCenter);
    if (role == Qt::ToolTipRole)
        return tr("%1: cosine similarity %2").arg(row.name).arg(row.similarity, 0, 'f', 6);
    if (role != Qt::DisplayRole) return {};
    return index.column() == kToken ? row.name : QString::number(row.similarity, 'f', 3);
}

QVariant NeighbourTableModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal) return {};
    if (role == Qt::TextAlignmentRole && section == kSimilarity)
        return QVariant(Qt::AlignRight | Qt::AlignVCenter);
    if (role != Qt::DisplayRole) return {};
    return section == kToken ? tr("token") : tr("cosine");
}

}  // namespace spectral::ui
