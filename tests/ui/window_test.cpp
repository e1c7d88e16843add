// Drives the real window without a display: a run from start to stop, files, themes, trouble and recovery.
#include <QAbstractButton>
#include <QAction>
#include <QComboBox>
#include <QCoreApplication>
#include <QDesktopServices>
#include <QDir>
#include <QFile>
#include <QFileInfo>
#include <QImage>
#include <QLabel>
#include <QLineEdit>
#include <QSettings>
#include <QSignalSpy>
#include <QSlider>
#include <QStandardPaths>
#include <QTemporaryDir>
#include <QTest>
#include <QToolButton>
#include <QUrl>
#include <memory>

#include "engine/io/model_file.hpp"
#include "engine/nn/registry.hpp"
#include "ui/charts/heat_map.hpp"
#include "ui/charts/image_grid.hpp"
#include "ui/charts/line_chart.hpp"
#include "ui/main_window.hpp"
#include "ui/panels/experiment_panel.hpp"
#include "ui/panels/message_bar.hpp"
#include "ui/panels/patterns_page.hpp"
#include "ui/panels/schema_form.hpp"
#include "ui/panels/training_page.hpp"
#include "ui/theme.hpp"

using namespace spectral;
using namespace spectral::ui;

namespace {

constexpr int kPatience_ms = 60000;

constexpr std::int64_t kEndless = 100000;

/// A small experiment on tones. An endless one has longer epochs, for each of them writes a checkpoint.
ExperimentConfig small_config(std::int64_t epochs) {
    ExperimentConfig config;
    config.dataset = "tones";
    config.dataset_options = {{"train_samples", epochs == kEndless ? 8192 : 512},
                              {"test_samples", 128},
                              {"length", 64},
                              {"classes", 4}};
    config.model = "purefft";
    config.batch = 32;
    config.epochs = epochs;
    config.threads = 1;
    return config;
}

}  // namespace

class WindowTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void initTestCase();
    void init();
    void cleanup();
    void pages_say_what_will_appear();
    void form_marks_what_does_not_fit();
    void run_can_be_paused_stepped_and_stopped();
    void learning_rate_changes_while_running();
    void model_and_charts_are_exported();
    void stopped_run_is_resumed();
    void finished_run_shows_evaluation_and_patterns();
    void ended_run_is_trained_on_or_dropped_only_when_asked();
    void exported_model_can_only_be_left();
    void features_follow_the_model_unless_chosen();
    void file_on_show_is_named_and_found();
    void saved_model_is_opened();
    void damaged_file_is_an_error_message();
    void theme_is_switched();
    void trouble_is_offered_a_recovery();
    void ceiling_is_measured_and_drawn();
    void every_control_has_a_name_and_a_tooltip();
    void closing_waits_for_the_checkpoint();
    void closing_stays_when_saving_fails();
    void form_gives_back_every_option();

    /// Takes the place of the file manager.
    void take_url(const QUrl& url) { shown_url_ = url; }

private:
    template <class Widget>
    Widget* find(const char* name) {
        auto* found = window_->findChild<Widget*>(QLatin1String(name));
        if (found == nullptr) qWarning("no %s in the window", name);
        return found;
    }
    void press(const char* name) { QTest::mouseClick(find<QAbstractButton>(name), Qt::LeftButton); }
    QString press_text() { return find<QAbstractButton>("start_button")->text(); }
    std::size_t points() { return window_->session().record().steps().size(); }
    void start_and_see_points(std::int64_t epochs);
    void stop_and_wait();

    QTemporaryDir folder_;
    QUrl shown_url_;
    std::unique_ptr<MainWindow> window_;
};

void WindowTest::initTestCase() {
    QStandardPaths::setTestModeEnabled(true);
    QSettings::setDefaultFormat(QSettings::IniFormat);
    QSettings::setPath(QSettings::IniFormat, QSettings::UserScope, folder_.path());
    QCoreApplication::setOrganizationName(QStringLiteral("spectral-workbench-test"));
    QCoreApplication::setApplicationName(QStringLiteral("window-test"));
    MainWindow::apply_saved_theme();
}

void WindowTest::init() {
    window_ = std::make_unique<MainWindow>();
    window_->resize(1280, 800);
    window_->show();
    QVERIFY(QTest::qWaitForWindowExposed(window_.get()));
}

void WindowTest::cleanup() { window_.reset(); }

