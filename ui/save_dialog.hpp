// Asks where to write a file; never gives a name of an existing one that the user was not asked about.
#pragma once

#include <QString>
#include <QStringList>

class QWidget;

namespace spectral::ui {

/// `start` is a file name, with a folder or without; `kind` says what is written ("Models"). A name without
/// one of `suffixes` (no dots) gets the first. Empty when the user cancels.
QString ask_where_to_save(QWidget* parent, const QString& title, const QString& start, const QString& kind,
                          const QStringList& suffixes);

}  // namespace spectral::ui
