#include "ui/save_dialog.hpp"

#include <QFileDialog>
#include <QFileInfo>
#include <algorithm>

namespace spectral::ui {

QString ask_where_to_save(QWidget* parent, const QString& title, const QString& start, const QString& kind,
                          const QStringList& suffixes) {
    const QString filter = QStringLiteral("%1 (*.%2)").arg(kind, suffixes.join(QStringLiteral(" *.")));
    QFileDialog dialog(parent, title, QFileInfo(start).path(), filter);
    dialog.setObjectName(QStringLiteral("save_dialog"));
    dialog.setAcceptMode(QFileDialog::AcceptSave);
    dialog.setFileMode(QFileDialog::AnyFile);
    dialog.setDefaultSuffix(suffixes.front());  // the dialog asks about the name that has it
    dialog.selectFile(QFileInfo(start).fileName());
    while (dialog.exec() == QDialog::Accepted) {
        QString path = dialog.selectedFiles().value(0);
        const bool known = std::ranges::any_of(suffixes, [&](const QString& suffix) {
            return path.endsWith(QLatin1Char('.') + suffix, Qt::CaseInsensitive);
        });
        if (known) return path;
        // "loss.v2" becomes "loss.v2.png", which the dialog knew nothing of.
        path += QLatin1Char('.') + suffixes.front();
        if (!QFileInfo::exists(path)) return path;
        dialog.selectFile(path);
    }
    return {};
}

}  // namespace spectral::ui