void WindowTest::start_and_see_points(std::int64_t epochs) {
    window_->set_config(small_config(epochs));
    press("start_button");
    QVERIFY(window_->session().active());
    QTRY_VERIFY_WITH_TIMEOUT(points() > 10, kPatience_ms);
}

void WindowTest::stop_and_wait() {
    press("stop_button");
    QTRY_VERIFY_WITH_TIMEOUT(!window_->session().active(), kPatience_ms);
}

void WindowTest::pages_say_what_will_appear() {
    QVERIFY(!find<QLabel>("patterns_empty")->text().isEmpty());
    QCOMPARE(points(), std::size_t{0});
    QVERIFY(find<QAbstractButton>("start_button")->isEnabled());
    QVERIFY(!find<QAbstractButton>("stop_button")->isEnabled());
    QVERIFY(!window_->grab().isNull());
}

void WindowTest::form_marks_what_does_not_fit() {
    auto* form = find<SchemaForm>("form_model_options");
    auto* patterns = qobject_cast<QLineEdit*>(form->control("patterns"));
    QVERIFY(patterns != nullptr);
    QCOMPARE(patterns->objectName(), QStringLiteral("field_patterns"));
    patterns->setFocus();
    patterns->selectAll();
    QTest::keyClicks(patterns, QStringLiteral("300"));
    QVERIFY(!window_->panel().config().has_value());
    QVERIFY(!form->findChild<QLabel*>(QStringLiteral("problem_patterns"))->text().isEmpty());
    press("start_button");
    QVERIFY(!window_->session().active());
    QVERIFY(!window_->messages().text().isEmpty());
    patterns->selectAll();
    QTest::keyClicks(patterns, QStringLiteral("16"));
    QVERIFY(window_->panel().config().has_value());
    QCOMPARE(window_->panel().config()->model_options["patterns"].get<int>(), 16);
    QTRY_COMPARE(find<QLineEdit>("parameter_count")->text(),
                 QStringLiteral("11,004"));  // (16 + 2 + 10) × 393
}

void WindowTest::run_can_be_paused_stepped_and_stopped() {
    start_and_see_points(kEndless);
    press("start_button");  // now Pause
    QTRY_VERIFY_WITH_TIMEOUT(window_->session().paused(), kPatience_ms);
    const std::size_t paused_at = points();
    QSignalSpy updates(&window_->session(), &RunSession::updated);
    press("step_button");
    QTRY_COMPARE_WITH_TIMEOUT(points(), paused_at + 1, kPatience_ms);
    press("step_button");
    QTRY_COMPARE_WITH_TIMEOUT(points(), paused_at + 2, kPatience_ms);
    const auto& steps = window_->session().record().steps();
    QCOMPARE(steps.back().step, steps[paused_at - 1].step + 2);
    QVERIFY(window_->session().paused());
    // A command answered while paused shows that the worker had its turn and trained on nothing.
    window_->session().set_learning_rate(0.01);
    updates.clear();
    QTRY_VERIFY_WITH_TIMEOUT(updates.count() > 0, kPatience_ms);
    QCOMPARE(points(), paused_at + 2);
    QTest::keyClick(window_.get(), Qt::Key_Space);  // resume
    QTRY_VERIFY_WITH_TIMEOUT(points() > paused_at + 10, kPatience_ms);
    stop_and_wait();
    QVERIFY(window_->session().state() == RunState::stopped);
    QTRY_VERIFY(!window_->training_page().loss_chart()->drawn_points(0).isEmpty());
}

void WindowTest::learning_rate_changes_while_running() {
    start_and_see_points(kEndless);
    auto* form = find<SchemaForm>("form_training");
    auto* rate = qobject_cast<QLineEdit*>(form->control("learning_rate"));
    QVERIFY(rate->isEnabled());
    QVERIFY(!form->control("batch")->isEnabled());
    QSignalSpy updates(&window_->session(), &RunSession::updated);
    rate->setFocus();
    rate->selectAll();
    QTest::keyClicks(rate, QStringLiteral("0.0042"));
    QTest::keyClick(rate, Qt::Key_Return);
    const auto answered = [&updates] {
        for (const QList<QVariant>& one : updates) {
            const auto& update = *static_cast<const Updates*>(one[0].constData());
            if (update.learning_rate && *update.learning_rate == 0.0042) return true;
        }
        return false;
    };
    QTRY_VERIFY_WITH_TIMEOUT(answered(), kPatience_ms);
    stop_and_wait();
}

