// Model files that come to the window: from the menu, the list of recent ones, or dropped onto it; and the
// Compression page, which takes them at any time.
#include <QAction>
#include <QDir>
#include <QDragEnterEvent>
#include <QDropEvent>
#include <QFileInfo>
#include <QMenu>
#include <QMimeData>
#include <QSettings>
#include <QTabWidget>
#include <QUrl>

#include "ui/main_window.hpp"
#include "ui/panels/compression_page.hpp"
#include "ui/panels/experiment_panel.hpp"
#include "ui/panels/message_bar.hpp"

namespace spectral::ui {

namespace {

constexpr qsizetype kMostRecent = 8;

QString recent_key() { return QStringLiteral("files/recent"); }

/// The one local file that is dragged; empty where it is something else.
QString dragged_file(const QMimeData& data) {
    const QList<QUrl> urls = data.urls();
    return urls.size() == 1 && urls.front().isLocalFile() ? urls.front().toLocalFile() : QString();
}

}  // namespace

void MainWindow::connect_compression() {
    connect(compression_, &CompressionPage::problem, this,
            [this](const QString& what, const QString& hint) { messages_->show_error(what, hint); });
    connect(compression_, &CompressionPage::openRequested, open_action_, &QAction::trigger);
    connect(compression_, &CompressionPage::opened, this, [this](const QString& path) {
        if (tabs_->currentWidget() == compression_ && !messages_->offers()) messages_->dismiss();
        remember_file(path);
        // A model of ours goes on show everywhere, where nothing else is; weights of another program cannot.
        if (!session_.has_model() && compression_->session().data_of_model()) open_model(path);
    });
    connect(compression_, &CompressionPage::exportRequested, this, &MainWindow::export_compressed);
    connect(compression_, &CompressionPage::exported, this,
            [this](const QString& path) { note(tr("Written: %1").arg(QDir::toNativeSeparators(path))); });
    const auto follow_data = [this] {
        if (const std::optional<ExperimentConfig> config = panel_->config())
            compression_->set_data({config->dataset, config->data, config->dataset_options});
    };
    connect(panel_, &ExperimentPanel::changed, this, follow_data);
    follow_data();
}

void MainWindow::export_compressed(const QString& suggestion) {
    if (const QString path = ask_save(tr("Export the compressed model"), suggestion); !path.isEmpty())
        compression_->export_model(path);
}

void MainWindow::open_file(const QString& path) {
    const QString ending = QFileInfo(path).suffix().toLower();
    const bool foreign =
        QStringList{QStringLiteral("safetensors"), QStringLiteral("npy"), QStringLiteral("npz")}.contains(
            ending);
    const bool compress = foreign || tabs_->currentWidget() == compression_ || session_.active();
    compress ? compress_model(path) : open_model(path);
}

void MainWindow::compress_model(const QString& path) {
    if (path.isEmpty()) return;
    compression_->open(path);  // first, or the page opens what it was offered
    show_page(Page::compression);
}

void MainWindow::build_recent(QMenu& file) {
    QMenu* recent = file.addMenu(tr("Open &recent"));
    recent->setObjectName(QStringLiteral("menu_recent"));
    recent->setAccessibleName(tr("Recent models"));
    connect(recent, &QMenu::aboutToShow, this, [this, recent] {
        recent->clear();
        for (const QString& path : QSettings().value(recent_key()).toStringList()) {
            QAction* action = recent->addAction(QFileInfo(path).fileName());
            action->setToolTip(QDir::toNativeSeparators(path));
            connect(action, &QAction::triggered, this, [this, path] { open_file(path); });
        }
        if (recent->isEmpty()) recent->addAction(tr("None yet"))->setEnabled(false);
    });
    recent->setToolTipsVisible(true);
}

void MainWindow::remember_file(const QString& path) {
    QStringList recent = QSettings().value(recent_key()).toStringList();
    recent.removeAll(path);
    recent.prepend(path);
    if (recent.size() > kMostRecent) recent.resize(kMostRecent);
    QSettings().setValue(recent_key(), recent);
}

void MainWindow::dragEnterEvent(QDragEnterEvent* event) {
    if (!dragged_file(*event->mimeData()).isEmpty()) event->acceptProposedAction();
}

void MainWindow::dropEvent(QDropEvent* event) {
    const QString path = dragged_file(*event->mimeData());
    if (path.isEmpty()) return;
    event->acceptProposedAction();
    open_file(path);
}

}  // namespace spectral::ui
