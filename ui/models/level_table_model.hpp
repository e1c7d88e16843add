// The levels of one operation side by side.
#pragma once

#include <QAbstractTableModel>
#include <vector>

#include "engine/profile/bench.hpp"

namespace spectral::ui {

class LevelTableModel : public QAbstractTableModel {
    Q_OBJECT

public:
    enum Column : int { kLevel, kTime, kSpeedUp, kBandwidth, kCeiling, kDifference, kChange, kColumns };
    /// Of kSpeedUp: its share of the largest one, for a bar.
    static constexpr int kValueRole = Qt::UserRole;

    explicit LevelTableModel(QObject* parent = nullptr) : QAbstractTableModel(parent) {}

    void set_results(std::vector<BenchResult> results);
    const std::vector<BenchResult>& results() const { return results_; }
    QString to_csv() const;

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role = Qt::DisplayRole) const override;

private:
    std::vector<BenchResult> results_;
    double largest_speed_up_ = 1;
    bool several_backends_ = false;
};

}  // namespace spectral::ui
