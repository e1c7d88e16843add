#include "ui/models/tensor_table_model.hpp"

#include <algorithm>
#include <utility>

#include "ui/charts/export.hpp"
#include "ui/panels/format.hpp"

namespace spectral::ui {

namespace {

const QString kNone = QStringLiteral("–");

QString digits(double value) {
    return value == 0 ? QStringLiteral("0") : QString::number(value, 'g', value < 0.01 ? 2 : 3);
}

bool is_words(int column) {
    return column == TensorTableModel::kTensor || column == TensorTableModel::kShape ||
           column == TensorTableModel::kMethod;
}

}  // namespace

void TensorTableModel::set_model(const ModelFile& model) {
    beginResetModel();
    rows_.clear();
    damage_ = 0;
    for (const LayerRecord& layer : model.layers)
        for (const NamedTensor& each : layer.tensors) {
            TensorReport report;
            report.name = layer.name + "/" + each.name;
            report.shape = each.tensor.shape;
            report.dense_bytes = report.stored_bytes =
                each.tensor.shape.size() * static_cast<std::int64_t>(sizeof(float));
            report.method = "dense";
            rows_.push_back({std::move(report), false});
        }
    endResetModel();
}

void TensorTableModel::set_reports(const std::vector<TensorReport>& tensors) {
    damage_ = 0;
    if (rows_.empty() && !tensors.empty()) {
        beginInsertRows({}, 0, static_cast<int>(tensors.size()) - 1);
        for (const TensorReport& each : tensors) rows_.push_back({each, true});
        endInsertRows();
    }
    for (const TensorReport& each : tensors) {
        damage_ += each.damage;
        if (const int row = row_of(each.name); row >= 0) rows_[static_cast<std::size_t>(row)] = {each, true};
    }
    tell_all_changed();
}

void TensorTableModel::clear_reports() {
    damage_ = 0;
    for (Row& row : rows_) {
        row.packed = false;
        row.report.fixed = false;
    }
    tell_all_changed();
}

void TensorTableModel::tell_all_changed() {
    if (!rows_.empty()) Q_EMIT dataChanged(index(0, 0), index(rowCount() - 1, kColumns - 1));
}

int TensorTableModel::row_of(const std::string& name) const {
    const auto found = std::ranges::find(rows_, name, [](const Row& row) { return row.report.name; });
    return found == rows_.end() ? -1 : static_cast<int>(found - rows_.begin());
}

const TensorReport* TensorTableModel::report(const std::string& name) const {
    const int row = row_of(name);
    if (row < 0 || !rows_[static_cast<std::size_t>(row)].packed) return nullptr;
    return &rows_[static_cast<std::size_t>(row)].report;
}

double TensorTableModel::share_of_damage(const Row& row) const {
    return row.packed && damage_ > 0 ? row.report.damage / damage_ : 0;
}

QVariant TensorTableModel::value(const Row& row, int column) const {
    const TensorReport& r = row.report;
    switch (column) {
        case kTensor:
            return QString::fromStdString(r.name);
        case kShape:
        case kDense:
            return static_cast<qlonglong>(r.dense_bytes);
        case kStored:
            return row.packed ? static_cast<qlonglong>(r.stored_bytes) : qlonglong{-1};
        case kMethod:
            return QString::fromStdString(r.method);
        case kKept:
            return row.packed ? r.kept : -1.0;
        case kError:
            return row.packed ? r.relative_error : -1.0;
        case kDamage:
            return share_of_damage(row);
        default:
            return {};
    }
}

QString TensorTableModel::text(const Row& row, int column) const {
    const TensorReport& r = row.report;
    if (!row.packed && column >= kStored) return kNone;
    switch (column) {
        case kTensor:
            return QString::fromStdString(r.name);
        case kShape:
            return QString::fromStdString(r.shape.text());
        case kDense:
            return human_bytes(static_cast<std::size_t>(r.dense_bytes));
        case kStored:
            return human_bytes(static_cast<std::size_t>(r.stored_bytes));
        case kMethod:
            return QString::fromStdString(r.method) + (r.fixed ? tr(" · fixed") : QString());
        case kKept:
            return digits(100 * r.kept) + QStringLiteral("\u202f%");
        case kError:
            return digits(r.relative_error);
        case kDamage:
            return percent(share_of_damage(row));
        default:
            return {};
    }
}

QString TensorTableModel::to_csv() const {
    QString csv = QStringLiteral(
        "tensor,shape,dense_bytes,stored_bytes,method,kept,relative_error,energy_retained,share_of_damage\n");
    for (const Row& row : rows_) {
        const TensorReport& r = row.report;
        const QStringList fields{csv_field(QString::fromStdString(r.name)),
                                 csv_field(QString::fromStdString(r.shape.text())),
                                 QString::number(r.dense_bytes),
                                 QString::number(r.stored_bytes),
                                 csv_field(QString::fromStdString(r.method)),
                                 csv_number(r.kept),
                                 csv_number(r.relative_error),
                                 csv_number(r.energy_retained),
                                 csv_number(share_of_damage(row))};
        csv += fields.join(QLatin1Char(',')) + QLatin1Char('\n');
    }
    return csv;
}

int TensorTableModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(rows_.size());
}

