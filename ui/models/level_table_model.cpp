#include "ui/models/level_table_model.hpp"

#include <algorithm>
#include <utility>

#include "ui/charts/export.hpp"

namespace spectral::ui {

namespace {

QString digits(double value) { return QString::number(value, 'g', 3); }

}  // namespace

void LevelTableModel::set_results(std::vector<BenchResult> results) {
    beginResetModel();
    results_ = std::move(results);
    largest_speed_up_ = 1;
    for (const BenchResult& each : results_)
        largest_speed_up_ = std::max(largest_speed_up_, each.speedup_over_level_1);
    several_backends_ = std::ranges::any_of(
        results_, [&](const BenchResult& each) { return each.backend != results_.front().backend; });
    endResetModel();
}

QString LevelTableModel::to_csv() const {
    QString text = QStringLiteral(
        "operation,backend,shape,level,level_name,ms,speedup_over_level_1,gb_per_s,gflop_per_s,percent_of_"
        "ceiling,"
        "max_abs_diff,change\n");
    for (const BenchResult& r : results_) {
        const QStringList fields{csv_field(QString::fromStdString(r.op)),
                                 csv_field(QString::fromStdString(r.backend)),
                                 csv_field(QString::fromStdString(r.shape)),
                                 QString::number(r.level),
                                 csv_field(QString::fromStdString(r.level_name)),
                                 csv_number(r.ms),
                                 csv_number(r.speedup_over_level_1),
                                 csv_number(r.gb_per_s),
                                 csv_number(r.gflop_per_s),
                                 csv_number(r.percent_of_ceiling),
                                 csv_number(r.max_abs_diff),
                                 csv_field(QString::fromStdString(r.change))};
        text += fields.join(QLatin1Char(',')) + QLatin1Char('\n');
    }
    return text;
}

int LevelTableModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(results_.size());
}

int LevelTableModel::columnCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : kColumns; }

QVariant LevelTableModel::data(const QModelIndex& index, int role) const {
    if (!index.isValid() || index.row() >= rowCount()) return {};
    const BenchResult& r = results_[static_cast<std::size_t>(index.row())];
    if (role == Qt::ToolTipRole) return QString::fromStdString(r.change);
    if (role == kValueRole && index.column() == kSpeedUp) return r.speedup_over_level_1 / largest_speed_up_;
    if (role == Qt::TextAlignmentRole) {
        const bool words = index.column() == kLevel || index.column() == kChange;
        return static_cast<int>((words ? Qt::AlignLeft : Qt::AlignRight) | Qt::AlignVCenter);
    }
    if (role != Qt::DisplayRole) return {};
    switch (index.column()) {
        case kLevel: {
            const QString level =
                QStringLiteral("%1 %2").arg(r.level).arg(QString::fromStdString(r.level_name));
            return several_backends_ ? level + QStringLiteral(" · ") + QString::fromStdString(r.backend)
                                     : level;
        }
        case kTime:
            return digits(r.ms);
        case kSpeedUp:
            return digits(r.speedup_over_level_1) + QStringLiteral(" ×");
        case kBandwidth:
            return digits(r.gb_per_s);
        case kCeiling:
            return QStringLiteral("%1 %").arg(r.percent_of_ceiling, 0, 'f',
                                              r.percent_of_ceiling < 10 ? 1 : 0);
        case kDifference:
            return r.max_abs_diff == 0 ? QStringLiteral("0") : QString::number(r.max_abs_diff, 'g', 2);
        case kChange:
            return QString::fromStdString(r.change);
        default:
            return {};
    }
}

QVariant LevelTableModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal || section < 0 || section >= kColumns) return {};
    if (role == Qt::DisplayRole) {
        const QString heads[kColumns] = {tr("level"),      tr("ms"),       tr("speed-up"),       tr("GB/s"),
                                         tr("of ceiling"), tr("max diff"), tr("what it changes")};
        return heads[section];
    }
    if (role == Qt::ToolTipRole && section == kDifference)
        return tr("Largest difference of a result from the lowest level's");
    if (role == Qt::TextAlignmentRole) {
        const bool words = section == kLevel || section == kChange;
        return static_cast<int>((words ? Qt::AlignLeft : Qt::AlignRight) | Qt::AlignVCenter);
    }
    return {};
}

}  // namespace spectral::ui