void WindowTest::model_and_charts_are_exported() {
    start_and_see_points(kEndless);
    const QString model = folder_.filePath(QStringLiteral("live.h5"));
    QSignalSpy written(&window_->session(), &RunSession::fileWritten);
    window_->export_model(model);
    QTRY_COMPARE_WITH_TIMEOUT(written.count(), 1, kPatience_ms);
    stop_and_wait();
    const QString later = folder_.filePath(QStringLiteral("later.h5"));
    window_->export_model(later);
    QTRY_COMPARE_WITH_TIMEOUT(written.count(), 2, kPatience_ms);
    for (const QString& path : {model, later}) {
        const ModelFile file = read_model_file(path.toStdString());
        QVERIFY(!file.checkpoint.has_value());
        QVERIFY(!file.layers.empty());
    }
    LineChart* chart = window_->training_page().loss_chart();
    const QString png = folder_.filePath(QStringLiteral("loss.png")),
                  svg = folder_.filePath(QStringLiteral("loss.svg")),
                  csv = folder_.filePath(QStringLiteral("loss.csv"));
    QVERIFY(chart->export_png(png));
    QVERIFY(chart->export_svg(svg));
    QVERIFY(chart->export_csv(csv));
    QVERIFY(!QImage(png).isNull());
    QFile picture(svg), table(csv);
    QVERIFY(picture.open(QIODevice::ReadOnly));
    QVERIFY(picture.readAll().contains("<svg"));
    QVERIFY(table.open(QIODevice::ReadOnly));
    QVERIFY(table.readAll().count('\n') > 10);
}

void WindowTest::stopped_run_is_resumed() {
    start_and_see_points(kEndless);
    stop_and_wait();
    const std::int64_t last = window_->session().record().steps().back().step;
    const std::size_t count = points();
    auto* resume = find<QAction>("action_resume_shown");
    QVERIFY(resume->isEnabled());
    resume->trigger();
    QTRY_VERIFY_WITH_TIMEOUT(window_->session().active() && points() > count + 5, kPatience_ms);
    QCOMPARE(window_->session().record().steps()[count].step, last + 1);
    stop_and_wait();
}

void WindowTest::finished_run_shows_evaluation_and_patterns() {
    window_->set_config(small_config(3));
    press("start_button");
    QTRY_VERIFY_WITH_TIMEOUT(window_->session().state() == RunState::finished, kPatience_ms);
    const RunRecord& record = window_->session().record();
    QCOMPARE(record.evaluations().size(), std::size_t{3});
    QCOMPARE(record.steps().size(), std::size_t{3 * 512 / 32});
    QCOMPARE(window_->training_page().confusion_map()->rows(), 4);
    auto* grid = window_->training_page().findChild<ImageGrid*>(QStringLiteral("sample_grid"));
    QCOMPARE(grid->item_count(), 48);
    for (QToolButton* button : window_->training_page().findChildren<QToolButton*>())
        if (button->text() == QLatin1String("only mistakes")) button->click();
    QCOMPARE(static_cast<std::size_t>(grid->item_count()), record.evaluation()->mistakes.size());
    QVERIFY(grid->item_count() > 0);
    window_->show_page(MainWindow::Page::patterns);
    HeatMap* pool = window_->patterns_page().map("pool");
    QVERIFY(pool != nullptr);
    QCOMPARE(pool->rows(), 8);
    QCOMPARE(pool->columns(), 33);
    QVERIFY(window_->patterns_page().gain_chart() != nullptr);
    QVERIFY(window_->patterns_page().following());
    // The slider stands at the step, whatever way it is moved, and only where there is a snapshot.
    auto* slider = find<QSlider>("time_slider");
    const auto& snapshots = record.snapshots();
    QVERIFY(snapshots.size() >= 2);  // at the start and at the end; between them as time allows
    const auto step_of = [&](std::size_t i) { return static_cast<int>(snapshots[i]->step); };
    const std::size_t last = snapshots.size() - 1;
    QCOMPARE(slider->minimum(), step_of(0));
    QCOMPARE(slider->maximum(), step_of(last));
    QCOMPARE(slider->value(), step_of(last));
    QTest::keyClick(slider, Qt::Key_Left);
    QCOMPARE(slider->value(), step_of(last - 1));
    QVERIFY(!window_->patterns_page().following());
    QTest::keyClick(slider, Qt::Key_Home);
    QCOMPARE(slider->value(), step_of(0));
    QTest::keyClick(slider, Qt::Key_Right);
    QCOMPARE(slider->value(), step_of(1));
    for (int step = 0; step <= slider->maximum(); ++step) {
        slider->setValue(step);
        for (std::size_t i = 0; i <= last; ++i)
            QVERIFY(std::abs(step - slider->value()) <= std::abs(step - step_of(i)));
    }
    QVERIFY(find<QLabel>("time_moment")->text().contains(QString::number(step_of(last))));
}

