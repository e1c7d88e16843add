// The plan cache of a run's backend as a table: most recently used first.
#pragma once

#include <QAbstractTableModel>
#include <vector>

#include "engine/train/events.hpp"

namespace spectral::ui {

class PlanTableModel : public QAbstractTableModel {
    Q_OBJECT

public:
    enum Column : int { kPlan, kUses, kBytes, kColumns };

    explicit PlanTableModel(QObject* parent = nullptr) : QAbstractTableModel(parent) {}

    void set_plans(std::vector<PlanInfo> plans);

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role = Qt::DisplayRole) const override;

private:
    std::vector<PlanInfo> plans_;
};

}  // namespace spectral::ui
