// The profiler's timings as a table, one row per operation and level.
#pragma once

#include <QAbstractTableModel>
#include <memory>

#include "engine/profile/ceiling.hpp"
#include "engine/profile/profiler.hpp"

namespace spectral::ui {

class OpTableModel : public QAbstractTableModel {
    Q_OBJECT

public:
    enum Column : int {
        kOperation,
        kLevel,
        kCalls,
        kTotal,
        kMedian,
        kP95,
        kBandwidth,
        kArithmetic,
        kCeiling,
        kShare,
        kColumns
    };
    /// A number to sort by; for kShare and kCeiling in [0, 1] or a little more.
    static constexpr int kValueRole = Qt::UserRole;

    explicit OpTableModel(QObject* parent = nullptr) : QAbstractTableModel(parent) {}

    /// Rows that are there already keep their place, so selection and sorting stay.
    void set_profile(std::shared_ptr<const Profile> profile);
    /// Zeros: not measured; the column is empty then.
    void set_ceiling(const Ceiling& ceiling);
    const Profile* profile() const { return profile_.get(); }

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role = Qt::DisplayRole) const override;

private:
    QVariant value(const OpTiming& timing, int column) const;
    QString text(const OpTiming& timing, int column) const;

    std::shared_ptr<const Profile> profile_;
    Ceiling ceiling_;
};

}  // namespace spectral::ui
