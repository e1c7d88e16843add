// How the pages show tables: rows without a grid, and a sentence in place of an empty one.
#pragma once

#include <QString>
#include <QTableView>

namespace spectral::ui {

/// A read-only table of selectable rows, its columns equally wide.
QTableView* make_table(const char* object_name, const QString& accessible_name, QAbstractItemModel* model);

/// The table while it has rows, else `text` in a label of that name.
QWidget* make_table_or_text(QTableView& table, const char* object_name, const QString& text);

/// Of the height that `body`, which the table fills, has: as many whole rows as go into it, from the top.
void show_whole_rows(QTableView& table, QWidget& body);

}  // namespace spectral::ui
