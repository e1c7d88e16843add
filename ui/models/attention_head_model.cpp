#include "ui/models/attention_head_model.hpp"

#include <utility>

namespace spectral::ui {

void AttentionHeadModel::set_rows(std::vector<Row> rows) {
    if (rows.size() == rows_.size()) {
        rows_ = std::move(rows);
        if (!rows_.empty()) Q_EMIT dataChanged(index(0, 0), index(rowCount() - 1, kColumns - 1));
        return;
    }
    beginResetModel();
    rows_ = std::move(rows);
    endResetModel();
}

int AttentionHeadModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(rows_.size());
}

int AttentionHeadModel::columnCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(kColumns);
}

QVariant AttentionHeadModel::data(const QModelIndex& index, int role) const {
    if (!index.isValid() || index.row() >= rowCount()) return {};
    const Row& row = rows_[static_cast<std::size_t>(index.row())];
    if (role == kShareRole) return index.column() == kSyntony ? row.syntony : row.entropy_share;
    if (role == Qt::TextAlignmentRole && index.column() != kHead)
        return QVariant(Qt::AlignRight | Qt::AlignVCenter);
    if (role == Qt::ToolTipRole)
        return index.column() == kSyntony
                   ? tr("head %1: mean syntony %2, 1 − entropy / ln of all places")
                         .arg(index.row() + 1)
                         .arg(row.syntony, 0, 'f', 6)
                   : tr("head %1: mean entropy %2 nats; the bar is its share of an even attention's")
                         .arg(index.row() + 1)
                         .arg(row.entropy, 0, 'f', 6);
    if (role != Qt::DisplayRole) return {};
    if (index.column() == kHead) return tr("head %1").arg(index.row() + 1);
    return QString::number(index.column() == kEntropy ? row.entropy : row.syntony, 'f', 3);
}

QVariant AttentionHeadModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal) return {};
    if (role == Qt::TextAlignmentRole && section != kHead) return QVariant(Qt::AlignRight | Qt::AlignVCenter);
    if (role != Qt::DisplayRole) return {};
    switch (section) {
        case kEntropy:
            return tr("entropy, nats");
        case kSyntony:
            return tr("syntony");
        default:
            return tr("head");
    }
}

}  // namespace spectral::ui
