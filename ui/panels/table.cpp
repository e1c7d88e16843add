#include "ui/panels/table.hpp"

#include <QAbstractItemModel>
#include <QHeaderView>
#include <QLabel>
#include <QStackedLayout>

#include "ui/theme.hpp"

namespace spectral::ui {

namespace {

constexpr int kRowHeight = 26;

}  // namespace

QTableView* make_table(const char* object_name, const QString& accessible_name, QAbstractItemModel* model) {
    auto* table = new QTableView;
    table->setObjectName(QLatin1String(object_name));
    table->setAccessibleName(accessible_name);
    table->setModel(model);
    table->setShowGrid(false);
    table->setSelectionBehavior(QAbstractItemView::SelectRows);
    table->setSelectionMode(QAbstractItemView::SingleSelection);
    table->setEditTriggers(QAbstractItemView::NoEditTriggers);
    table->setVerticalScrollMode(QAbstractItemView::ScrollPerPixel);
    table->setWordWrap(false);
    table->setTabKeyNavigation(false);
    table->setFont(tabular_font());
    table->verticalHeader()->hide();
    table->verticalHeader()->setDefaultSectionSize(kRowHeight);
    table->horizontalHeader()->setHighlightSections(false);
    // Not in the style sheet: widths are measured with the header's own font.
    QFont heading = interface_font();
    heading.setWeight(QFont::Medium);
    table->horizontalHeader()->setFont(heading);
    table->horizontalHeader()->setSectionResizeMode(QHeaderView::Stretch);
    return table;
}

QWidget* make_table_or_text(QTableView& table, const char* object_name, const QString& text) {
    auto* label = new QLabel(text);
    label->setObjectName(QLatin1String(object_name));
    label->setAlignment(Qt::AlignCenter);
    label->setWordWrap(true);
    set_role(*label, QStringLiteral("muted"));
    auto* body = new QWidget;
    auto* stack = new QStackedLayout(body);
    stack->addWidget(label);
    stack->addWidget(&table);
    const QAbstractItemModel* model = table.model();
    const auto choose = [stack, model] { stack->setCurrentIndex(model->rowCount() > 0 ? 1 : 0); };
    QObject::connect(model, &QAbstractItemModel::rowsInserted, stack, choose);
    QObject::connect(model, &QAbstractItemModel::rowsRemoved, stack, choose);
    QObject::connect(model, &QAbstractItemModel::modelReset, stack, choose);
    choose();
    return body;
}

}  // namespace spectral::ui
