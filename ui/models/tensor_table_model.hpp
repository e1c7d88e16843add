// The tensors of a model and what they are stored as.
#pragma once

#include <QAbstractTableModel>
#include <QString>
#include <string>
#include <vector>

#include "engine/compress/compress_model.hpp"

namespace spectral::ui {

class TensorTableModel : public QAbstractTableModel {
    Q_OBJECT

public:
    enum Column : int { kTensor, kShape, kDense, kStored, kMethod, kKept, kError, kDamage, kColumns };
    /// A number or text to sort by; of kDamage the share in [0, 1].
    static constexpr int kValueRole = Qt::UserRole;

    explicit TensorTableModel(QObject* parent = nullptr) : QAbstractTableModel(parent) {}

    /// All tensors, not packed yet.
    void set_model(const ModelFile& model);
    /// What they are packed as; those that are not among `tensors` stay dense. Without a model these are the
    /// rows.
    void set_reports(const std::vector<TensorReport>& tensors);
    /// None is packed any more.
    void clear_reports();

    const std::string& name(int row) const { return rows_[static_cast<std::size_t>(row)].report.name; }
    /// -1 where there is none of that name.
    int row_of(const std::string& name) const;
    /// Null while it is not packed.
    const TensorReport* report(const std::string& name) const;
    QString to_csv() const;

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role = Qt::DisplayRole) const override;

private:
    struct Row {
        TensorReport report;
        bool packed = false;
    };

    double share_of_damage(const Row& row) const;
    QVariant value(const Row& row, int column) const;
    QString text(const Row& row, int column) const;
    void tell_all_changed();

    std::vector<Row> rows_;
    double damage_ = 0;  ///< of all tensors
};

}  // namespace spectral::ui
