#include "ui/panels/scrolled.hpp"

#include <QScrollArea>
#include <QVBoxLayout>

namespace spectral::ui {

QWidget* make_scrolled(QWidget& page, const char* object_name) {
    auto* column = new QVBoxLayout(&page);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    auto* scroll = new QScrollArea(&page);
    scroll->setObjectName(QLatin1String(object_name));
    scroll->setWidgetResizable(true);
    scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    scroll->setFocusPolicy(Qt::NoFocus);
    column->addWidget(scroll, 1);
    auto* content = new QWidget(scroll);
    scroll->setWidget(content);
    return content;
}

}  // namespace spectral::ui
