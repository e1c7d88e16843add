// A table cell with a bar before its text: the share that the number is of the largest or of all.
#pragma once

#include <QStyledItemDelegate>

namespace spectral::ui {

class BarDelegate : public QStyledItemDelegate {
public:
    /// `value_role` of the model gives the share in [0, 1].
    explicit BarDelegate(int value_role, QObject* parent = nullptr)
        : QStyledItemDelegate(parent), value_role_(value_role) {}

    void paint(QPainter* painter, const QStyleOptionViewItem& option,
               const QModelIndex& index) const override;

private:
    int value_role_;
};

}  // namespace spectral::ui