int TensorTableModel::columnCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : kColumns; }

QVariant TensorTableModel::data(const QModelIndex& index, int role) const {
    if (!index.isValid() || index.row() >= rowCount()) return {};
    const Row& row = rows_[static_cast<std::size_t>(index.row())];
    switch (role) {
        case Qt::DisplayRole:
            return text(row, index.column());
        case kValueRole:
            return value(row, index.column());
        case Qt::TextAlignmentRole:
            return static_cast<int>((is_words(index.column()) ? Qt::AlignLeft : Qt::AlignRight) |
                                    Qt::AlignVCenter);
        case Qt::ToolTipRole:
            if (!row.packed) return text(row, kTensor);
            return tr("%1: %2 of %3 bytes, %4 of the energy kept")
                .arg(text(row, kTensor), grouped(row.report.stored_bytes), grouped(row.report.dense_bytes),
                     percent(row.report.energy_retained));
        default:
            return {};
    }
}

QVariant TensorTableModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal || section < 0 || section >= kColumns) return {};
    struct Head {
        const char* text;
        const char* tip;
    };
    static constexpr Head kHeads[kColumns] = {
        {QT_TR_NOOP("tensor"), QT_TR_NOOP("Layer and tensor; a row chosen is looked at below")},
        {QT_TR_NOOP("shape"), QT_TR_NOOP("Extents, the first axis first; sorts by size")},
        {QT_TR_NOOP("dense"), QT_TR_NOOP("Bytes as 32-bit floats")},
        {QT_TR_NOOP("stored"),
         QT_TR_NOOP("Coded bytes with their header, before the file's own compression")},
        {QT_TR_NOOP("method"), QT_TR_NOOP("How it is stored: chosen for the least damage, or fixed below")},
        {QT_TR_NOOP("rate"), QT_TR_NOOP("Share of its degrees of freedom that is kept")},
        {QT_TR_NOOP("error"), QT_TR_NOOP("Relative error ‖W − Ŵ‖ / ‖W‖ of what is stored")},
        {QT_TR_NOOP("damage"),
         QT_TR_NOOP("Its part of the damage that all errors do together: of their energy, or, with data, of "
                    "what they do to the class scores")}};
    const Head& head = kHeads[section];
    if (role == Qt::DisplayRole) return tr(head.text);
    if (role == Qt::ToolTipRole) return tr(head.tip);
    if (role == Qt::TextAlignmentRole)
        return static_cast<int>((is_words(section) ? Qt::AlignLeft : Qt::AlignRight) | Qt::AlignVCenter);
    return {};
}

}  // namespace spectral::ui