void WindowTest::ended_run_is_trained_on_or_dropped_only_when_asked() {
    QVERIFY(find<QAbstractButton>("step_button")->isEnabled());
    window_->set_config(small_config(2));
    press("start_button");
    QTRY_VERIFY_WITH_TIMEOUT(window_->session().state() == RunState::finished, kPatience_ms);
    const QString file = window_->session().output();
    const std::size_t count = points();
    QVERIFY(!find<QAbstractButton>("step_button")->isEnabled());
    QVERIFY(find<QAbstractButton>("step_button")->toolTip().contains(QStringLiteral("has ended")));
    QTest::keyClick(window_.get(), Qt::Key_S);
    QVERIFY(!window_->session().active());

    QTest::keyClick(window_.get(), Qt::Key_Space);
    QVERIFY(!window_->session().active());
    QCOMPARE(points(), count);
    QVERIFY(find<QAbstractButton>("message_train_on")->text().contains(QStringLiteral("4 epochs")));
    QVERIFY(find<QAbstractButton>("message_train_on")->hasFocus());
    press("message_close");
    QVERIFY(!window_->session().active());
    press("start_button");
    press("message_train_on");
    QTRY_VERIFY_WITH_TIMEOUT(window_->session().state() == RunState::finished, kPatience_ms);
    QCOMPARE(points(), 2 * count);
    QCOMPARE(window_->session().output(), file);
    QCOMPARE(read_model_file(file.toStdString()).checkpoint->epoch, std::int64_t{4});

    press("start_button");
    press("message_start_afresh");
    QVERIFY(window_->session().active());
    QVERIFY(window_->session().output() != file);
    QTRY_VERIFY_WITH_TIMEOUT(window_->session().state() == RunState::finished, kPatience_ms);
    QCOMPARE(window_->session().record().steps().front().step, std::int64_t{1});
    QCOMPARE(read_model_file(file.toStdString()).checkpoint->epoch, std::int64_t{4});
}

void WindowTest::exported_model_can_only_be_left() {
    window_->set_config(small_config(1));
    press("start_button");
    QTRY_VERIFY_WITH_TIMEOUT(window_->session().state() == RunState::finished, kPatience_ms);
    const QString path = folder_.filePath(QStringLiteral("exported.h5"));
    QSignalSpy written(&window_->session(), &RunSession::fileWritten);
    window_->export_model(path);
    QTRY_COMPARE_WITH_TIMEOUT(written.count(), 1, kPatience_ms);
    QSignalSpy opened(&window_->session(), &RunSession::opened);
    window_->open_model(path);
    QTRY_COMPARE_WITH_TIMEOUT(opened.count(), 1, kPatience_ms);
    QVERIFY(!find<QAction>("action_resume_shown")->isEnabled());
    press("start_button");
    QVERIFY(!window_->session().active());
    QVERIFY(window_->findChild<QAbstractButton*>(QStringLiteral("message_train_on")) == nullptr);
    press("message_start_afresh");
    QVERIFY(window_->session().active());
    stop_and_wait();
}

void WindowTest::features_follow_the_model_unless_chosen() {
    const auto choose = [this](const char* form, const char* field, const char* name) {
        auto* combo = qobject_cast<QComboBox*>(find<SchemaForm>(form)->control(field));
        combo->setCurrentIndex(combo->findData(QLatin1String(name)));
        Q_EMIT combo->activated(combo->currentIndex());
    };
    const auto features = [this] { return resolved(*window_->panel().config()).features; };
    ExperimentConfig config = small_config(1);
    config.features = "rfft_magnitude";  // as a file says it
    window_->set_config(config);
    QCOMPARE(features(), std::string("rfft_magnitude"));
    choose("form_model", "model", "mlp");
    QCOMPARE(window_->panel().config()->model, std::string("mlp"));
    QCOMPARE(features(), find_model("mlp").features);
    QVERIFY(features() != "rfft_magnitude");
    choose("form_features", "features", "log_magnitude");
    choose("form_model", "model", "purefft");
    QCOMPARE(features(), std::string("log_magnitude"));
}

