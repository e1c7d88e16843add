// What the Evolve panel gives back to the window: values for the run that is going, and a file that another
// run starts from.
#include <QApplication>
#include <QFileDialog>
#include <QLineEdit>
#include <QSpinBox>
#include <QTest>
#include <QTimer>
#include <algorithm>
#include <vector>

#include "engine/io/model_file.hpp"
#include "tests/ui/window_fixture.hpp"
#include "ui/panels/evolve_panel.hpp"
#include "ui/panels/experiment_panel.hpp"
#include "ui/panels/message_bar.hpp"
#include "ui/panels/patterns_page.hpp"

namespace spectral::ui {
namespace {

class StartingPointWindowTest : public QObject, protected WindowFixture {
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { use_own_settings(); }
    void init() { open_window(MainWindow::Page::patterns); }
    void cleanup() { close_window(); }
    void goes_into_the_run();
    void goes_into_a_file_that_a_run_starts_from();
};

void StartingPointWindowTest::goes_into_the_run() {
    start_and_see_points();
    window_->session().pause();
    QTRY_VERIFY_WITH_TIMEOUT(window_->session().paused(), kPatience_ms);
    press("patterns_evolve");
    find<QSpinBox>("evolve_index")->setValue(2);
    const PatternEvolution& moving = window_->patterns_page().evolve_panel().evolution();
    QTRY_VERIFY_WITH_TIMEOUT(moving.has_start() && !moving.busy(), kPatience_ms);
    press("evolve_step");
    QTRY_COMPARE_WITH_TIMEOUT(moving.steps(), std::int64_t{1}, kPatience_ms);
    const std::vector<float> evolved = moving.now()->values;
    const auto row = [&] {
        return pattern_of(window_->session().record().snapshots().back()->matrices[0], 2).values;
    };
    QVERIFY(row() != evolved);
    press("evolve_use");
    QVERIFY(window_->messages().text().contains(QLatin1String("pattern 2")));
    QVERIFY(row() != evolved);  // not before it is confirmed
    press("message_replace");
    QTRY_VERIFY_WITH_TIMEOUT(row() == evolved, kPatience_ms);
    window_->session().resume();
    const std::int64_t before = last_step();
    QTRY_VERIFY_WITH_TIMEOUT(last_step() > before + 5, kPatience_ms);
    stop_and_wait();
    const ModelFile file = read_model_file(window_->session().output().toStdString());
    QCOMPARE(file.provenance.replacements, std::int64_t{1});
    QCOMPARE(file.provenance.replaced.front().parameter, std::string("purefft/pool"));
    QCOMPARE(file.provenance.replaced.front().first, std::int64_t{2 * 33});
}

void StartingPointWindowTest::goes_into_a_file_that_a_run_starts_from() {
    train_to_the_end(2);
    press("patterns_evolve");
    const PatternEvolution& moving = window_->patterns_page().evolve_panel().evolution();
    QTRY_VERIFY_WITH_TIMEOUT(moving.has_start() && !moving.busy(), kPatience_ms);
    press("evolve_step");
    QTRY_COMPARE_WITH_TIMEOUT(moving.steps(), std::int64_t{1}, kPatience_ms);
    const std::vector<float> evolved = moving.now()->values;
    const QString source = window_->session().output(), path = folder_.filePath(QStringLiteral("start.h5"));
    QTimer answer;
    connect(&answer, &QTimer::timeout, this, [&] {
        auto* dialog = qobject_cast<QFileDialog*>(QApplication::activeModalWidget());
        if (dialog == nullptr) return;
        answer.stop();
        dialog->findChild<QLineEdit*>()->setText(path);
        QMetaObject::invokeMethod(dialog, "accept", Qt::QueuedConnection);
    });
    answer.start(10);
    const ModelFile before = read_model_file(source.toStdString());
    press("evolve_use");
    QTRY_VERIFY_WITH_TIMEOUT(window_->messages().text().contains(QLatin1String("start.h5")), kPatience_ms);
    const ModelFile start = read_model_file(path.toStdString()),
                    after = read_model_file(source.toStdString());
    QVERIFY(!start.checkpoint);
    QVERIFY(start.metrics.empty());
    QCOMPARE(start.provenance.replacements, std::int64_t{1});
    QCOMPARE(start.provenance.replaced.front().step, before.checkpoint->step);
    const auto pool = [](const ModelFile& file) { return file.layers[0].tensors[0].tensor.values; };
    std::vector<float> expected = pool(before);
    std::copy(evolved.begin(), evolved.end(), expected.begin());
    QVERIFY(pool(start) == expected);
    QVERIFY(pool(after) == pool(before));

    press("message_start_from");
    QVERIFY(window_->session().active());
    QTRY_VERIFY_WITH_TIMEOUT(window_->session().state() == RunState::finished, kPatience_ms);
    QVERIFY(window_->session().output() != source);
    const RunRecord& record = window_->session().record();
    QCOMPARE(record.snapshots().front()->step, std::int64_t{0});
    QVERIFY(record.snapshots().front()->matrices[0].values.values == expected);

    // The form keeps nothing of it, neither then nor when the file is opened: afresh is afresh.
    const auto starts_from = [this] {
        return read_model_file(window_->session().output().toStdString()).config.value("start", "none");
    };
    QCOMPARE(starts_from(), path.toStdString());
    QCOMPARE(window_->panel().config()->start, std::string());
    const QString from_start = window_->session().output();
    window_->open_model(from_start);
    QTRY_VERIFY_WITH_TIMEOUT(window_->messages().text().isEmpty() && !window_->session().state(),
                             kPatience_ms);
    QCOMPARE(window_->panel().config()->start, std::string());
    press("start_button");
    press("message_start_afresh");
    QVERIFY(window_->session().active());
    QTRY_VERIFY_WITH_TIMEOUT(window_->session().state() == RunState::finished, kPatience_ms);
    QVERIFY(window_->session().output() != from_start);
    QCOMPARE(starts_from(), std::string());
    QVERIFY(record.snapshots().front()->matrices[0].values.values != expected);
}

}  // namespace
}  // namespace spectral::ui

QTEST_MAIN(spectral::ui::StartingPointWindowTest)
#include "starting_point_window_test.moc"
