#include "ui/charts/bar_delegate.hpp"

#include <QPainter>
#include <algorithm>

#include "ui/theme.hpp"

namespace spectral::ui {

namespace {

constexpr int kTextWidth = 56, kPadding = 8, kThickness = 7;

}  // namespace

void BarDelegate::paint(QPainter* painter, const QStyleOptionViewItem& option,
                        const QModelIndex& index) const {
    QStyledItemDelegate::paint(painter, option, index);
    const double share = std::clamp(index.data(value_role_).toDouble(), 0.0, 1.0);
    const QRect room = option.rect.adjusted(kPadding, 0, -kPadding - kTextWidth, 0);
    const int length = static_cast<int>(share * room.width() + 0.5);
    if (length <= 0) return;
    painter->save();
    painter->setRenderHint(QPainter::Antialiasing);
    painter->setPen(Qt::NoPen);
    painter->setBrush(Theme::current().accent);
    painter->drawRoundedRect(
        QRect(room.right() - length + 1, room.center().y() - kThickness / 2, length, kThickness), 2, 2);
    painter->restore();
}

}  // namespace spectral::ui
