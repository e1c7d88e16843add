// Drives the real window without a display: a run from start to stop, its controls, trouble and recovery.
#include <QAbstractButton>
#include <QAction>
#include <QComboBox>
#include <QImage>
#include <QLabel>
#include <QLineEdit>
#include <QSettings>
#include <QSignalSpy>
#include <QSlider>
#include <QTest>
#include <QToolButton>

#include "engine/nn/registry.hpp"
#include "tests/ui/controls.hpp"
#include "tests/ui/window_fixture.hpp"
#include "ui/charts/heat_map.hpp"
#include "ui/charts/image_grid.hpp"
#include "ui/charts/line_chart.hpp"
#include "ui/panels/compression_page.hpp"
#include "ui/panels/experiment_panel.hpp"
#include "ui/panels/field_edit.hpp"
#include "ui/panels/kernels_page.hpp"
#include "ui/panels/message_bar.hpp"
#include "ui/panels/patterns_page.hpp"
#include "ui/panels/schema_form.hpp"
#include "ui/panels/training_page.hpp"
#include "ui/theme.hpp"

namespace spectral::ui {
namespace {

class WindowTest : public QObject, protected WindowFixture {
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { use_own_settings(); }
    void init() { open_window(); }
    void cleanup() { close_window(); }
    void pages_say_what_will_appear();
    void form_marks_what_does_not_fit();
    void run_can_be_paused_stepped_and_stopped();
    void run_ends_when_its_time_is_over_and_says_so();
    void learning_rate_changes_while_running();
    void finished_run_shows_evaluation_and_patterns();
    void features_follow_the_model_unless_chosen();
    void theme_is_switched();
    void trouble_is_offered_a_recovery();
    void ceiling_is_measured_and_drawn();
    void closing_waits_for_a_comparison_without_standing_still();
    void every_control_has_a_name_and_a_tooltip();
    void form_gives_back_every_option();
    void form_shows_names_and_the_ends_of_paths();
};

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
    QTRY_COMPARE_WITH_TIMEOUT(find<QLineEdit>("parameter_count")->text(), QStringLiteral("11,004"),
                              kPatience_ms);  // (16 + 2 + 10) × 393
}

void WindowTest::run_can_be_paused_stepped_and_stopped() {
    start_and_see_points();
    press("start_button");  // now Pause
    QTRY_VERIFY_WITH_TIMEOUT(window_->session().paused(), kPatience_ms);
    const std::int64_t paused_at = last_step();
    press("step_button");
    QTRY_COMPARE_WITH_TIMEOUT(last_step(), paused_at + 1, kPatience_ms);
    press("step_button");
    QTRY_COMPARE_WITH_TIMEOUT(last_step(), paused_at + 2, kPatience_ms);
    QVERIFY(window_->session().paused());
    // A command answered while paused shows that the worker had its turn and trained on nothing.
    bool answered = false;
    const auto listening =
        QObject::connect(&window_->session(), &RunSession::updated, window_.get(),
                         [&](const Updates& updates) { answered |= updates.learning_rate == 0.01; });
    window_->session().set_learning_rate(0.01);
    QTRY_VERIFY_WITH_TIMEOUT(answered, kPatience_ms);
    QObject::disconnect(listening);
    QCOMPARE(last_step(), paused_at + 2);
    QTest::keyClick(window_.get(), Qt::Key_Space);  // resume
    QTRY_VERIFY_WITH_TIMEOUT(last_step() > paused_at + 10, kPatience_ms);
    stop_and_wait();
    QVERIFY(window_->session().state() == RunState::stopped);
    QTRY_VERIFY_WITH_TIMEOUT(!window_->training_page().loss_chart()->drawn_points(0).isEmpty(), kPatience_ms);
}

void WindowTest::run_ends_when_its_time_is_over_and_says_so() {
    ExperimentConfig config = small_config(kEndless);
    config.max_seconds = 0.25;
    window_->set_config(config);
    press("start_button");
    QTRY_VERIFY_WITH_TIMEOUT(window_->session().state() == RunState::stopped, kPatience_ms);
    QVERIFY(find<QLabel>("status_note")->text().contains(QStringLiteral("0.25 s of training, as asked")));
}

void WindowTest::learning_rate_changes_while_running() {
    start_and_see_points();
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

void WindowTest::finished_run_shows_evaluation_and_patterns() {
    train_to_the_end(3);
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
    // What cannot be done meanwhile says so, and leaves the way out where it was.
    const QString offer = window_->messages().text();
    window_->save_checkpoint(folder_.filePath(QStringLiteral("no/such/folder.h5")));
    QTRY_VERIFY_WITH_TIMEOUT(window_->messages().text() != offer, kPatience_ms);
    QVERIFY(offered() == nullptr);
    press("message_close");
    QCOMPARE(window_->messages().text(), offer);
    QTRY_VERIFY_WITH_TIMEOUT(offered() != nullptr && offered()->isVisible(), kPatience_ms);
    QSignalSpy opened(&window_->compression_page(), &CompressionPage::opened);
    window_->compress_model(window_->session().output());
    QTRY_COMPARE_WITH_TIMEOUT(opened.count(), 1, kPatience_ms);
    QCOMPARE(window_->messages().text(), offer);
    // Each offer lowers the rate tenfold; from a reasonable one on the run goes on.
    window_->session().recover(1e-3);
    QTRY_VERIFY_WITH_TIMEOUT(points() > 20, kPatience_ms);
    QTRY_VERIFY_WITH_TIMEOUT(window_->messages().text().isEmpty(), kPatience_ms);
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
    QTRY_COMPARE_WITH_TIMEOUT(lines().size(), std::size_t{1}, kPatience_ms);
    QVERIFY(find<QLabel>("model_note")->text().contains(QStringLiteral("Measured here")));
    QCOMPARE(find<QAbstractButton>("measure_ceiling")->text(), QStringLiteral("Compare with linear models"));
    press("measure_ceiling");
    press("measure_ceiling");  // now Cancel
    QTRY_VERIFY_WITH_TIMEOUT(!window_->panel().measuring(), kPatience_ms);
}

void WindowTest::closing_waits_for_a_comparison_without_standing_still() {
    window_->show_page(MainWindow::Page::kernels);
    press("level_compare");
    QVERIFY(window_->kernels_page().comparing());
    window_->close();
    QVERIFY(window_->isVisible());
    QVERIFY(window_->messages().text().contains(QStringLiteral("measurement")));
    QTRY_VERIFY_WITH_TIMEOUT(!window_->isVisible(), kPatience_ms);
    QVERIFY(!window_->kernels_page().comparing());
}

void WindowTest::every_control_has_a_name_and_a_tooltip() {
    QCOMPARE(what_controls_lack(*window_).join(QLatin1Char('\n')), QString());
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

void WindowTest::form_shows_names_and_the_ends_of_paths() {
    window_->resize(1920, 1080);
    ExperimentConfig config;
    config.dataset = "text";
    config.data = "/a/path/that/is/longer/than/its/field/by/far/tinyshakespeare.txt";
    config.model = "char-transformer";
    window_->set_config(config);
    QCoreApplication::processEvents();
    auto* edit = find<QLineEdit>("field_data");
    QCOMPARE(edit->text(), QString::fromStdString(config.data));
    QCOMPARE(edit->cursorPosition(), static_cast<int>(edit->text().size()));  // what is in sight is around it
    const auto* model = qobject_cast<FieldCombo*>(find<QComboBox>("field_model"));
    QVERIFY(model != nullptr);
    QVERIFY2(model->shows_all(), qPrintable(model->currentText()));
}

}  // namespace
}  // namespace spectral::ui

using spectral::ui::WindowTest;
QTEST_MAIN(WindowTest)
#include "window_test.moc"
