#include "ui/models/op_table_model.hpp"

#include <utility>

#include "ui/panels/format.hpp"

namespace spectral::ui {

namespace {

/// Three significant digits, without exponents in the range of timings.
QString three_digits(double value) {
    if (value <= 0) return QStringLiteral("–");
    const int decimals = value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : value >= 0.1 ? 3 : 4;
    return QString::number(value, 'f', decimals);
}

}  // namespace

void OpTableModel::set_profile(std::shared_ptr<const Profile> profile) {
    const int before = rowCount();
    const int after = profile ? static_cast<int>(profile->timings.size()) : 0;
    if (after < before) {
        beginResetModel();
        profile_ = std::move(profile);
        endResetModel();
        return;
    }
    if (after > before) beginInsertRows({}, before, after - 1);
    profile_ = std::move(profile);
    if (after > before) endInsertRows();
    if (before > 0) Q_EMIT dataChanged(index(0, 0), index(before - 1, kColumns - 1));
}

void OpTableModel::set_ceiling(const Ceiling& ceiling) {
    ceiling_ = ceiling;
    if (rowCount() > 0) Q_EMIT dataChanged(index(0, kCeiling), index(rowCount() - 1, kCeiling));
}

int OpTableModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() || !profile_ ? 0 : static_cast<int>(profile_->timings.size());
}

int OpTableModel::columnCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : kColumns; }

QVariant OpTableModel::value(const OpTiming& timing, int column) const {
    switch (column) {
        case kOperation:
            return QString::fromStdString(timing.op);
        case kLevel:
            return timing.level;
        case kCalls:
            return static_cast<qlonglong>(timing.calls);
        case kTotal:
            return timing.total_ms;
        case kMedian:
            return timing.median_us;
        case kP95:
            return timing.p95_us;
        case kBandwidth:
            return timing.gb_per_s();
        case kArithmetic:
            return timing.gflop_per_s();
        case kCeiling:
            return ceiling_.share({timing.bytes, timing.flops}, 1e-3 * timing.total_ms);
        case kShare:
            return timing.share;
        default:
            return {};
    }
}

QString OpTableModel::text(const OpTiming& timing, int column) const {
    const QVariant number = value(timing, column);
    switch (column) {
        case kOperation:
            return number.toString();
        case kLevel:
            return QStringLiteral("%1 %2").arg(timing.level).arg(QString::fromStdString(timing.level_name));
        case kCalls:
            return grouped(number.toLongLong());
        case kCeiling:
            return ceiling_.gb_per_s > 0 ? QStringLiteral("%1 %").arg(100 * number.toDouble(), 0, 'f', 0)
                                         : QStringLiteral("–");
        case kShare:
            return number.toDouble() > 0 ? QStringLiteral("%1 %").arg(100 * number.toDouble(), 0, 'f', 1)
                                         : tr("inside");
        default:
            return three_digits(number.toDouble());
    }
}

QVariant OpTableModel::data(const QModelIndex& index, int role) const {
    if (!index.isValid() || index.row() >= rowCount()) return {};
    const OpTiming& timing = profile_->timings[static_cast<std::size_t>(index.row())];
    switch (role) {
        case Qt::DisplayRole:
            return text(timing, index.column());
        case kValueRole:
            return value(timing, index.column());
        case Qt::TextAlignmentRole:
            return static_cast<int>((index.column() <= kLevel ? Qt::AlignLeft : Qt::AlignRight) |
                                    Qt::AlignVCenter);
        case Qt::ToolTipRole:
            return tr("%1, level %2: %3")
                .arg(QString::fromStdString(timing.op))
                .arg(timing.level)
                .arg(QString::fromStdString(timing.change));
        default:
            return {};
    }
}

QVariant OpTableModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal || section < 0 || section >= kColumns) return {};
    struct Head {
        const char* text;
        const char* tip;
    };
    static constexpr Head kHeads[kColumns] = {
        {QT_TR_NOOP("operation"),
         QT_TR_NOOP("Name of the operation; what its level does is in the row's tooltip")},
        {QT_TR_NOOP("level"), QT_TR_NOOP("Which of its versions ran")},
        {QT_TR_NOOP("calls"), QT_TR_NOOP("Since the last reset")},
        {QT_TR_NOOP("total ms"), QT_TR_NOOP("Time of all calls")},
        {QT_TR_NOOP("median µs"), QT_TR_NOOP("Of one call, exact to 4.5 %")},
        {QT_TR_NOOP("p95 µs"), QT_TR_NOOP("95 of 100 calls took less")},
        {QT_TR_NOOP("GB/s"), QT_TR_NOOP("Bytes that the operation moves at least, over its time")},
        {QT_TR_NOOP("GFLOP/s"),
         QT_TR_NOOP("Floating-point operations that its definition needs, over its time")},
        {QT_TR_NOOP("of ceiling"),
         QT_TR_NOOP(
             "The least time that this machine's measured bandwidth and arithmetic allow, over the time "
             "taken; above 100 % where the data stay in caches")},
        {QT_TR_NOOP("share of time"),
         QT_TR_NOOP("Of the time of all operations; 'inside' runs within another one and is counted there")}};
    const Head& head = kHeads[section];
    if (role == Qt::DisplayRole) return tr(head.text);
    if (role == Qt::ToolTipRole) return tr(head.tip);
    if (role == Qt::TextAlignmentRole)
        return static_cast<int>((section <= kLevel ? Qt::AlignLeft : Qt::AlignRight) | Qt::AlignVCenter);
    return {};
}

}  // namespace spectral::ui