void WindowTest::file_on_show_is_named_and_found() {
    auto* file = find<QAbstractButton>("status_file");
    QVERIFY(!file->isVisible());
    QVERIFY(!find<QAction>("action_show_file")->isEnabled());
    window_->set_config(small_config(1));
    press("start_button");
    QTRY_VERIFY_WITH_TIMEOUT(window_->session().state() == RunState::finished, kPatience_ms);
    const QString output = window_->session().output();
    QVERIFY(file->isVisible());
    QVERIFY(file->toolTip().contains(output));
    QVERIFY(file->text().endsWith(QFileInfo(output).fileName()));
    QDesktopServices::setUrlHandler(QStringLiteral("file"), this, "take_url");
    file->click();
    QDesktopServices::unsetUrlHandler(QStringLiteral("file"));
    QCOMPARE(shown_url_.toLocalFile(), QFileInfo(output).absolutePath());
}

void WindowTest::saved_model_is_opened() {
    window_->set_config(small_config(2));
    press("start_button");
    QTRY_VERIFY_WITH_TIMEOUT(window_->session().state() == RunState::finished, kPatience_ms);
    const QString path = folder_.filePath(QStringLiteral("finished.h5"));
    QSignalSpy written(&window_->session(), &RunSession::fileWritten);
    window_->save_checkpoint(path);
    QTRY_COMPARE_WITH_TIMEOUT(written.count(), 1, kPatience_ms);
    const std::size_t count = points();
    const std::vector<float> pool =
        window_->session().record().snapshots().back()->matrices.front().values.values;
    const std::vector<float> gain =
        window_->session().record().snapshots().back()->matrices.back().values.values;

    window_ = std::make_unique<MainWindow>();
    window_->show();
    QSignalSpy opened(&window_->session(), &RunSession::opened);
    window_->open_model(path);
    QTRY_COMPARE_WITH_TIMEOUT(opened.count(), 1, kPatience_ms);
    QCOMPARE(points(), count);
    QCOMPARE(window_->session().record().evaluations().size(), std::size_t{2});
    QCOMPARE(window_->session().record().evaluations().back().epoch, 2.0);
    QCOMPARE(window_->panel().config()->dataset, std::string("tones"));
    const PatternSnapshot& snapshot = *window_->session().record().snapshots().back();
    QCOMPARE(snapshot.matrices.front().values.values, pool);
    const std::vector<float>& opened_gain = snapshot.matrices.back().values.values;
    QCOMPARE(opened_gain.size(), gain.size());
    float largest = 0, difference = 0;
    for (std::size_t f = 0; f < gain.size(); ++f) {
        largest = std::max(largest, std::abs(gain[f]));
        difference = std::max(difference, std::abs(gain[f] - opened_gain[f]));
    }
    QVERIFY(difference <= 1e-4F * largest);
}

void WindowTest::damaged_file_is_an_error_message() {
    const QString path = folder_.filePath(QStringLiteral("damaged.h5"));
    QFile file(path);
    QVERIFY(file.open(QIODevice::WriteOnly));
    file.write("no model at all");
    file.close();
    window_->open_model(path);
    QTRY_VERIFY_WITH_TIMEOUT(!window_->messages().text().isEmpty(), kPatience_ms);
    press("message_close");
    QVERIFY(window_->messages().text().isEmpty());
}

void WindowTest::theme_is_switched() {
    find<QAction>("action_theme_light")->trigger();
    QVERIFY(Theme::current().kind == ThemeKind::light);
    QCOMPARE(QSettings().value(QStringLiteral("view/theme")).toString(), QStringLiteral("light"));
    const QImage light = window_->grab().toImage();
    find<QAction>("action_theme_dark")->trigger();
    QVERIFY(Theme::current().kind == ThemeKind::dark);
    QVERIFY(window_->grab().toImage() != light);
}

void WindowTest::trouble_is_offered_a_recovery() {
    ExperimentConfig config = small_config(kEndless);
    config.optimiser = "sgd";
    config.learning_rate = 1e30;
    window_->set_config(config);
    press("start_button");
    const auto offered = [this] {
        return window_->findChild<QAbstractButton*>(QStringLiteral("message_recover"));
    };
    QTRY_VERIFY_WITH_TIMEOUT(offered() != nullptr && offered()->isVisible(), kPatience_ms);
    QVERIFY(window_->messages().text().contains(QStringLiteral("learning rate")));
    QTRY_VERIFY_WITH_TIMEOUT(window_->session().paused(), kPatience_ms);
    // Each offer lowers the rate tenfold; from a reasonable one on the run goes on.
    window_->session().recover(1e-3);
    QTRY_VERIFY_WITH_TIMEOUT(points() > 20, kPatience_ms);
    QTRY_VERIFY(window_->messages().text().isEmpty());
    stop_and_wait();
}

