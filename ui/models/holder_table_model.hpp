// Who holds memory, as a table: the largest first.
#pragma once

#include <QAbstractTableModel>
#include <vector>

#include "engine/core/memory_budget.hpp"

namespace spectral::ui {

class HolderTableModel : public QAbstractTableModel {
    Q_OBJECT

public:
    enum Column : int { kHolder, kKind, kBytes, kShare, kColumns };
    /// For kBytes the number, for kShare a number in [0, 1].
    static constexpr int kValueRole = Qt::UserRole;

    explicit HolderTableModel(QObject* parent = nullptr) : QAbstractTableModel(parent) {}

    /// Rows keep their places, so that a selection stays while numbers change.
    void set_holders(std::vector<MemoryHolder> holders);
    QString to_csv() const;

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role = Qt::DisplayRole) const override;

private:
    double share(const MemoryHolder& holder) const;

    std::vector<MemoryHolder> holders_;
    std::size_t total_ = 0;
};

}  // namespace spectral::ui
