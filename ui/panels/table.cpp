#include "ui/panels/table.hpp"

#include <QAbstractItemModel>
#include <QHeaderView>
#include <QLabel>
#include <QResizeEvent>
#include <QStackedLayout>
#include <algorithm>

#include "ui/theme.hpp"

namespace spectral::ui {

namespace {

constexpr int kRowHeight = 26;

class WholeRows : public QObject {
public:
    WholeRows(QTableView& table, QWidget& body) : QObject(&table), table_(table) {
        body.installEventFilter(this);
    }

    bool eventFilter(QObject* watched, QEvent* event) override {
        if (event->type() == QEvent::Resize) {
            const int around = table_.horizontalHeader()->sizeHint().height() + 2 * table_.frameWidth();
            const int rows = (static_cast<QResizeEvent*>(event)->size().height() - around) / kRowHeight;
            table_.setMaximumHeight(around + std::max(1, rows) * kRowHeight);
        }
        return QObject::eventFilter(watched, event);
    }

private:
    QTableView& table_;
};

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

void show_whole_rows(QTableView& table, QWidget& body) {
    table.setVerticalScrollMode(QAbstractItemView::ScrollPerItem);
    new WholeRows(table, body);  // the table's
}

}  // namespace spectral::ui