void WindowTest::ceiling_is_measured_and_drawn() {
    window_->set_config(small_config(2));
    press("measure_ceiling");
    QVERIFY(window_->panel().measuring());
    QTRY_VERIFY_WITH_TIMEOUT(!window_->panel().measuring(), kPatience_ms);
    const std::optional<double> ceiling = window_->panel().ceiling(*window_->panel().config());
    QVERIFY(ceiling.has_value());
    QVERIFY(*ceiling > 0.25 && *ceiling <= 1.0);
    const auto lines = [this] {
        return window_->training_page().accuracy_chart()->view()->scene_data().reference_lines;
    };
    QTRY_COMPARE(lines().size(), std::size_t{1});
    QVERIFY(find<QLabel>("model_note")->text().contains(QStringLiteral("Measured here")));
    QCOMPARE(find<QAbstractButton>("measure_ceiling")->text(), QStringLiteral("Compare with linear models"));
    press("measure_ceiling");
    press("measure_ceiling");  // now Cancel
    QTRY_VERIFY_WITH_TIMEOUT(!window_->panel().measuring(), kPatience_ms);
}

void WindowTest::every_control_has_a_name_and_a_tooltip() {
    for (const QWidget* widget : window_->findChildren<QWidget*>()) {
        const bool control = widget->inherits("QAbstractButton") || widget->inherits("QLineEdit") ||
                             widget->inherits("QComboBox") || widget->inherits("QSlider");
        if (!control || widget->objectName().startsWith(QLatin1String("qt_")) || widget->isHidden()) continue;
        if (widget->parentWidget()->inherits("QTabBar") || widget->parentWidget()->inherits("QMenuBar"))
            continue;
        const QByteArray name = widget->objectName().toUtf8();
        QVERIFY2(!name.isEmpty(), widget->metaObject()->className());
        QVERIFY2(!widget->accessibleName().isEmpty(), name.constData());
        QVERIFY2(!widget->toolTip().isEmpty(), name.constData());
        QVERIFY2(widget->focusPolicy() != Qt::NoFocus || !widget->isEnabled(), name.constData());
    }
}

/// The folder that the run writes to is gone: closing must not hide that nothing was saved.
void WindowTest::closing_stays_when_saving_fails() {
    start_and_see_points(kEndless);
    window_->session().pause();  // or its checkpoints come while the folder goes
    QTRY_VERIFY_WITH_TIMEOUT(window_->session().paused(), kPatience_ms);
    const QString runs = QFileInfo(window_->session().output()).absolutePath();
    QVERIFY(QDir(runs).removeRecursively());
    window_->close();
    QTRY_VERIFY_WITH_TIMEOUT(!window_->session().active(), kPatience_ms);
    QVERIFY(window_->isVisible());
    QVERIFY(window_->messages().text().contains(runs));
}

/// What the form shows is what is trained: every option of a configuration survives the way through it.
void WindowTest::form_gives_back_every_option() {
    ExperimentConfig config = small_config(7);
    config.model = "mlp";
    config.model_options = {{"hidden", 33}, {"depth", 2}, {"activation", "gelu"}};
    config.features = "log_magnitude";
    config.standardise = true;
    config.optimiser = "sgd";
    config.learning_rate = 0.25;
    config.momentum = 0.5;
    config.batch = 17;
    config.seed = 12345678901;
    config.validation = 0.25;
    config.max_seconds = 1.5;
    config.backend = "cpu";
    config.threads = 3;
    config.memory_mib = 77;
    window_->set_config(config);
    const std::optional<ExperimentConfig> found = window_->panel().config();
    QVERIFY(found.has_value());
    QCOMPARE(QString::fromStdString(to_json(resolved(*found)).dump()),
             QString::fromStdString(to_json(resolved(config)).dump()));
}

void WindowTest::closing_waits_for_the_checkpoint() {
    start_and_see_points(kEndless);
    const QString output = window_->session().output();
    window_->close();
    QVERIFY(window_->isVisible());
    QVERIFY(!window_->messages().text().isEmpty());
    QTRY_VERIFY_WITH_TIMEOUT(!window_->isVisible(), kPatience_ms);
    QVERIFY(read_model_file(output.toStdString()).checkpoint.has_value());
}

QTEST_MAIN(WindowTest)
#include "window_test.moc"
