#include "ui/main_window.hpp"

#include <QAction>
#include <QActionGroup>
#include <QApplication>
#include <QCloseEvent>
#include <QFileDialog>
#include <QFileInfo>
#include <QHBoxLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QMenu>
#include <QMenuBar>
#include <QMessageBox>
#include <QScreen>
#include <QSettings>
#include <QStyle>
#include <QTabWidget>
#include <QVBoxLayout>

#include "engine/nn/registry.hpp"
#include "spectral_version.hpp"
#include "ui/icons.hpp"
#include "ui/panels/attention_page.hpp"
#include "ui/panels/compression_page.hpp"
#include "ui/panels/embeddings_page.hpp"
#include "ui/panels/experiment_panel.hpp"
#include "ui/panels/format.hpp"
#include "ui/panels/kernels_page.hpp"
#include "ui/panels/memory_page.hpp"
#include "ui/panels/message_bar.hpp"
#include "ui/panels/patterns_page.hpp"
#include "ui/panels/run_bar.hpp"
#include "ui/panels/status_strip.hpp"
#include "ui/panels/training_page.hpp"
#include "ui/save_dialog.hpp"
#include "ui/theme.hpp"

namespace spectral::ui {

namespace {

constexpr QSize kFirstSize{1440, 900}, kSmallest{1100, 680};

QString settings_theme() {
    return QSettings().value(QStringLiteral("view/theme"), QStringLiteral("system")).toString();
}

/// Whether the desktop's own palette, taken before ours is applied, is a dark one.
bool desktop_is_dark() {
    static const bool dark = [] {
        const QPalette palette = QApplication::style()->standardPalette();
        return palette.color(QPalette::Window).lightness() < palette.color(QPalette::WindowText).lightness();
    }();
    return dark;
}

ThemeKind kind_of(const QString& choice) {
    if (choice == QLatin1String("dark")) return ThemeKind::dark;
    if (choice == QLatin1String("light")) return ThemeKind::light;
    return desktop_is_dark() ? ThemeKind::dark : ThemeKind::light;
}

}  // namespace

MainWindow::MainWindow(QWidget* parent) : QMainWindow(parent) {
    setObjectName(QStringLiteral("main_window"));
    setWindowTitle(tr("Spectral Workbench"));
    resize(screen() ? kFirstSize.boundedTo(screen()->availableSize()) : kFirstSize);
    setMinimumSize(kSmallest);
    build_pages();
    build_menus();
    connect_session();
    connect_compression();
    connect_patterns();
    setAcceptDrops(true);
    qApp->installEventFilter(this);
    const QByteArray geometry = QSettings().value(QStringLiteral("view/geometry")).toByteArray();
    if (!geometry.isEmpty()) restoreGeometry(geometry);
    show_record();
    show_state();
    bar_->focus_start();
}

MainWindow::~MainWindow() { qApp->removeEventFilter(this); }

void MainWindow::build_pages() {
    auto* central = new QWidget(this);
    set_role(*central, QStringLiteral("page"));
    setCentralWidget(central);
    auto* column = new QVBoxLayout(central);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    bar_ = new RunBar(central);
    column->addWidget(bar_);
    auto* middle = new QHBoxLayout;
    middle->setSpacing(0);
    column->addLayout(middle, 1);
    panel_ = new ExperimentPanel(workspace_, central);
    middle->addWidget(panel_);
    auto* right = new QVBoxLayout;
    right->setSpacing(0);
    middle->addLayout(right, 1);
    auto* message_place = new QWidget(central);
    messages_ = new MessageBar(message_place);
    auto* message_margin = new QVBoxLayout(message_place);
    message_margin->setContentsMargins(14, 0, 14, 12);
    message_margin->addWidget(messages_);
    tabs_ = new QTabWidget(central);
    tabs_->setObjectName(QStringLiteral("pages"));
    tabs_->setAccessibleName(tr("Pages"));
    training_ = new TrainingPage(tabs_);
    patterns_ = new PatternsPage(tabs_);
    tabs_->addTab(training_, tr("Training"));
    kernels_ = new KernelsPage(session_.profiler(), tabs_);
    tabs_->addTab(patterns_, tr("Patterns"));
    compression_ = new CompressionPage(workspace_, tabs_);
    tabs_->addTab(compression_, tr("Compression"));
    tabs_->addTab(kernels_, tr("Kernels"));
    memory_ = new MemoryPage(workspace_->budget(), tabs_);
    tabs_->addTab(memory_, tr("Memory"));
    embeddings_ = new EmbeddingsPage(tabs_);
    tabs_->addTab(embeddings_, tr("Embeddings"));
    attention_ = new AttentionPage(tabs_);
    tabs_->addTab(attention_, tr("Attention"));
    tabs_->setTabToolTip(0, tr("Loss, accuracy, confusion and examples of the run (Alt+1)"));
    tabs_->setTabToolTip(1, tr("What the model has learned, at any moment of the run (Alt+2)"));
    tabs_->setTabToolTip(
        2, tr("A model in fewer bytes: its tensors' spectra, what is kept, what that costs (Alt+3)"));
    tabs_->setTabToolTip(3, tr("Where the time goes, operation by operation (Alt+4)"));
    tabs_->setTabToolTip(4, tr("What memory is used for, over time and by holder (Alt+5)"));
    tabs_->setTabToolTip(5, tr("Encodings of positions and embeddings of tokens, seen and measured (Alt+6)"));
    tabs_->setTabToolTip(
        6, tr("What every attention head of the model looks at, and how tiles of any size do (Alt+7)"));
    right->addWidget(tabs_, 1);
    message_place->hide();
    connect(messages_, &MessageBar::shown, message_place, &QWidget::setVisible);
    right->addWidget(message_place);
    status_ = new StatusStrip(central);
    column->addWidget(status_);
}

QAction* MainWindow::add_command(const QString& text, const QString& name, const QKeySequence& keys,
                                 const QString& tip) {
    auto* action = new QAction(text, this);
    action->setObjectName(name);
    action->setShortcut(keys);
    action->setToolTip(tip);
    action->setStatusTip({});
    addAction(action);
    return action;
}

void MainWindow::build_menus() {
    QMenu* file = menuBar()->addMenu(tr("&File"));
    open_action_ =
        add_command(tr("&Open model…"), QStringLiteral("action_open"), QKeySequence::Open,
                    tr("Show a saved model: its history and patterns, or on the Compression page its "
                       "tensors"));
    resume_file_action_ = add_command(tr("&Resume from file…"), QStringLiteral("action_resume_file"),
                                      QKeySequence(tr("Ctrl+R")), tr("Go on training from a checkpoint"));
    save_action_ = add_command(tr("&Save checkpoint…"), QStringLiteral("action_save"), QKeySequence::Save,
                               tr("Write the model with everything needed to go on training"));
    export_action_ =
        add_command(tr("&Export HDF5…"), QStringLiteral("action_export"), QKeySequence(tr("Ctrl+E")),
                    tr("Write the model alone, without the checkpoint"));
    QAction* quit = add_command(tr("&Quit"), QStringLiteral("action_quit"), QKeySequence(tr("Ctrl+Q")), {});
    set_icon(*open_action_, QStringLiteral("open"));
    set_icon(*resume_file_action_, QStringLiteral("resume"));
    set_icon(*save_action_, QStringLiteral("save"));
    set_icon(*export_action_, QStringLiteral("export"));
    file->addAction(open_action_);
    build_recent(*file);
    file->addAction(resume_file_action_);
    file->addSeparator();
    show_file_action_ = add_command(tr("Show in file &manager"), QStringLiteral("action_show_file"), {},
                                    tr("Open the folder of the model on show"));
    file->addActions({save_action_, export_action_});
    file->addAction(show_file_action_);
    file->addSeparator();
    file->addAction(quit);

    QMenu* run = menuBar()->addMenu(tr("&Run"));
    start_action_ =
        add_command(tr("&Start"), QStringLiteral("action_start"), QKeySequence(Qt::Key_Space), {});
    step_action_ = add_command(tr("One s&tep"), QStringLiteral("action_step"), QKeySequence(Qt::Key_S), {});
    stop_action_ = add_command(tr("Sto&p"), QStringLiteral("action_stop"), QKeySequence(tr("Ctrl+.")), {});
    resume_shown_action_ = add_command(tr("&Go on with the model on show"),
                                       QStringLiteral("action_resume_shown"), QKeySequence(tr("Ctrl+G")),
                                       tr("Resume the stopped run or opened model from its checkpoint"));
    set_icon(*step_action_, QStringLiteral("step"));
    set_icon(*stop_action_, QStringLiteral("stop"));
    run->addActions({start_action_, step_action_, stop_action_});
    run->addSeparator();
    run->addAction(resume_shown_action_);
    compress_action_ = add_command(tr("&Compress the model on show"), QStringLiteral("action_compress"),
                                   QKeySequence(tr("Ctrl+K")),
                                   tr("Look at the run's or opened model's file on the Compression page"));
    run->addAction(compress_action_);
    connect(compress_action_, &QAction::triggered, this, [this] { compress_model(session_.output()); });

    QMenu* view = menuBar()->addMenu(tr("&View"));
    QAction* first =
        add_command(tr("&Training"), QStringLiteral("action_page_training"), QKeySequence(tr("Alt+1")), {});
    QAction* second =
        add_command(tr("&Patterns"), QStringLiteral("action_page_patterns"), QKeySequence(tr("Alt+2")), {});
    QAction* third = add_command(tr("&Compression"), QStringLiteral("action_page_compression"),
                                 QKeySequence(tr("Alt+3")), {});
    QAction* fourth =
        add_command(tr("&Kernels"), QStringLiteral("action_page_kernels"), QKeySequence(tr("Alt+4")), {});
    QAction* fifth =
        add_command(tr("&Memory"), QStringLiteral("action_page_memory"), QKeySequence(tr("Alt+5")), {});
    QAction* sixth = add_command(tr("&Embeddings"), QStringLiteral("action_page_embeddings"),
                                 QKeySequence(tr("Alt+6")), {});
    QAction* seventh =
        add_command(tr("&Attention"), QStringLiteral("action_page_attention"), QKeySequence(tr("Alt+7")), {});
    view->addActions({first, second, third, fourth, fifth, sixth, seventh});
    connect(seventh, &QAction::triggered, this, [this] { show_page(Page::attention); });
    connect(sixth, &QAction::triggered, this, [this] { show_page(Page::embeddings); });
    connect(fifth, &QAction::triggered, this, [this] { show_page(Page::memory); });
    connect(fourth, &QAction::triggered, this, [this] { show_page(Page::kernels); });
    connect(third, &QAction::triggered, this, [this] { show_page(Page::compression); });
    connect(first, &QAction::triggered, this, [this] { show_page(Page::training); });
    connect(second, &QAction::triggered, this, [this] { show_page(Page::patterns); });
    view->addSeparator();
    QMenu* theme = view->addMenu(tr("T&heme"));
    theme_group_ = new QActionGroup(this);
    for (const auto& [name, text] : {std::pair{"dark", tr("&Dark")}, std::pair{"light", tr("&Light")},
                                     std::pair{"system", tr("As the &system")}}) {
        QAction* choice = theme->addAction(text);
        choice->setObjectName(QStringLiteral("action_theme_") + QLatin1String(name));
        choice->setData(QLatin1String(name));
        choice->setCheckable(true);
        choice->setChecked(settings_theme() == QLatin1String(name));
        theme_group_->addAction(choice);
    }
    connect(theme_group_, &QActionGroup::triggered, this,
            [this](const QAction* choice) { choose_theme(choice->data().toString()); });

    QMenu* help = menuBar()->addMenu(tr("&Help"));
    QAction* keys = add_command(tr("&Keyboard shortcuts"), QStringLiteral("action_shortcuts"),
                                QKeySequence(Qt::Key_F1), {});
    QAction* model = add_command(tr("About this &model"), QStringLiteral("action_about_model"), {}, {});
    QAction* about = add_command(tr("&About Spectral Workbench"), QStringLiteral("action_about"), {}, {});
    help->addActions({keys, model, about});

    connect(open_action_, &QAction::triggered, this, [this] {
        if (const QString path = ask_open(tr("Open a model")); !path.isEmpty()) open_file(path);
    });
    connect(resume_file_action_, &QAction::triggered, this, [this] {
        if (const QString path = ask_open(tr("Resume from a checkpoint")); !path.isEmpty()) resume_file(path);
    });
    connect(resume_shown_action_, &QAction::triggered, this, [this] { resume_file(session_.output()); });
    connect(save_action_, &QAction::triggered, this, [this] {
        const QString path = ask_save(tr("Save a checkpoint"), run_name_ + QStringLiteral(".h5"));
        if (!path.isEmpty()) save_checkpoint(path);
    });
    connect(export_action_, &QAction::triggered, this, [this] {
        const QString path = ask_save(tr("Export the model"), run_name_ + QStringLiteral("-model.h5"));
        if (!path.isEmpty()) export_model(path);
    });
    connect(show_file_action_, &QAction::triggered, this, &MainWindow::show_file);
    connect(status_, &StatusStrip::fileClicked, this, &MainWindow::show_file);
    connect(quit, &QAction::triggered, this, &QWidget::close);
    connect(start_action_, &QAction::triggered, this, &MainWindow::start_or_pause);
    connect(step_action_, &QAction::triggered, this, &MainWindow::step_once);
    connect(stop_action_, &QAction::triggered, this, [this] { session_.stop(); });
    connect(keys, &QAction::triggered, this, &MainWindow::show_shortcuts);
    connect(model, &QAction::triggered, this, &MainWindow::show_about_model);
    connect(about, &QAction::triggered, this, &MainWindow::show_about);
}

bool MainWindow::eventFilter(QObject* watched, QEvent* event) {
    // Keys that mean something to the focused control (space on a button, letters in a list) are not
    // shortcuts there.
    if (event->type() == QEvent::ShortcutOverride && watched == QApplication::focusWidget()) {
        const auto* key = static_cast<QKeyEvent*>(event);
        const bool plain = (key->modifiers() & ~Qt::ShiftModifier) == 0;
        const bool presses = key->key() == Qt::Key_Space &&
                             (watched->inherits("QAbstractButton") || watched->inherits("QTabBar"));
        const bool types = watched->inherits("QComboBox") || watched->inherits("QAbstractItemView");
        if (plain && (presses || types)) {
            event->accept();
            return true;
        }
        if (plain && key->key() == Qt::Key_Escape && !messages_->isHidden()) {
            messages_->dismiss();
            return true;
        }
    }
    return QMainWindow::eventFilter(watched, event);
}

void MainWindow::resizeEvent(QResizeEvent* event) {
    panel_->setFixedWidth(event->size().width() < ExperimentPanel::kWideWindow ? ExperimentPanel::kWidth
                                                                               : ExperimentPanel::kWideWidth);
    QMainWindow::resizeEvent(event);
}

void MainWindow::show_page(Page page) { tabs_->setCurrentIndex(static_cast<int>(page)); }

void MainWindow::apply_saved_theme() {
    desktop_is_dark();
    apply_theme(*qApp, kind_of(settings_theme()));
}

void MainWindow::choose_theme(const QString& choice, bool remember) {
    if (remember) QSettings().setValue(QStringLiteral("view/theme"), choice);
    for (QAction* action : theme_group_->actions()) action->setChecked(action->data().toString() == choice);
    apply_theme(*qApp, kind_of(choice));
}

QString MainWindow::ask_open(const QString& title) {
    const QString folder = QSettings().value(QStringLiteral("files/folder")).toString();
    const QString path = QFileDialog::getOpenFileName(
        this, title, folder, tr("Models and weights (*.h5 *.hdf5 *.safetensors *.npy *.npz);;All files (*)"));
    if (!path.isEmpty()) QSettings().setValue(QStringLiteral("files/folder"), QFileInfo(path).absolutePath());
    return path;
}

QString MainWindow::ask_save(const QString& title, const QString& suggestion) {
    const QString folder = QSettings().value(QStringLiteral("files/folder")).toString();
    const QString start = folder.isEmpty() ? suggestion : folder + QLatin1Char('/') + suggestion;
    const QString path =
        ask_where_to_save(this, title, start, tr("Models"), {QStringLiteral("h5"), QStringLiteral("hdf5")});
    if (!path.isEmpty()) QSettings().setValue(QStringLiteral("files/folder"), QFileInfo(path).absolutePath());
    return path;
}

void MainWindow::show_shortcuts() {
    QString rows;
    for (const auto& [keys, what] :
         {std::pair{tr("Space"), tr("start, pause, resume")}, std::pair{tr("S"), tr("one step")},
          std::pair{tr("Ctrl+."), tr("stop")}, std::pair{tr("Ctrl+G"), tr("go on with the model on show")},
          std::pair{tr("Alt+1 … Alt+7"),
                    tr("Training, Patterns, Compression, Kernels, Memory, Embeddings, Attention")},
          std::pair{tr("Ctrl+K"), tr("compress the model on show")},
          std::pair{tr("F"), tr("follow the newest patterns")},
          std::pair{tr("E"), tr("evolve a copy of a pattern, on the Patterns page")},
          std::pair{tr("Ctrl+O, Ctrl+R"), tr("open a model, resume from a file")},
          std::pair{tr("Ctrl+S, Ctrl+E"), tr("save a checkpoint, export the model")},
          std::pair{tr("+ − arrows, 0"), tr("zoom and pan a chart with the focus, show all of it")},
          std::pair{tr("Esc"), tr("hide the message")}})
        rows += QStringLiteral("<tr><td style=\"padding:3px 18px 3px 0\"><b>%1</b></td><td>%2</td></tr>")
                    .arg(keys, what);
    QMessageBox box(QMessageBox::NoIcon, tr("Keyboard shortcuts"),
                    QStringLiteral("<table>%1</table>").arg(rows), QMessageBox::Close, this);
    box.exec();
}

void MainWindow::show_about_model() {
    const std::optional<ExperimentConfig> config = panel_->config();
    const ModelInfo& info = find_model(has_shown_config_ ? shown_config_.model
                                       : config          ? config->model
                                                         : "purefft");
    QMessageBox::about(this, QString::fromStdString(info.title),
                       QStringLiteral("<b>%1</b><p>%2</p><p>%3</p>")
                           .arg(QString::fromStdString(info.title).toHtmlEscaped(),
                                QString::fromStdString(info.help).toHtmlEscaped(),
                                QString::fromStdString(info.note).toHtmlEscaped()));
}

void MainWindow::show_about() {
    QMessageBox::about(
        this, tr("About Spectral Workbench"),
        tr("<b>Spectral Workbench %1</b><p>Networks whose parameters live in the frequency domain: "
           "train them, watch what they learn, keep what they are.</p>"
           "<p>Licence: GPL-3.0-or-later. Commit %2, Qt %3.</p>")
            .arg(QStringLiteral(SPECTRAL_VERSION), QStringLiteral(SPECTRAL_GIT_COMMIT),
                 QLatin1String(qVersion())));
}

}  // namespace spectral::ui
