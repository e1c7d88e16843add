// The window: experiment on the left, pages in the centre, run bar above, status below; and what its commands
// do.
#pragma once

#include <QMainWindow>
#include <QString>
#include <memory>
#include <optional>

#include "engine/train/config.hpp"
#include "engine/train/file_model.hpp"
#include "engine/train/run.hpp"
#include "ui/session/run_session.hpp"

class QAction;
class QActionGroup;
class QMenu;
class QTabWidget;

namespace spectral::ui {

class AttentionPage;
class CompressionPage;
class EmbeddingsPage;
class ExperimentPanel;
class KernelsPage;
class MemoryPage;
class MessageBar;
class PatternsPage;
class RunBar;
class StatusStrip;
class TrainingPage;

class MainWindow : public QMainWindow {
    Q_OBJECT

public:
    enum class Page {
        training = 0,
        patterns = 1,
        compression = 2,
        kernels = 3,
        memory = 4,
        embeddings = 5,
        attention = 6
    };

    explicit MainWindow(QWidget* parent = nullptr);
    ~MainWindow() override;

    /// Fills the form.
    void set_config(const ExperimentConfig& config);
    /// Starts a run of the experiment in the form; does nothing but mark the fields when one is invalid.
    void start(bool paused = false);
    /// Reads the file, shows it, and goes on training from its checkpoint.
    void resume_file(const QString& path);
    /// Shows a saved model: configuration, history, patterns.
    void open_model(const QString& path);
    /// Shows it on the Compression page, where that is on show or a run is going, else as open_model(). What
    /// the Compression page opens while nothing is on show is shown as well, where it is a model of ours.
    void open_file(const QString& path);
    /// On the Compression page, whatever is on show.
    void compress_model(const QString& path);
    void save_checkpoint(const QString& path);
    void export_model(const QString& path);
    void show_page(Page page);

    RunSession& session() { return session_; }
    ExperimentPanel& panel() { return *panel_; }
    TrainingPage& training_page() { return *training_; }
    PatternsPage& patterns_page() { return *patterns_; }
    CompressionPage& compression_page() { return *compression_; }
    KernelsPage& kernels_page() { return *kernels_; }
    MemoryPage& memory_page() { return *memory_; }
    EmbeddingsPage& embeddings_page() { return *embeddings_; }
    AttentionPage& attention_page() { return *attention_; }
    MessageBar& messages() { return *messages_; }

    /// Applies the theme that the settings ask for (dark, light, or the desktop's).
    static void apply_saved_theme();
    /// `choice` is "dark", "light" or "system"; `remember` writes it to the settings.
    void choose_theme(const QString& choice, bool remember = true);

protected:
    void closeEvent(QCloseEvent* event) override;
    void dragEnterEvent(QDragEnterEvent* event) override;
    void dropEvent(QDropEvent* event) override;
    bool eventFilter(QObject* watched, QEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;

private:
    void build_pages();
    void build_menus();
    void build_recent(QMenu& file);
    void connect_session();
    void connect_compression();
    void connect_patterns();
    /// Where an evolved pattern can go, in the state that the session is in.
    void show_pattern_target();
    void use_starting_point(const StartingPoint& point, const QString& what);
    void offer_start(const QString& path);
    void remember_file(const QString& path);
    void export_compressed(const QString& suggestion);
    QAction* add_command(const QString& text, const QString& name, const QKeySequence& keys,
                         const QString& tip);

    /// With the experiment of a run or file, but not with what that began from: a run started from the form
    /// then would begin there too, unseen.
    void fill_form(ExperimentConfig config);
    /// A new run of that experiment, whatever the form holds, in a file of its own.
    void start_new(const ExperimentConfig& config, bool paused);
    void begin(const ExperimentConfig& config, const RunOptions& options, const QString& run_name);
    void go_on(const QString& path, const ExperimentConfig& config);
    /// What training on `config` would end at: the epochs that the form asks for, or where the model has them
    /// already, as many again.
    std::int64_t next_total(const ExperimentConfig& config) const;
    /// Starts, or asks first where a model is on show.
    void start_or_ask();
    void start_or_pause();
    void step_once();
    void change_learning_rate(double value);
    void follow(const Updates& updates);
    void show_trouble(const NumericTrouble& trouble);
    void show_shortage(const MemoryShortage& shortage);
    void change_memory_limit(std::int64_t mib);
    void show_memory_in_use();
    /// Ends the run and goes on from its checkpoint in batches of that size.
    void go_on_with_batch(std::int64_t batch);
    void show_state();
    void show_end(const RunResult& result);
    /// Something of the window's own, beside the run, is being measured.
    bool measuring() const;
    void close_when_done();
    void show_opened(const QString& path, const ExperimentConfig& config,
                     const std::optional<NetworkSides>& sides);
    void show_record();
    void refresh_ceiling();
    void note(const QString& text);
    void show_file();
    void show_about_model();
    void show_shortcuts();
    void show_about();
    QString ask_open(const QString& title);
    QString ask_save(const QString& title, const QString& suggestion);

    std::shared_ptr<Workspace> workspace_ = std::make_shared<Workspace>();
    RunSession session_{workspace_};
    ExperimentConfig shown_config_;  ///< of the run or model on show
    bool has_shown_config_ = false;
    QString run_name_;
    QString resume_after_open_;  ///< the file being read is to be resumed
    QString backend_;
    bool closing_ = false;
    bool trouble_shown_ = false;
    std::int64_t next_batch_ = 0;  ///< to go on with when the run has ended; 0: it does not go on

    RunBar* bar_ = nullptr;
    ExperimentPanel* panel_ = nullptr;
    MessageBar* messages_ = nullptr;
    QTabWidget* tabs_ = nullptr;
    TrainingPage* training_ = nullptr;
    PatternsPage* patterns_ = nullptr;
    CompressionPage* compression_ = nullptr;
    KernelsPage* kernels_ = nullptr;
    MemoryPage* memory_ = nullptr;
    EmbeddingsPage* embeddings_ = nullptr;
    AttentionPage* attention_ = nullptr;
    StatusStrip* status_ = nullptr;
    QAction* open_action_ = nullptr;
    QAction* resume_file_action_ = nullptr;
    QAction* resume_shown_action_ = nullptr;
    QAction* save_action_ = nullptr;
    QAction* export_action_ = nullptr;
    QAction* compress_action_ = nullptr;
    QAction* show_file_action_ = nullptr;
    QAction* start_action_ = nullptr;
    QAction* step_action_ = nullptr;
    QAction* stop_action_ = nullptr;
    QActionGroup* theme_group_ = nullptr;
};

}  // namespace spectral::ui
