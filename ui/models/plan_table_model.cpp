#include "ui/models/plan_table_model.hpp"

#include <utility>

#include "ui/panels/format.hpp"

namespace spectral::ui {

void PlanTableModel::set_plans(std::vector<PlanInfo> plans) {
    const int before = rowCount(), after = static_cast<int>(plans.size());
    if (after < before) beginRemoveRows({}, after, before - 1);
    if (after > before) beginInsertRows({}, before, after - 1);
    plans_ = std::move(plans);
    if (after < before) endRemoveRows();
    if (after > before) endInsertRows();
    if (after > 0) Q_EMIT dataChanged(index(0, 0), index(after - 1, kColumns - 1));
}

int PlanTableModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(plans_.size());
}

int PlanTableModel::columnCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : kColumns; }

QVariant PlanTableModel::data(const QModelIndex& index, int role) const {
    if (!index.isValid() || index.row() >= rowCount()) return {};
    const PlanInfo& plan = plans_[static_cast<std::size_t>(index.row())];
    if (role == Qt::TextAlignmentRole)
        return static_cast<int>((index.column() == kPlan ? Qt::AlignLeft : Qt::AlignRight) |
                                Qt::AlignVCenter);
    if (role == Qt::ToolTipRole && index.column() != kBytes) return QString::fromStdString(plan.text);
    if (role == Qt::ToolTipRole && !plan.bytes)
        return tr("The library does not tell what this plan takes; it is not in the figures above.");
    if (role != Qt::DisplayRole) return {};
    switch (index.column()) {
        case kPlan:
            return QString::fromStdString(plan.text);
        case kUses:
            return grouped(static_cast<std::int64_t>(plan.uses));
        case kBytes:
            return plan.bytes ? human_bytes(*plan.bytes) : tr("not told");
        default:
            return {};
    }
}

QVariant PlanTableModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal || section < 0 || section >= kColumns) return {};
    if (role == Qt::DisplayRole) {
        const QString heads[kColumns] = {tr("plan"), tr("uses"), tr("size")};
        return heads[section];
    }
    if (role == Qt::ToolTipRole) {
        const QString tips[kColumns] = {tr("Transform and shape"), tr("Operations that ran with it"),
                                        tr("Memory of its work area")};
        return tips[section];
    }
    if (role == Qt::TextAlignmentRole)
        return static_cast<int>((section == kPlan ? Qt::AlignLeft : Qt::AlignRight) | Qt::AlignVCenter);
    return {};
}

}  // namespace spectral::ui
