#include "ui/models/holder_table_model.hpp"

#include <utility>

#include "ui/charts/export.hpp"
#include "ui/panels/format.hpp"

namespace spectral::ui {

namespace {

QString kind_of(const MemoryHolder& holder) {
    return QString::fromUtf8(memory_tag_name(holder.tag).data(),
                             qsizetype(memory_tag_name(holder.tag).size()));
}

}  // namespace

void HolderTableModel::set_holders(std::vector<MemoryHolder> holders) {
    const int before = rowCount(), after = static_cast<int>(holders.size());
    total_ = 0;
    for (const MemoryHolder& holder : holders) total_ += holder.bytes;
    if (after < before) beginRemoveRows({}, after, before - 1);
    if (after > before) beginInsertRows({}, before, after - 1);
    holders_ = std::move(holders);
    if (after < before) endRemoveRows();
    if (after > before) endInsertRows();
    if (after > 0) Q_EMIT dataChanged(index(0, 0), index(after - 1, kColumns - 1));
}

double HolderTableModel::share(const MemoryHolder& holder) const {
    return total_ > 0 ? static_cast<double>(holder.bytes) / static_cast<double>(total_) : 0;
}

QString HolderTableModel::to_csv() const {
    QString text = QStringLiteral("holder,kind,bytes\n");
    for (const MemoryHolder& holder : holders_)
        text += csv_field(QString::fromStdString(holder.name)) + QLatin1Char(',') + kind_of(holder) +
                QLatin1Char(',') + QString::number(holder.bytes) + QLatin1Char('\n');
    return text;
}

int HolderTableModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(holders_.size());
}

int HolderTableModel::columnCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : kColumns; }

QVariant HolderTableModel::data(const QModelIndex& index, int role) const {
    if (!index.isValid() || index.row() >= rowCount()) return {};
    const MemoryHolder& holder = holders_[static_cast<std::size_t>(index.row())];
    if (role == kValueRole)
        return index.column() == kShare ? QVariant(share(holder)) : QVariant(qulonglong{holder.bytes});
    if (role == Qt::TextAlignmentRole)
        return static_cast<int>((index.column() <= kKind ? Qt::AlignLeft : Qt::AlignRight) |
                                Qt::AlignVCenter);
    if (role == Qt::ToolTipRole)
        return tr("%1: %2 bytes")
            .arg(QString::fromStdString(holder.name), grouped(std::int64_t(holder.bytes)));
    if (role != Qt::DisplayRole) return {};
    switch (index.column()) {
        case kHolder:
            return QString::fromStdString(holder.name);
        case kKind:
            return kind_of(holder);
        case kBytes:
            return human_bytes(holder.bytes);
        case kShare:
            return percent(share(holder));
        default:
            return {};
    }
}

QVariant HolderTableModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal || section < 0 || section >= kColumns) return {};
    if (role == Qt::DisplayRole) {
        const QString heads[kColumns] = {tr("holder"), tr("kind"), tr("size"), tr("share of all")};
        return heads[section];
    }
    if (role == Qt::ToolTipRole) {
        const QString tips[kColumns] = {tr("What the memory is for"), tr("Its band in the chart"),
                                        tr("Of everything held under this name"),
                                        tr("Of all the memory in use now")};
        return tips[section];
    }
    if (role == Qt::TextAlignmentRole)
        return static_cast<int>((section <= kKind ? Qt::AlignLeft : Qt::AlignRight) | Qt::AlignVCenter);
    return {};
}

}  // namespace spectral::ui
